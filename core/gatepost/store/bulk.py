"""Importing rules: any number of them as one batch, written in chunks that each become a change.

A killed import leaves a batch that ends early; undoing it takes back all that was written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from gatepost.rule import Action, Demand
from gatepost.scope import SITE_TEXT
from gatepost.store import tables
from gatepost.store.changes import Author, change_on, hold_rules, open_batch
from gatepost.store.database import connected
from gatepost.store.staging import (
    CHANGED,
    KEY,
    NEW,
    SAME,
    TERMS,
    Staged,
    compare,
    create_tables,
    differs,
    index_keys,
    live_same_key,
    load,
    raw,
    ready,
)

CHUNK = 20_000
"""rules in one transaction: it holds the lock of all writers for well under a second"""
_EXAMPLES = 3
_rule = tables.rule


@dataclass(frozen=True, slots=True)
class Example:
    """A rule of a file, and the terms that it replaces."""

    action: str
    pattern: str
    scope: str
    difference: str = ""

    def __str__(self) -> str:
        """Write it in a line."""
        return f"{self.action} {self.pattern} for {self.scope or SITE_TEXT}{self.difference}"


@dataclass(frozen=True, slots=True)
class Summary:
    """What an import would do."""

    new: int
    changed: int
    same: int
    repeated: int
    """lines for a rule that a later line names again: the last one counts"""
    gone: int
    """rules of the origin that the file does not name, and that would be removed"""
    unproven: int
    """allows to be written that ask for proof of the sender"""
    examples: dict[str, tuple[Example, ...]]

    @property
    def writes(self) -> int:
        """How many rules would be written."""
        return self.new + self.changed

    @property
    def touches(self) -> int:
        """How many rules would be written or removed."""
        return self.writes + self.gone


class Import:
    """One import on its own connection: load, look, apply."""

    def __init__(self, connection: Connection, engine: Engine, origin: str, *, replace: bool) -> None:
        """Make the temporary tables; `replace` removes rules of the origin that the file does not name."""
        self._connection = connection
        self._engine = engine
        self._origin = origin
        self._replace = replace
        with self._connection.begin():
            create_tables(connection)

    def load(self, rules: Iterable[Staged]) -> Summary:
        """Read all rules and compare them with those in force; nothing is changed."""
        with self._connection.begin():
            load(self._connection, rules)
            compare(self._connection)
            if self._replace:
                index_keys(self._connection)
        with self._connection.begin():
            return self._summary()

    def apply(self, author: Author, summary: Summary, done: Callable[[int], None]) -> int:
        """Write what is to be written and give the batch; `done` hears how many rules are in."""
        batch = open_batch(self._engine, author)
        self._connection.execution_options(gatepost_begin="IMMEDIATE")
        for first in range(1, summary.writes + 1, CHUNK):
            with change_on(self._connection, batch) as change:
                self._write(change, first, first + CHUNK - 1)
            done(min(first + CHUNK - 1, summary.writes))
        if summary.gone:
            self._remove_gone(batch)
        return batch

    def _summary(self) -> Summary:
        count = sa.select(ready.c.state, sa.func.count()).group_by(ready.c.state)
        states: dict[int, int] = {row[0]: row[1] for row in self._connection.execute(count)}
        lines = self._connection.scalar(sa.select(sa.func.count()).select_from(raw)) or 0
        gone = 0
        if self._replace:
            gone = (
                self._connection.scalar(sa.select(sa.func.count()).select_from(_rule).where(self._gone()))
                or 0
            )
        return Summary(
            states.get(NEW, 0),
            states.get(CHANGED, 0),
            states.get(SAME, 0),
            lines - sum(states.values()),
            gone,
            self._count_unproven(),
            {"new": self._new_examples(), "changed": self._changed_examples(), "gone": self._gone_examples()},
        )

    def _count_unproven(self) -> int:
        asks = sa.and_(ready.c.action == Action.ALLOW.value, ready.c.proof != Demand.NONE.value)
        query = sa.select(sa.func.count()).where(asks, ready.c.state != SAME)
        return self._connection.scalar(query) or 0

    def _new_examples(self) -> tuple[Example, ...]:
        columns = (ready.c.action, ready.c.pattern, ready.c.scope)
        query = sa.select(*columns).where(ready.c.state == NEW).order_by(ready.c.position).limit(_EXAMPLES)
        return tuple(Example(*row) for row in self._connection.execute(query))

    def _changed_examples(self) -> tuple[Example, ...]:
        now = [ready.c[name].label(f"new_{name}") for name in TERMS]
        query = (
            sa.select(
                _rule.c.action, _rule.c.pattern, _rule.c.scope, *(_rule.c[name] for name in TERMS), *now
            )
            .join(ready, ready.c.old_id == _rule.c.id)
            .where(ready.c.state == CHANGED)
            .order_by(ready.c.position)
            .limit(_EXAMPLES)
        )
        return tuple(_changed(row) for row in self._connection.execute(query).mappings())

    def _gone_examples(self) -> tuple[Example, ...]:
        if not self._replace:
            return ()
        query = sa.select(_rule.c.action, _rule.c.pattern, _rule.c.scope).where(self._gone()).limit(_EXAMPLES)
        return tuple(Example(*row) for row in self._connection.execute(query))

    def _gone(self) -> sa.ColumnElement[bool]:
        named = sa.select(sa.literal(1)).where(*(ready.c[name] == _rule.c[name] for name in KEY)).exists()
        return sa.and_(_rule.c.origin == self._origin, _rule.c.removed_by.is_(None), ~named)

    def _write(self, change: str, first: int, last: int) -> None:
        """Replace and add the rules of some positions, as the database is by now."""
        hold_rules(self._connection)
        chunk = ready.c.position.between(first, last)
        outdated = sa.select(_rule.c.id).join(ready, live_same_key(ready)).where(chunk, differs(ready))
        self._connection.execute(sa.update(_rule).where(_rule.c.id.in_(outdated)).values(removed_by=change))
        present = (
            sa.select(sa.literal(1)).select_from(_rule).where(live_same_key(ready)).correlate(ready).exists()
        )
        said = [column for column in ready.c if column.name not in {"position", "state", "old_id"}]
        rows = sa.select(*said, sa.literal(self._origin), sa.literal(change)).where(chunk, ~present)
        names = [*(column.name for column in said), "origin", "added_by"]
        self._connection.execute(_rule.insert().from_select(names, rows.order_by(ready.c.position)))

    def _remove_gone(self, batch: int) -> None:
        removed = 1
        while removed:
            with change_on(self._connection, batch) as change:
                hold_rules(self._connection)
                some = sa.select(_rule.c.id).where(self._gone()).order_by(_rule.c.id).limit(CHUNK)
                removal = sa.update(_rule).where(_rule.c.id.in_(some)).values(removed_by=change)
                removed = self._connection.execute(removal).rowcount


@contextmanager
def importing(engine: Engine, origin: str, *, replace: bool = False) -> Iterator[Import]:
    """Begin an import; its temporary tables go with the connection."""
    with connected(engine) as connection:
        connection.detach()
        yield Import(connection, engine, origin, replace=replace)


def _changed(row: sa.RowMapping) -> Example:
    """Name the terms that change."""
    pairs = ((name, row[name], row[f"new_{name}"]) for name in TERMS)
    words = [f"{name} {_or_none(old)} -> {_or_none(new)}" for name, old, new in pairs if old != new]
    return Example(str(row["action"]), str(row["pattern"]), str(row["scope"]), f": {', '.join(words)}")


def _or_none(value: object) -> str:
    return "none" if value in {None, ""} else str(value)
