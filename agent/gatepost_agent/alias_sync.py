"""Reading Postfix's aliases into the database."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.engine import Engine

from gatepost.config import Aliases
from gatepost.journal.entries import Fact
from gatepost.journal.journal import Journal
from gatepost_agent.feeder import Feeder


class AliasSync:
    """Placeholder until the alias reader lands."""

    def __init__(self, engine: Engine, settings: Aliases, journal: Journal, feeder: Feeder) -> None:
        """Keep."""

    def sync(self) -> None:
        """Nothing."""

    def answer(self, asked: Sequence[Fact]) -> None:
        """Nothing."""
