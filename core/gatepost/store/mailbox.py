"""All that the database keeps about one mailbox: finding it, moving it to another name, erasing it."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass, replace

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from gatepost.address import parse_address
from gatepost.pattern import PatternKind
from gatepost.scope import Scope, ScopeKind
from gatepost.store import tables
from gatepost.store.aliases import AliasRow, read_aliases
from gatepost.store.changes import Author, hold_rules, one_change
from gatepost.store.database import reading
from gatepost.store.events import EventRecord, find_events, names_address
from gatepost.store.mentions import is_of, mentions, without
from gatepost.store.rules import NewRule, RuleRecord, find_records, remove_rows, rule_values
from gatepost.store.schema import renew

ERASED = "(erased)"
_alias, _batch, _event, _rule = tables.alias, tables.batch, tables.event, tables.rule


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept about a mailbox; removed rules too."""

    in_scope: list[RuleRecord]
    naming: list[RuleRecord]
    """rules of others for or against mail from it"""
    events: list[EventRecord]
    aliases: list[AliasRow]
    commands: list[str]
    """of the audit, where they name it"""


@dataclass(frozen=True, slots=True)
class Renamed:
    """What became of the rules of a mailbox that got another name."""

    moved: int
    there_already: int
    """not moved, because the new name has a rule with the same action and pattern"""


@dataclass(frozen=True, slots=True)
class Erased:
    """How many rows went."""

    rules: int
    events: int
    aliases: int
    commands: int


def find_kept(engine: Engine, mailbox: str) -> Kept:
    """Collect everything about a canonical mailbox address."""
    with reading(engine) as connection:
        return Kept(
            find_records(connection, _rule.c.scope == mailbox),
            find_records(connection, _names_as_pattern(mailbox)),
            find_events(connection, _event_about(mailbox)),
            _aliases_about(connection, mailbox),
            [command for _, command in _commands_about(connection, mailbox)],
        )


def rename(engine: Engine, author: Author, old: str, new: str) -> Renamed:
    """Move the rules in force of one mailbox to another, as one change that can be undone."""
    scope = Scope(ScopeKind.MAILBOX, new)
    with one_change(engine, author) as (connection, change):
        hold_rules(connection)
        moving = find_records(connection, _rule.c.scope == old, _rule.c.removed_by.is_(None))
        there = {
            _key(r) for r in find_records(connection, _rule.c.scope == new, _rule.c.removed_by.is_(None))
        }
        fresh = [record for record in moving if _key(record) not in there]
        remove_rows(connection, change, [record.rule.id for record in moving])
        for record in fresh:
            terms = replace(record.rule.terms, scope=scope)
            connection.execute(
                sa.insert(_rule).values(rule_values(NewRule(terms, record.note, record.origin), change))
            )
    return Renamed(len(fresh), len(moving) - len(fresh))


def erase(engine: Engine, author: Author, mailbox: str) -> Erased:
    """Delete everything about a mailbox, the audit's traces too; this cannot be undone.

    Deleted rows are not in the feed, so the epoch is raised: every host builds its snapshot anew. It is a
    change all the same: two backups that were erased apart must not have the same position.
    """
    with one_change(engine, replace(author, command=f"mailbox erase {ERASED}")) as (connection, _):
        hold_rules(connection)
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA secure_delete=ON")
        erased = Erased(
            _delete_rules(connection, mailbox),
            connection.execute(sa.delete(_event).where(_event_about(mailbox))).rowcount,
            _delete_aliases(connection, mailbox),
            _clear_commands(connection, mailbox),
        )
        renew(connection, author.name)
    _empty_log(engine)
    return erased


def _empty_log(engine: Engine) -> None:
    """Have SQLite let go of the old pages in its write-ahead log, unless a reader still needs them."""
    if engine.dialect.name == "sqlite":
        with closing(engine.raw_connection()) as connection:
            connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _key(record: RuleRecord) -> tuple[str, str]:
    return record.rule.terms.action.value, record.rule.terms.pattern.text


def _names_as_pattern(mailbox: str) -> sa.ColumnElement[bool]:
    return sa.and_(_rule.c.kind == int(PatternKind.ADDRESS), names_address(_rule.c.pattern, mailbox))


def _event_about(mailbox: str) -> sa.ColumnElement[bool]:
    columns = (_event.c.recipient, _event.c.sender, _event.c.header_from)
    return sa.or_(*(names_address(column, mailbox) for column in columns))


def _aliases_about(connection: Connection, mailbox: str) -> list[AliasRow]:
    end = json.dumps(f"@{parse_address(mailbox).domain}")[1:]
    may_lead_there = sa.cast(_alias.c.targets, sa.Text).contains(end, autoescape=True)
    rows = read_aliases(connection, sa.or_(names_address(_alias.c.address, mailbox), may_lead_there))
    return [row for row in rows if any(is_of(text, mailbox) for text in (row.address, *row.targets))]


def _commands_about(connection: Connection, mailbox: str) -> list[tuple[int, str]]:
    query = sa.select(_batch.c.id, _batch.c.command).where(_batch.c.command.contains("@"))
    rows = connection.execute(query.order_by(_batch.c.id))
    return [(row.id, row.command) for row in rows if mentions(row.command, mailbox)]


def _delete_rules(connection: Connection, mailbox: str) -> int:
    about = sa.or_(_rule.c.scope == mailbox, _names_as_pattern(mailbox))
    ids = sa.select(_rule.c.id).where(about)
    connection.execute(sa.delete(tables.rule_hits).where(tables.rule_hits.c.rule_id.in_(ids)))
    return connection.execute(sa.delete(_rule).where(about)).rowcount


def _delete_aliases(connection: Connection, mailbox: str) -> int:
    """Delete the mailbox's own rows, and take it out of the targets of others."""
    rows = _aliases_about(connection, mailbox)
    for row in rows:
        left = [target for target in row.targets if not is_of(target, mailbox)]
        here = _alias.c.address == row.address
        if is_of(row.address, mailbox) or not left:
            connection.execute(sa.delete(_alias).where(here))
        else:
            connection.execute(sa.update(_alias).where(here).values(targets=left))
    return len(rows)


def _clear_commands(connection: Connection, mailbox: str) -> int:
    found = _commands_about(connection, mailbox)
    for number, text in found:
        command = without(text, mailbox, ERASED)
        connection.execute(sa.update(_batch).where(_batch.c.id == number).values(command=command))
    return len(found)
