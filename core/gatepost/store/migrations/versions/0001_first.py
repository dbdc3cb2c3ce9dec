"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Create everything."""
    _site()
    _feed()
    _rule()
    _alias()
    _journal()


def _site() -> None:
    op.create_table(
        "site",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("uuid", sa.String(36), nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("feed_head", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "adoption",
        sa.Column("epoch", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("replaces_uuid", sa.String(36), nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("author", sa.String(255), nullable=False),
        sa.Column("by_erase", sa.Boolean, nullable=False),
    )


def _feed() -> None:
    op.create_table(
        "batch",
        sa.Column("id", _Id, primary_key=True),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("author", sa.String(255), nullable=False),
        sa.Column("command", sa.Text, nullable=False),
        sa.Column("undoes", _Id, sa.ForeignKey("batch.id"), nullable=True),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "change",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("batch_id", _Id, sa.ForeignKey("batch.id"), nullable=False, index=True),
        sa.Column("number", sa.BigInteger, nullable=True, unique=True),
    )


def _rule() -> None:
    op.create_table(
        "rule",
        sa.Column("id", _Id, primary_key=True),
        sa.Column("action", sa.String(8), nullable=False),
        sa.Column("kind", sa.SmallInteger, nullable=False),
        sa.Column("pattern", sa.Text, nullable=False),
        sa.Column("scope_kind", sa.SmallInteger, nullable=False),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("enforced", sa.Boolean, nullable=False),
        sa.Column("effect", sa.String(8), nullable=False),
        sa.Column("proof", sa.String(8), nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=True),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("origin", sa.String(32), nullable=False),
        sa.Column("added_by", sa.String(32), sa.ForeignKey("change.id"), nullable=False, index=True),
        sa.Column("removed_by", sa.String(32), sa.ForeignKey("change.id"), nullable=True),
        sqlite_autoincrement=True,
    )
    removed = sa.text("removed_by IS NOT NULL")
    op.create_index(
        "ix_rule_removed_by", "rule", ["removed_by"], sqlite_where=removed, postgresql_where=removed
    )
    op.create_index("ix_rule_key", "rule", ["scope", "pattern"])
    op.create_table(
        "rule_hits",
        sa.Column("rule_id", _Id, primary_key=True, autoincrement=False),
        sa.Column("hits", sa.BigInteger, nullable=False),
        sa.Column("last_hit", sa.Float, nullable=False),
    )


def _alias() -> None:
    op.create_table(
        "alias",
        sa.Column("address", sa.String(320), primary_key=True),
        sa.Column("targets", sa.JSON, nullable=False),
        sa.Column("remote", sa.JSON, nullable=False),
        sa.Column("source", sa.String(255), nullable=False),
        sa.Column("changed_by", sa.String(32), sa.ForeignKey("change.id"), nullable=False, index=True),
    )


def _journal() -> None:
    op.create_table(
        "event",
        sa.Column("id", _Id, primary_key=True),
        sa.Column("ref", sa.String(16), nullable=False, index=True),
        sa.Column("at", sa.Float, nullable=False, index=True),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("service", sa.String(16), nullable=False),
        sa.Column("sender", sa.Text, nullable=False),
        sa.Column("recipient", sa.Text, nullable=False, index=True),
        sa.Column("client", sa.String(64), nullable=False),
        sa.Column("header_from", sa.Text, nullable=False),
        sa.Column("rule_id", _Id, nullable=True),
        sa.Column("queue_id", sa.String(32), nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "drained",
        sa.Column("journal", sa.String(36), primary_key=True),
        sa.Column("sequence", sa.BigInteger, nullable=False),
    )
