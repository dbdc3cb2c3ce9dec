"""Counting the rules in force."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gatepost.pattern import PatternKind
from gatepost.scope import ScopeKind
from gatepost.store import tables

_SOON = 7 * 86_400
_TOP = 10
_rule, _hits = tables.rule, tables.rule_hits
_live = _rule.c.removed_by.is_(None)


@dataclass(frozen=True, slots=True)
class Stats:
    """How many rules there are, by what they say and how they are used."""

    rules: int
    actions: dict[str, int]
    kinds: dict[str, int]
    scopes: dict[str, int]
    expired: int
    expiring_soon: int
    """within seven days"""
    never_hit: int
    top: tuple[int, ...]
    """the rules with most hits, by number"""


def count_all(connection: Connection, now: float) -> Stats:
    """Count; `now` is Unix time in seconds."""
    actions: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    scopes: Counter[str] = Counter()
    columns = (_rule.c.action, _rule.c.kind, _rule.c.scope_kind)
    for action, kind, scope, count in connection.execute(
        sa.select(*columns, sa.func.count()).where(_live).group_by(*columns)
    ):
        actions[action] += count
        kinds[PatternKind(kind).name.lower()] += count
        scopes[ScopeKind(scope).name.lower()] += count
    seconds = int(now)
    hit = _rule.c.id.in_(sa.select(_hits.c.rule_id).where(_hits.c.hits > 0))
    return Stats(
        actions.total(),
        dict(actions),
        dict(kinds),
        dict(scopes),
        _count(connection, _rule.c.expires <= seconds),
        _count(connection, _rule.c.expires.between(seconds + 1, seconds + _SOON)),
        actions.total() - _count(connection, hit),
        _most_hit(connection),
    )


def _count(connection: Connection, where: sa.ColumnElement[bool]) -> int:
    return connection.scalar(sa.select(sa.func.count()).select_from(_rule).where(_live, where)) or 0


def _most_hit(connection: Connection) -> tuple[int, ...]:
    query = (
        sa.select(_hits.c.rule_id).join(_rule, _rule.c.id == _hits.c.rule_id).where(_live, _hits.c.hits > 0)
    )
    return tuple(connection.scalars(query.order_by(_hits.c.hits.desc(), _hits.c.rule_id).limit(_TOP)))
