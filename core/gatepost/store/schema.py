"""Creating and upgrading the schema; only the command line does this, never a daemon."""

from __future__ import annotations

import time
import uuid
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from gatepost.errors import DatabaseError
from gatepost.store import tables
from gatepost.store.changes import SITE_ROW
from gatepost.store.database import hold, reading, writing

HEAD = "0001"
"""the newest revision under migrations/versions; a test holds it true"""
MIGRATIONS = Path(__file__).parent / "migrations"


def current_revision(engine: Engine) -> str | None:
    """Tell the revision of a database; None when it is empty."""
    with reading(engine) as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        revision = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
    return None if revision is None else str(revision)


def require_schema(engine: Engine) -> None:
    """Raise DatabaseError unless the schema is the one this version works with."""
    revision = current_revision(engine)
    if revision == HEAD:
        return
    if revision is None:
        raise DatabaseError("the database has no schema yet", "create it with: gatepost db upgrade")
    _refuse_newer(revision)
    raise DatabaseError(f"the database has schema {revision}, {HEAD} is needed", "run: gatepost db upgrade")


def _refuse_newer(revision: str | None) -> None:
    if revision is not None and revision > HEAD:
        hint = "upgrade Gatepost on this host too"
        raise DatabaseError(
            f"the database is of a newer Gatepost (schema {revision}, this one knows {HEAD})", hint
        )


def upgrade(engine: Engine) -> bool:
    """Bring the schema to this version; True when there was something to do."""
    revision = current_revision(engine)
    if revision == HEAD:
        return False
    _refuse_newer(revision)
    from alembic import command  # noqa: PLC0415  heavy, and needed once in a database's life
    from alembic.config import Config  # noqa: PLC0415

    with writing(engine) as connection:
        hold(connection, "schema")
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        _ensure_site(connection)
    return True


def _ensure_site(connection: Connection) -> None:
    if connection.scalar(sa.select(sa.func.count()).select_from(tables.site)) == 0:
        row = {"id": SITE_ROW, "uuid": str(uuid.uuid4()), "epoch": 1, "feed_head": 0}
        connection.execute(sa.insert(tables.site).values(row))


def adopt(connection: Connection, replaces: str, author: str, above: int = 0) -> int:
    """Declare this database the successor of another, or of a later state of itself; gives the new epoch.

    The epoch is raised above that of what is replaced: a backup may be older than the last adoption.
    """
    return _raise_epoch(connection, replaces, author, above=above, by_erase=False)


def renew(connection: Connection, author: str) -> int:
    """Have every snapshot of this database's own history built anew, and no other; gives the new epoch."""
    own = connection.scalar(sa.select(tables.site.c.uuid)) or ""
    return _raise_epoch(connection, own, author, above=0, by_erase=True)


def _raise_epoch(connection: Connection, replaces: str, author: str, *, above: int, by_erase: bool) -> int:
    epoch = max(above, int(connection.scalar(sa.select(tables.site.c.epoch)) or 0)) + 1
    connection.execute(tables.site.update().values(epoch=epoch))
    row = {"epoch": epoch, "replaces_uuid": replaces, "at": time.time(), "author": author}
    connection.execute(sa.insert(tables.adoption).values(row | {"by_erase": by_erase}))
    return epoch
