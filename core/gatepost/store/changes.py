"""Writing to the feed: every transaction that changes what is decided gets the next number, last of all.

The number is taken under the lock of the one site row, which is held until the commit. So numbers are
in the order of commits, and a reader that has seen number N has missed none before it, however long
another writer's transaction was open.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from gatepost.store import tables
from gatepost.store.database import hold, writing

SITE_ROW = 1


@dataclass(frozen=True, slots=True)
class Author:
    """Who changes something, and by what command: this is the audit."""

    name: str
    command: str
    clock: Callable[[], float] = time.time


def open_batch(engine: Engine, author: Author, undoes: int | None = None) -> int:
    """Record a batch and give its number."""
    with writing(engine) as connection:
        return insert_batch(connection, author, undoes)


def insert_batch(connection: Connection, author: Author, undoes: int | None = None) -> int:
    """Record a batch in a transaction that is open already."""
    row = {"at": author.clock(), "author": author.name, "command": author.command, "undoes": undoes}
    key = connection.execute(sa.insert(tables.batch).values(row)).inserted_primary_key
    return int(key[0]) if key else 0


@contextmanager
def numbered_change(engine: Engine, batch: int) -> Iterator[tuple[Connection, str]]:
    """A transaction of a batch: gives the connection and the change's id, numbers it when the block ends."""
    with writing(engine) as connection:
        yield from _numbered(connection, batch)


@contextmanager
def change_on(connection: Connection, batch: int) -> Iterator[str]:
    """A transaction of a batch on a connection that is kept for more than one: gives the change's id."""
    with connection.begin():
        for _, change in _numbered(connection, batch):
            yield change


@contextmanager
def one_change(engine: Engine, author: Author, undoes: int | None = None) -> Iterator[tuple[Connection, str]]:
    """A batch of a single transaction, for commands that change a few rows."""
    with writing(engine) as connection:
        yield from _numbered(connection, insert_batch(connection, author, undoes))


def hold_rules(connection: Connection) -> None:
    """Let nobody else change rules until this transaction ends.

    What looks whether a rule is there before it writes one would not see it before the other's commit.
    """
    hold(connection, "rules")


def _numbered(connection: Connection, batch: int) -> Iterator[tuple[Connection, str]]:
    change = uuid.uuid4().hex
    connection.execute(sa.insert(tables.change).values(id=change, batch_id=batch, number=None))
    yield connection, change
    head = tables.site.update().where(tables.site.c.id == SITE_ROW)
    number = connection.scalar(
        head.values(feed_head=tables.site.c.feed_head + 1).returning(tables.site.c.feed_head)
    )
    connection.execute(tables.change.update().where(tables.change.c.id == change).values(number=number))
