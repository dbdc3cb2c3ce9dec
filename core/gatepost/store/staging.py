"""Rules on their way in: temporary tables of one connection, so that a million need no memory.

`raw_rule` holds what a file says, line by line. `ready_rule` holds each rule once, compared with the rules
in force, those with something to do first and in the order of the rule table's index, so that writing
them touches each of its pages once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gatepost.rule import Terms
from gatepost.store import tables

_ROWS_AT_ONCE = 10_000
KEY = ("scope", "pattern", "action", "enforced")
"""what makes two rules the same rule; the rest are its terms"""
TERMS = ("effect", "proof", "expires", "note")
_SAID = ("action", "kind", "pattern", "scope_kind", "scope", "enforced", "effect", "proof", "expires", "note")

NEW, CHANGED, SAME = 0, 1, 2
"""states of a ready rule, in the order in which they lie"""

_metadata = sa.MetaData()


def _said() -> list[sa.Column[Any]]:  # columns of several types
    return [sa.Column(name, tables.rule.c[name].type) for name in _SAID]


raw = sa.Table("raw_rule", _metadata, sa.Column("line", sa.Integer), *_said(), prefixes=["TEMPORARY"])
ready = sa.Table(
    "ready_rule",
    _metadata,
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("state", sa.SmallInteger),
    sa.Column("old_id", tables.rule.c.id.type),
    *_said(),
    prefixes=["TEMPORARY"],
)


class Staged(NamedTuple):
    """One rule of a file."""

    line: int
    terms: Terms
    note: str


def create_tables(connection: Connection) -> None:
    """Make the temporary tables anew."""
    _metadata.drop_all(connection)
    _metadata.create_all(connection)


def load(connection: Connection, rules: Iterable[Staged]) -> None:
    """Fill the raw table, in the quickest way that the database has."""
    rest = map(_values, rules)
    if connection.dialect.name == "postgresql":
        _copy(connection, rest)
        return
    marks = ",".join("?" * (len(_SAID) + 1))
    statement = f"INSERT INTO raw_rule (line, {', '.join(_SAID)}) VALUES ({marks})"  # noqa: S608  our own names
    while some := list(islice(rest, _ROWS_AT_ONCE)):
        connection.exec_driver_sql(statement, some)


def _copy(connection: Connection, rows: Iterable[Sequence[object]]) -> None:
    cursor: Any = connection.connection.cursor()  # psycopg's own cursor, which SQLAlchemy does not type
    statement = f"COPY raw_rule (line, {', '.join(_SAID)}) FROM STDIN"
    with cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def _values(staged: Staged) -> tuple[object, ...]:
    line, terms, note = staged
    pattern, scope = terms.pattern, terms.scope
    return (
        line,
        terms.action.value,
        int(pattern.kind),
        pattern.text,
        int(scope.kind),
        scope.text,
        terms.enforced,
        terms.effect.value,
        terms.demand.value,
        terms.expires,
        note,
    )


def compare(connection: Connection) -> None:
    """Fill the ready table: the last line for each rule, and what it changes."""
    once = _last_lines()
    rule = tables.rule
    old = sa.select(sa.func.max(rule.c.id)).where(live_same_key(once)).scalar_subquery()
    joined = sa.select(once, old.label("old_id")).subquery("once")
    before = joined.outerjoin(rule, rule.c.id == joined.c.old_id)
    state = sa.case((rule.c.id.is_(None), NEW), (differs(joined), CHANGED), else_=SAME)
    said = [joined.c[name] for name in _SAID]
    order = [state, *(joined.c[name] for name in KEY)]
    position = sa.func.row_number().over(order_by=order)
    rows = sa.select(position, state, joined.c.old_id, *said).select_from(before).order_by(*order)
    connection.execute(ready.insert().from_select(["position", "state", "old_id", *_SAID], rows))
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("ANALYZE ready_rule"))  # it never looks at temporary tables by itself


def index_keys(connection: Connection) -> None:
    """Index the ready table by key, to find what is not in it."""
    connection.execute(sa.text(f"CREATE INDEX ix_ready_rule_key ON ready_rule ({', '.join(KEY)})"))


def _last_lines() -> sa.Subquery:
    key = [raw.c[name] for name in KEY]
    nth = sa.func.row_number().over(partition_by=key, order_by=raw.c.line.desc())
    numbered = sa.select(raw, nth.label("nth")).subquery()
    said = [numbered.c[name] for name in _SAID]
    return sa.select(*said).where(numbered.c.nth == 1).subquery("last_line")


def live_same_key(other: sa.FromClause) -> sa.ColumnElement[bool]:
    """Hold the rules in force against another table by their key."""
    rule = tables.rule.c
    return sa.and_(rule.removed_by.is_(None), *(rule[name] == other.c[name] for name in KEY))


def differs(other: sa.FromClause) -> sa.ColumnElement[bool]:
    """Whether a rule's terms are not those of another table's row."""
    return sa.or_(*(tables.rule.c[name].is_distinct_from(other.c[name]) for name in TERMS))
