"""Connecting to the database and saying clearly what is wrong when that fails."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, DisconnectionError, NoSuchModuleError
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from gatepost.config import Database
from gatepost.errors import ConfigError, DatabaseError

_DEAD_PATH = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
"""how soon a server that is not there any more is noticed: seconds, the last in milliseconds (libpq)"""
_NO_SCHEMA = re.compile(r"no such (table|column)|(relation|column) .* does not exist")


def connect_url(settings: Database) -> URL:
    """Build the URL, with the password from its file."""
    try:
        url = make_url(settings.url)
    except ArgumentError:
        raise ConfigError(f"database.url is no URL: {settings.url!r}") from None
    if settings.password_file:
        try:
            password = Path(settings.password_file).read_text(encoding="utf-8").split("\n", 1)[0]
        except OSError as error:
            raise ConfigError(f"database.password_file: {error}") from None
        url = url.set(password=password)
    return url


def make_engine(settings: Database, *, for_daemon: bool = False, may_create: bool = True) -> Engine:
    """Make an engine; nothing is connected yet.

    One for a daemon keeps its connections; others close each after its use. Without `may_create` no empty
    SQLite file appears where the real one has been moved away.
    """
    url = connect_url(settings)
    seconds = settings.busy_timeout_seconds
    try:
        if url.get_backend_name() == "sqlite":
            return _sqlite(url, seconds, _pool(for_daemon), may_create=may_create)
        options = _DEAD_PATH | {
            "connect_timeout": max(2, int(seconds)),
            "options": f"-c lock_timeout={int(seconds * 1000)}",
        }
        return sa.create_engine(url, connect_args=options, **_pool(for_daemon))
    except NoSuchModuleError:
        hint = "use sqlite:////path or postgresql+psycopg://user@host/name"
        raise ConfigError(f"database.url: no such database: {url.drivername}", hint) from None


def _pool(for_daemon: bool) -> dict[str, Any]:  # noqa: FBT001  passed on
    return {"pool_pre_ping": True, "pool_size": 2} if for_daemon else {"poolclass": NullPool}


def _sqlite(url: URL, seconds: float, pool: dict[str, Any], *, may_create: bool) -> Engine:
    engine = sa.create_engine(url, connect_args={"timeout": seconds}, **pool)

    @sa.event.listens_for(engine, "do_connect")
    def open_file(_dialect: object, _record: object, _arguments: object, options: dict[str, Any]) -> Any:
        if may_create or not url.database:
            return None  # as SQLAlchemy would
        return sqlite3.connect(f"file:{quote(url.database)}?mode=rw", uri=True, **options)

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:  # a DBAPI connection, which has no type of its own
        connection.isolation_level = None  # we begin ourselves: pysqlite would begin too late
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")

    @sa.event.listens_for(engine, "connect")
    def remember(_connection: object, record: ConnectionPoolEntry) -> None:
        record.info["file"] = _identity(url.database)

    @sa.event.listens_for(engine, "checkout")
    def follow(_connection: object, record: ConnectionPoolEntry, _proxy: object) -> None:
        if record.info["file"] != _identity(url.database):  # a backup took its place: leave the old file
            raise DisconnectionError

    @sa.event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        mode = connection.get_execution_options().get("gatepost_begin", "DEFERRED")
        connection.exec_driver_sql(f"BEGIN {mode}")

    return engine


@contextmanager
def connected(engine: Engine) -> Iterator[Connection]:
    """A connection for several transactions, which the caller begins."""
    with _clear_errors(engine), engine.connect() as connection:
        yield connection


def _identity(name: str | None) -> tuple[int, int] | None:
    """Tell one file from another of the same name."""
    try:
        found = Path(name or "").stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A read-only transaction; DatabaseError when the database is not there."""
    with _clear_errors(engine), engine.connect() as connection, connection.begin():
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that writes: committed when the block ends well, rolled back when not."""
    with _clear_errors(engine), engine.connect() as plain:
        connection = plain.execution_options(gatepost_begin="IMMEDIATE")
        with connection.begin():
            yield connection


def upsert(connection: Connection, table: sa.Table) -> Any:  # the two dialects' inserts share no base class
    """Begin an insert that can say what to do about a row that is there already."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    return dialect.insert(table)


def hold(connection: Connection, name: str) -> None:
    """Keep other writers of the same thing waiting until this transaction ends; in SQLite they wait anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(name, 0))))


@contextmanager
def _clear_errors(engine: Engine) -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        cause = str(error.orig).strip().split("\n", 1)[0]
        shown = engine.url.render_as_string(hide_password=True)
        hint = "mail goes on by the last snapshot; see: gatepost doctor"
        if _NO_SCHEMA.search(cause):
            hint = "create or upgrade the schema with: gatepost db upgrade"
        raise DatabaseError(f"database {shown}: {cause}", hint) from error
