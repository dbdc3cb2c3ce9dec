"""Removing rules that have had their time, in chunks, as one batch that can be undone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from gatepost.store import tables
from gatepost.store.bulk import CHUNK
from gatepost.store.changes import Author, hold_rules, numbered_change, open_batch
from gatepost.store.rules import remove_rows

_rule, _change, _batch, _hits = tables.rule, tables.change, tables.batch, tables.rule_hits


@dataclass(frozen=True, slots=True)
class Criteria:
    """Which rules have had their time; all that is given must hold. Unix times, seconds."""

    made_before: float | None = None
    unused_since: float | None = None
    """made before then and not hit since"""
    expired_at: float | None = None
    origin: str = ""


def count_purgeable(connection: Connection, criteria: Criteria) -> int:
    """Count the rules that would be removed."""
    query = sa.select(sa.func.count()).select_from(_rule).where(*_conditions(criteria))
    return connection.scalar(query) or 0


def purge(engine: Engine, author: Author, criteria: Criteria, done: Callable[[int], None]) -> tuple[int, int]:
    """Remove them and give the batch and their number; `done` hears how many are done."""
    batch = open_batch(engine, author)
    count, after = 0, 0
    while after >= 0:
        with numbered_change(engine, batch) as (connection, change):
            hold_rules(connection)
            ids = _next(connection, criteria, after)
            count += remove_rows(connection, change, ids)
        after = ids[-1] if len(ids) == CHUNK else -1
        done(count)
    return batch, count


def _next(connection: Connection, criteria: Criteria, after: int) -> list[int]:
    query = sa.select(_rule.c.id).where(*_conditions(criteria), _rule.c.id > after)
    return list(connection.scalars(query.order_by(_rule.c.id).limit(CHUNK)))


def _conditions(criteria: Criteria) -> Iterator[sa.ColumnElement[bool]]:
    yield _rule.c.removed_by.is_(None)
    if criteria.made_before is not None:
        yield _made_before(criteria.made_before)
    if criteria.unused_since is not None:
        hit = sa.and_(_hits.c.rule_id == _rule.c.id, _hits.c.last_hit >= criteria.unused_since)
        yield _made_before(criteria.unused_since)
        yield ~sa.select(sa.literal(1)).where(hit).correlate(_rule).exists()
    if criteria.expired_at is not None:
        yield _rule.c.expires <= int(criteria.expired_at)
    if criteria.origin:
        yield _rule.c.origin == criteria.origin


def _made_before(time: float) -> sa.ColumnElement[bool]:
    changes = (
        sa.select(_change.c.id).join(_batch, _batch.c.id == _change.c.batch_id).where(_batch.c.at < time)
    )
    return _rule.c.added_by.in_(changes)
