"""Reading the feed: which database this is, how far it is, and what the next changes touched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gatepost.errors import DatabaseError
from gatepost.lookup import Alias
from gatepost.position import Position
from gatepost.store import tables

_rule, _change, _alias = tables.rule, tables.change, tables.alias
_RULE_COLUMNS = tuple(
    _rule.c[name]
    for name in ("id", "action", "kind", "pattern", "scope", "enforced", "effect", "proof", "expires")
)


class RuleRow(NamedTuple):
    """The columns of a rule that decide, as they lie in the database."""

    id: int
    action: str
    kind: int
    pattern: str
    scope: str
    enforced: bool
    effect: str
    proof: str
    expires: int | None


@dataclass(frozen=True, slots=True)
class Touched:
    """What changes since a position touched, as it is now."""

    rules: dict[tuple[str, str], list[RuleRow]]
    """by scope and pattern, all rules in force; an empty list where none is left"""
    aliases: dict[str, Alias | None]
    position: Position


def read_position(connection: Connection) -> Position:
    """Tell where the database is now."""
    row = connection.execute(sa.select(tables.site)).one_or_none()
    if row is None:
        raise DatabaseError("the database has no schema yet", "create it with: gatepost db upgrade")
    return Position(row.uuid, row.epoch, row.feed_head, change_id(connection, row.feed_head))


def change_id(connection: Connection, number: int) -> str:
    """Give the id of the change with this number, or an empty text."""
    return connection.scalar(sa.select(_change.c.id).where(_change.c.number == number)) or ""


def is_known(connection: Connection, position: Position) -> bool:
    """Whether a position lies in the history of this database."""
    return change_id(connection, position.number) == position.change


def is_adopted(connection: Connection, position: Position) -> bool:
    """Whether this database was declared the successor of one at that position, by a person or by an erase since."""
    adoption = tables.adoption.c
    own = sa.select(tables.site.c.uuid).scalar_subquery()
    newer = sa.or_(adoption.replaces_uuid != own, adoption.epoch > position.epoch)
    query = sa.select(sa.func.count()).where(adoption.replaces_uuid == position.uuid, newer)
    if not is_known(connection, position):
        query = query.where(~adoption.by_erase)
    return bool(connection.scalar(query))


def read_changes(connection: Connection, since: Position, limit: int = 8) -> Touched | None:
    """Collect what the next changes after a position touched; None when there are none."""
    next_ones = sa.select(_change.c.id, _change.c.number).where(_change.c.number > since.number)
    rows = connection.execute(next_ones.order_by(_change.c.number).limit(limit)).all()
    if not rows:
        return None
    ids = [row.id for row in rows]
    position = Position(since.uuid, since.epoch, rows[-1].number, rows[-1].id)
    return Touched(_touched_rules(connection, ids), _touched_aliases(connection, ids), position)


def live_rows(connection: Connection) -> Iterator[RuleRow]:
    """Go through all rules in force, sorted by the octets of scope and pattern."""
    byte_order = "C" if connection.dialect.name == "postgresql" else "BINARY"
    keys = (_rule.c.scope.collate(byte_order), _rule.c.pattern.collate(byte_order))
    query = sa.select(*_RULE_COLUMNS).where(_rule.c.removed_by.is_(None)).order_by(*keys)
    streaming = connection.execution_options(stream_results=True)
    for rows in streaming.execute(query).partitions(20_000):
        yield from (RuleRow(*row) for row in rows)


def alias_rows(connection: Connection) -> Iterator[tuple[str, Alias | None]]:
    """Go through all aliases, known non-aliases too."""
    for row in connection.execute(sa.select(_alias)):
        yield row.address, alias_from_values(row.targets, row.remote)


def alias_from_values(targets: list[str], remote: list[str]) -> Alias | None:
    """Make an alias of its columns; no targets: this is known not to be one."""
    return Alias(tuple(targets), frozenset(remote)) if targets else None


def _touched_rules(connection: Connection, changes: list[str]) -> dict[tuple[str, str], list[RuleRow]]:
    touched = sa.or_(_rule.c.added_by.in_(changes), _rule.c.removed_by.in_(changes))
    keys = sa.select(_rule.c.scope, _rule.c.pattern).where(touched).distinct()
    found: dict[tuple[str, str], list[RuleRow]] = {(r.scope, r.pattern): [] for r in connection.execute(keys)}
    one = keys.subquery()
    same = sa.and_(
        _rule.c.scope == one.c.scope, _rule.c.pattern == one.c.pattern, _rule.c.removed_by.is_(None)
    )
    for row in connection.execute(sa.select(*_RULE_COLUMNS).join(one, same)):
        found[row.scope, row.pattern].append(RuleRow(*row))
    return found


def _touched_aliases(connection: Connection, changes: list[str]) -> dict[str, Alias | None]:
    rows = connection.execute(sa.select(_alias).where(_alias.c.changed_by.in_(changes)))
    return {row.address: alias_from_values(row.targets, row.remote) for row in rows}
