"""Which scopes have rules."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gatepost.store import tables

_MOST = 10_000


def scope_domains(connection: Connection) -> frozenset[str]:
    """Name the domains that rules were made for, as a whole or for a mailbox in them."""
    return frozenset(text.rpartition("@")[2] for text in _scope_texts(connection))


def _scope_texts(connection: Connection) -> Iterator[str]:
    """Hop from one scope to the next in the index: a list of a million rules has few scopes.

    No more than 10,000 are looked at, which bounds the time and is enough for a warning.
    """
    scope = tables.rule.c.scope
    first = sa.select(sa.func.min(scope).label("text")).where(scope > "")
    hops = first.cte("hops", recursive=True)
    following = sa.select(sa.func.min(scope)).where(scope > hops.c.text).scalar_subquery()
    hops = hops.union_all(sa.select(following).where(hops.c.text.is_not(None)))
    query = sa.select(hops.c.text).where(hops.c.text.is_not(None)).limit(_MOST)
    yield from connection.scalars(query)
