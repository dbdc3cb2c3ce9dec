"""What a check found."""

from __future__ import annotations

import enum
from typing import NamedTuple


class Level(enum.StrEnum):
    """How bad it is: an error keeps Gatepost from doing its work, a warning may one day."""

    ERROR = "error"
    WARNING = "warning"


class Finding(NamedTuple):
    """Something that is wrong."""

    level: Level
    what: str
    why: str
    mend: str
    """a command, or what to write where"""


def error(what: str, why: str, mend: str) -> Finding:
    """Make a finding that keeps Gatepost from doing its work."""
    return Finding(Level.ERROR, what, why, mend)


def warning(what: str, why: str, mend: str) -> Finding:
    """Make a finding that may matter one day."""
    return Finding(Level.WARNING, what, why, mend)
