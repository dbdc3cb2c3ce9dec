"""The tables (SQLAlchemy Core). Migrations under `migrations/` bring a database to this shape.

A rule's row is never rewritten: a change removes one row and adds another. So the rows are the audit,
and undoing a batch is to remove what it added and to restore what it removed.

    batch    one command of a person or daemon: who, when, what
    change   one transaction of a batch, numbered in the order of commits: this is the feed
    rule     added by a change, and perhaps removed by a later one
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
)

metadata = MetaData(
    naming_convention={"ix": "ix_%(table_name)s_%(column_0_name)s", "pk": "pk_%(table_name)s"}
)
_Id = BigInteger().with_variant(Integer, "sqlite")  # only INTEGER PRIMARY KEY counts up in SQLite
_NEVER_AGAIN: dict[str, Any] = {"sqlite_autoincrement": True}  # any keyword that Table takes
"""numbers of erased rows are not given anew, as in PostgreSQL"""

site = Table(
    "site",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("uuid", String(36), nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("feed_head", BigInteger, nullable=False),
)
"""One row: which database this is, how often it was adopted, and the number of the last change."""

adoption = Table(
    "adoption",
    metadata,
    Column("epoch", BigInteger, primary_key=True, autoincrement=False),
    Column("replaces_uuid", String(36), nullable=False),
    Column("at", Float, nullable=False),
    Column("author", String(255), nullable=False),
    Column("by_erase", Boolean, nullable=False),
)
"""Which databases this one takes the place of, by `gatepost db adopt`.

A row by an erase has only snapshots of this database's own history built anew; it adopts no other.
"""

batch = Table(
    "batch",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("at", Float, nullable=False),
    Column("author", String(255), nullable=False),
    Column("command", Text, nullable=False),
    Column("undoes", _Id, ForeignKey("batch.id"), nullable=True),
    **_NEVER_AGAIN,
)

change = Table(
    "change",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("batch_id", _Id, ForeignKey("batch.id"), nullable=False, index=True),
    Column("number", BigInteger, nullable=True, unique=True),
)
"""`number` is given under the lock of the site row, last before the commit."""

rule = Table(
    "rule",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("action", String(8), nullable=False),
    Column("kind", SmallInteger, nullable=False),
    Column("pattern", Text, nullable=False),
    Column("scope_kind", SmallInteger, nullable=False),
    Column("scope", Text, nullable=False),
    Column("enforced", Boolean, nullable=False),
    Column("effect", String(8), nullable=False),
    Column("proof", String(8), nullable=False),
    Column("expires", BigInteger, nullable=True),
    Column("note", Text, nullable=False),
    Column("origin", String(32), nullable=False),
    Column("added_by", String(32), ForeignKey("change.id"), nullable=False, index=True),
    Column("removed_by", String(32), ForeignKey("change.id"), nullable=True),
    Index("ix_rule_key", "scope", "pattern"),
    **_NEVER_AGAIN,
)
_removed = rule.c.removed_by.is_not(None)
Index("ix_rule_removed_by", rule.c.removed_by, sqlite_where=_removed, postgresql_where=_removed)
"""Partial, lest SQLite takes it to find the rules in force, which are nearly all."""

rule_hits = Table(
    "rule_hits",
    metadata,
    Column("rule_id", _Id, primary_key=True, autoincrement=False),
    Column("hits", BigInteger, nullable=False),
    Column("last_hit", Float, nullable=False),
)
"""Outside the feed: hits change nothing that is decided."""

alias = Table(
    "alias",
    metadata,
    Column("address", String(320), primary_key=True),
    Column("targets", JSON, nullable=False),
    Column("remote", JSON, nullable=False),
    Column("source", String(255), nullable=False),
    Column("changed_by", String(32), ForeignKey("change.id"), nullable=False, index=True),
)
"""What Postfix answered; no targets: it said that this is no alias."""

event = Table(
    "event",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("ref", String(16), nullable=False, index=True),
    Column("at", Float, nullable=False, index=True),
    Column("host", String(255), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("service", String(16), nullable=False),
    Column("sender", Text, nullable=False),
    Column("recipient", Text, nullable=False, index=True),
    Column("client", String(64), nullable=False),
    Column("header_from", Text, nullable=False),
    Column("rule_id", _Id, nullable=True),
    Column("queue_id", String(32), nullable=False),
    Column("count", Integer, nullable=False),
    **_NEVER_AGAIN,
)

drained = Table(
    "drained",
    metadata,
    Column("journal", String(36), primary_key=True),
    Column("sequence", BigInteger, nullable=False),
)
"""How far each host's journal was moved into this database, written in the same transaction."""
