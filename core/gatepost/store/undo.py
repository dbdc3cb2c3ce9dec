"""Batches: the log of what was changed, and taking one back.

A batch is undone by another batch, change by change: what a change added is removed, what it removed is
added again. A key (scope, pattern, action, enforcement) that somebody has touched since is left as it is.
An undo that was killed halfway is completed by undoing the same batch once more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from gatepost.store import tables
from gatepost.store.changes import Author, hold_rules, numbered_change, open_batch
from gatepost.store.database import reading
from gatepost.store.staging import KEY

_rule, _change, _batch = tables.rule, tables.change, tables.batch
_later = _rule.alias("later")


@dataclass(frozen=True, slots=True)
class BatchRecord:
    """A batch that changed rules."""

    id: int
    at: float
    author: str
    command: str
    added: int
    removed: int
    undoes: int | None
    undone_by: int | None


@dataclass(frozen=True, slots=True)
class Undoing:
    """What undoing a batch would do."""

    remove: int
    restore: int
    left: int
    """rules of the batch that were changed since, and are left as they are"""


def recent_batches(connection: Connection, limit: int | None = None) -> Iterator[BatchRecord]:
    """List batches that changed rules, newest first."""
    undone = _undone(connection)
    query = sa.select(_batch).where(_touches_rules()).order_by(_batch.c.id.desc()).limit(limit)
    for row in connection.execute(query).all():
        yield _record(connection, row, undone)


def find_batch(connection: Connection, number: int | None) -> BatchRecord | None:
    """Find a batch by number; without one the newest that is no undo and not undone itself."""
    undone = _undone(connection)
    query = sa.select(_batch).where(_touches_rules()).order_by(_batch.c.id.desc())
    query = query.where(_batch.c.undoes.is_(None)) if number is None else query.where(_batch.c.id == number)
    for row in connection.execute(query):
        if number is not None or row.id not in undone:
            return _record(connection, row, undone)
    return None


def plan_undo(connection: Connection, batch: BatchRecord) -> Undoing:
    """Count what undoing would do."""
    remove = _count(connection, _changed(_rule.c.added_by, batch.id), _rule.c.removed_by.is_(None))
    restore = _count(connection, _changed(_rule.c.removed_by, batch.id), *_restorable(batch.id))
    return Undoing(remove, restore, batch.added + batch.removed - remove - restore)


def undo(engine: Engine, author: Author, batch: int, done: Callable[[int], None]) -> int:
    """Undo a batch, newest change first, and give the batch that did it; `done` hears how many rules are done."""
    undoing = open_batch(engine, author, undoes=batch)
    count = 0
    for theirs in _changes(engine, batch):
        with numbered_change(engine, undoing) as (connection, change):
            hold_rules(connection)
            count += _restore(connection, batch, theirs, change)
            added = sa.and_(_rule.c.added_by == theirs, _rule.c.removed_by.is_(None))
            count += connection.execute(sa.update(_rule).where(added).values(removed_by=change)).rowcount
        done(count)
    return undoing


def _changes(engine: Engine, batch: int) -> list[str]:
    with reading(engine) as connection:
        query = sa.select(_change.c.id).where(_change.c.batch_id == batch).order_by(_change.c.number.desc())
        return list(connection.scalars(query))


def _restore(connection: Connection, batch: int, theirs: str, change: str) -> int:
    copied = [column for column in _rule.c if column.name not in {"id", "added_by", "removed_by"}]
    rows = sa.select(*copied, sa.literal(change)).where(_rule.c.removed_by == theirs, *_restorable(batch))
    names = [*(column.name for column in copied), "added_by"]
    return connection.execute(_rule.insert().from_select(names, rows.order_by(_rule.c.id))).rowcount


def _restorable(batch: int) -> tuple[sa.ColumnElement[bool], ...]:
    """Only what the batch found in force, and only while its key is as the batch left it."""
    since = sa.or_(~_changed(_later.c.added_by, batch), _later.c.removed_by.is_not(None))
    same = [_later.c[name] == _rule.c[name] for name in KEY]
    touched = (
        sa.select(sa.literal(1)).select_from(_later).where(*same, _later.c.id > _rule.c.id, since).exists()
    )
    return ~_changed(_rule.c.added_by, batch), ~touched


def _changed(by: sa.ColumnElement[str], batch: int) -> sa.ColumnElement[bool]:
    return by.in_(sa.select(_change.c.id).where(_change.c.batch_id == batch))


def _touches_rules() -> sa.ColumnElement[bool]:
    mine = sa.or_(_rule.c.added_by == _change.c.id, _rule.c.removed_by == _change.c.id)
    return sa.select(sa.literal(1)).where(_change.c.batch_id == _batch.c.id, mine).correlate(_batch).exists()


def _undone(connection: Connection) -> dict[int, int]:
    """Tell which batches are undone and by which; undoing an undo makes the first one count again."""
    query = (
        sa.select(_batch.c.id, _batch.c.undoes)
        .where(_batch.c.undoes.is_not(None))
        .order_by(_batch.c.id.desc())
    )
    undone: dict[int, int] = {}
    for number, target in connection.execute(query):
        if number not in undone:
            undone.setdefault(target, number)
    return undone


def _record(connection: Connection, row: sa.Row[tuple[object, ...]], undone: dict[int, int]) -> BatchRecord:
    added = _count(connection, _changed(_rule.c.added_by, row.id))
    removed = _count(connection, _changed(_rule.c.removed_by, row.id))
    return BatchRecord(
        row.id, row.at, row.author, row.command, added, removed, row.undoes, undone.get(row.id)
    )


def _count(connection: Connection, *where: sa.ColumnElement[bool]) -> int:
    return connection.scalar(sa.select(sa.func.count()).select_from(_rule).where(*where)) or 0
