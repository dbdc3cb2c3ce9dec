"""Reading and changing rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, Row

from gatepost.network import parse_network
from gatepost.pattern import Pattern, PatternKind
from gatepost.rule import Action, Demand, Effect, Rule, Terms
from gatepost.scope import Scope, ScopeKind
from gatepost.store import tables
from gatepost.store.changes import Author, hold_rules, one_change
from gatepost.store.database import reading

_KEYS_AT_ONCE = 400
_ROWS_AT_ONCE = 1000
_rule, _change, _batch, _hits = tables.rule, tables.change, tables.batch, tables.rule_hits


@dataclass(frozen=True, slots=True)
class RuleRecord:
    """A rule with what is known about it."""

    rule: Rule
    note: str
    origin: str
    author: str
    created: float
    hits: int = 0
    last_hit: float | None = None
    removed: bool = False


@dataclass(frozen=True, slots=True)
class NewRule:
    """A rule to be added."""

    terms: Terms
    note: str = ""
    origin: str = "cli"


@dataclass(frozen=True, slots=True)
class Filter:
    """Which rules to list; empty fields ask for all."""

    action: Action | None = None
    scope: Scope | None = None
    pattern: Pattern | None = None
    text: str = ""
    origin: str = ""
    ids: tuple[int, ...] = ()
    expired_at: float | None = None
    """Unix time, seconds: only rules that have expired by then"""


def rule_from_row(row: Row[Any]) -> Rule:
    """Rebuild a rule from a row of the rule table."""
    kind = PatternKind(row.kind)
    network = parse_network(row.pattern) if kind is PatternKind.NETWORK else None
    terms = Terms(
        Action(row.action),
        Pattern(kind, row.pattern, network),
        Scope(ScopeKind(row.scope_kind), row.scope),
        row.enforced,
        Effect(row.effect),
        Demand(row.proof),
        row.expires,
    )
    return Rule(row.id, terms)


def rule_values(new: NewRule, change: str) -> dict[str, object]:
    """Give the column values of a rule to be added."""
    terms = new.terms
    return {
        "action": terms.action.value,
        "kind": int(terms.pattern.kind),
        "pattern": terms.pattern.text,
        "scope_kind": int(terms.scope.kind),
        "scope": terms.scope.text,
        "enforced": terms.enforced,
        "effect": terms.effect.value,
        "proof": terms.demand.value,
        "expires": terms.expires,
        "note": new.note,
        "origin": new.origin,
        "added_by": change,
    }


def add_rule(engine: Engine, author: Author, new: NewRule) -> tuple[RuleRecord, RuleRecord | None]:
    """Add a rule; one with the same action, pattern, scope and enforcement is replaced and given too."""
    with one_change(engine, author) as (connection, change):
        hold_rules(connection)
        replaced = _same_key(connection, new.terms)
        remove_rows(connection, change, [old.rule.id for old in replaced])
        result = connection.execute(sa.insert(_rule).values(rule_values(new, change)))
        key = result.inserted_primary_key
        record = next(_records(connection, _rule.c.id == (key[0] if key else 0)))
    return record, replaced[-1] if replaced else None


def remove_rules(engine: Engine, author: Author, ids: Sequence[int]) -> int:
    """Remove rules by number and say how many were there."""
    with one_change(engine, author) as (connection, change):
        hold_rules(connection)
        return remove_rows(connection, change, ids)


def remove_rows(connection: Connection, change: str, ids: Sequence[int]) -> int:
    """Mark rules as removed by a change."""
    removed = 0
    for some in _slices(ids):
        where = sa.and_(_rule.c.id.in_(some), _rule.c.removed_by.is_(None))
        removed += connection.execute(sa.update(_rule).where(where).values(removed_by=change)).rowcount
    return removed


def list_rules(engine: Engine, wanted: Filter | None = None, limit: int | None = None) -> list[RuleRecord]:
    """List rules in force (expired ones too), oldest first."""
    with reading(engine) as connection:
        return list(stream_records(connection, wanted or Filter(), limit))


def stream_records(connection: Connection, wanted: Filter, limit: int | None = None) -> Iterator[RuleRecord]:
    """Go through rules in force (expired ones too), oldest first, in constant memory."""
    streaming = connection.execution_options(yield_per=_ROWS_AT_ONCE)
    yield from _records(streaming, *_conditions(wanted), limit=limit)


def get_rule(engine: Engine, number: int) -> RuleRecord | None:
    """Find one rule by number, removed ones too."""
    with reading(engine) as connection:
        return next(_records(connection, _rule.c.id == number, removed=True), None)


def find_records(connection: Connection, *where: sa.ColumnElement[bool]) -> list[RuleRecord]:
    """List the rules, removed ones too, that meet conditions on the rule table."""
    return list(_records(connection, *where, removed=True))


def count_rules(engine: Engine) -> int:
    """Count the rules in force."""
    with reading(engine) as connection:
        where = _rule.c.removed_by.is_(None)
        return connection.scalar(sa.select(sa.func.count()).select_from(_rule).where(where)) or 0


def stream_live(connection: Connection, after: int = 0, size: int = 20_000) -> Iterator[list[Rule]]:
    """Go through all rules in force by number, in lists of `size`."""
    while True:
        where = sa.and_(_rule.c.id > after, _rule.c.removed_by.is_(None))
        rows = connection.execute(sa.select(_rule).where(where).order_by(_rule.c.id).limit(size)).all()
        if not rows:
            return
        after = rows[-1].id
        yield [rule_from_row(row) for row in rows]


def matching(connection: Connection, scopes: Sequence[str], texts: Iterable[str]) -> Iterator[Rule]:
    """Find the rules in force of some scopes that have one of the texts."""
    live = sa.and_(_rule.c.scope.in_(list(scopes)), _rule.c.removed_by.is_(None))
    for some in _slices(list(texts)):
        where = sa.and_(live, _rule.c.pattern.in_(some))
        yield from map(rule_from_row, connection.execute(sa.select(_rule).where(where)))


def _same_key(connection: Connection, terms: Terms) -> list[RuleRecord]:
    same = sa.and_(
        _rule.c.scope == terms.scope.text,
        _rule.c.pattern == terms.pattern.text,
        _rule.c.action == terms.action.value,
        _rule.c.enforced == terms.enforced,
    )
    return list(_records(connection, same))


def _conditions(wanted: Filter) -> Iterator[sa.ColumnElement[bool]]:
    if wanted.action:
        yield _rule.c.action == wanted.action.value
    if wanted.scope:
        yield _rule.c.scope == wanted.scope.text
    if wanted.pattern:
        yield _rule.c.pattern == wanted.pattern.text
    if wanted.text:
        yield _rule.c.pattern.contains(wanted.text.lower(), autoescape=True)
    if wanted.origin:
        yield _rule.c.origin == wanted.origin
    if wanted.ids:
        yield _rule.c.id.in_(wanted.ids)
    if wanted.expired_at is not None:
        yield _rule.c.expires <= int(wanted.expired_at)


def _records(
    connection: Connection, *where: sa.ColumnElement[bool], removed: bool = False, limit: int | None = None
) -> Iterator[RuleRecord]:
    query = (
        sa.select(_rule, _batch.c.author, _batch.c.at, _hits.c.hits, _hits.c.last_hit)
        .join(_change, _change.c.id == _rule.c.added_by)
        .join(_batch, _batch.c.id == _change.c.batch_id)
        .outerjoin(_hits, _hits.c.rule_id == _rule.c.id)
        .where(*where)
        .order_by(_rule.c.id)
        .limit(limit)
    )
    if not removed:
        query = query.where(_rule.c.removed_by.is_(None))
    for row in connection.execute(query):
        yield RuleRecord(
            rule_from_row(row),
            row.note,
            row.origin,
            row.author,
            row.at,
            row.hits or 0,
            row.last_hit,
            removed=row.removed_by is not None,
        )


def _slices(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), _KEYS_AT_ONCE):
        yield items[start : start + _KEYS_AT_ONCE]
