"""Keeping the aliases in the database true to Postfix: all of them now and then, single ones when mail came for them.

`recent` is the queue of those to be asked about: a fact stays there until the snapshot knows the answer,
so a crash at any point loses none. Answers that something is no alias are kept up to a bound; beyond it
such an address is asked about once between two looks at all tables, and forgotten.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy.engine import Engine

from gatepost.journal.entries import FactKind
from gatepost.journal.journal import Journal
from gatepost.lookup import UNLISTED
from gatepost.store.aliases import (
    AliasRow,
    differences,
    room_for_more,
    stored_aliases,
    stored_among,
    unlisted_row,
    within_bounds,
    write_aliases,
)
from gatepost.store.changes import Author
from gatepost_agent.postfix_aliases import Aliases, is_askable, read_aliases
from gatepost_agent.postfix_tables import PostfixTables

LOG = logging.getLogger("gatepost.agent")


class Knows(Protocol):
    """A snapshot that can say whether it knows an address."""

    def knows(self, key: str) -> bool:
        """Whether Postfix was asked about this address."""


@dataclass(frozen=True, slots=True)
class Drift:
    """What Postfix says now, and how the database differs."""

    stored: dict[str, AliasRow]
    changed: list[AliasRow]
    """rows as they should be"""


class AliasSync:
    """One host's aliases. It waits for programs and the database, so it has a thread of its own in the agent."""

    def __init__(self, engine: Engine, postfix_config: str, journal: Journal, host: str) -> None:
        """Read the Postfix configured in a folder; `host` owns the rows that come of it."""
        self._engine = engine
        self._postfix = PostfixTables(postfix_config)
        self._journal = journal
        self._host = host
        self._author = Author(f"agent@{host}", "aliases sync")
        self._answered: set[str] = set()

    def sync(self) -> None:
        """Bring the database in step with all of Postfix's tables."""
        self._answered.clear()
        self.write(self.drift(), self._author)

    def answer(self) -> None:
        """Ask about the addresses that mail came for since, if there are any."""
        asked = self._asked() - self._answered
        if not asked:
            return
        found = read_aliases(self._postfix, asked)
        stored = stored_among(self._engine, found.rows)
        rows = [row for row in found.rows.values() if row.address in asked or row.address not in stored]
        about = {row.address: stored[row.address] for row in rows if row.address in stored}
        self._write(self._bounded(stored, differences(about, rows, self._host)), self._author)
        self._answered |= asked

    def drift(self, *, take_over: bool = False) -> Drift:
        """Compare the database with what Postfix says now."""
        stored = stored_aliases(self._engine)
        known = {address for address in stored if not address.startswith((UNLISTED, "@"))}
        found = read_aliases(self._postfix, known | self._asked())
        changed = differences(stored, self._rows(found), self._host, take_over=take_over)
        return Drift(stored, self._bounded(stored, changed))

    def write(self, drift: Drift, author: Author) -> None:
        """Write what has changed."""
        self._write(drift.changed, author)

    def settle(self, snapshot: Knows) -> int:
        """Forget the questions that are answered; gives the number that is left."""
        return self._journal.settle(
            FactKind.ASKED,
            lambda fact: fact.key in self._answered or not is_askable(fact.key) or snapshot.knows(fact.key),
        )

    def _write(self, rows: list[AliasRow], author: Author) -> None:
        if write_aliases(self._engine, author, rows):
            LOG.info("aliases: %d changed", len(rows))

    def _bounded(self, stored: Mapping[str, AliasRow], rows: list[AliasRow]) -> list[AliasRow]:
        return within_bounds(stored, rows, room_for_more(self._engine, self._host))

    def _asked(self) -> set[str]:
        return {fact.key for fact in self._journal.facts(FactKind.ASKED) if is_askable(fact.key)}

    def _rows(self, found: Aliases) -> list[AliasRow]:
        rows = list(found.rows.values())
        return [*rows, unlisted_row(self._host, found.unlisted)] if found.unlisted else rows
