"""Asking the agent to look at the generation in force, because it seems to be damaged.

Damage may also end the process that reads it (a page that is not there is a bus error), so a daemon that
died without a word is a reason to look, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gatepost.snapshot.generation import COMPLAINT


def complain(folder: Path) -> None:
    """Leave the file that the agent looks for."""
    with suppress(OSError):
        (folder / COMPLAINT).touch()


@contextmanager
def crash_noticed(folder: Path, daemon: str) -> Iterator[None]:
    """Complain at the start of a daemon whose last run did not come to its end."""
    mark = folder / f"{daemon}.running"
    if mark.exists():
        complain(folder)
    with suppress(OSError):
        mark.touch()
    try:
        yield
    finally:
        with suppress(OSError):
            mark.unlink(missing_ok=True)
