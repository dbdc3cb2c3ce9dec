"""What Postfix said about aliases, as it lies in the database.

A row belongs to the host whose Postfix said so, and another host does not change it while it says that
there is an alias: hosts that differ would else overwrite each other for ever. An address that stops
being an alias keeps a row without targets, so that the change is in the feed.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, replace

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from gatepost.lookup import UNLISTED
from gatepost.store import tables
from gatepost.store.changes import Author, one_change
from gatepost.store.database import reading, upsert

MAX_ADDRESS = 320
"""characters of the address column"""
MOST_WITHOUT_TARGETS = 100_000
"""addresses a host, of those that are no alias: strangers make up as many as they like"""
_MAX_SOURCE = 255
_KEYS_AT_ONCE = 400
_alias = tables.alias


@dataclass(frozen=True, slots=True)
class AliasRow:
    """One address: what it becomes, which of that is not delivered here, and the table that says so."""

    address: str
    targets: tuple[str, ...]
    remote: frozenset[str]
    source: str
    """in the database `host table`"""

    @property
    def host(self) -> str:
        """Whose Postfix said so."""
        return self.source.partition(" ")[0]

    @property
    def says(self) -> tuple[tuple[str, ...], frozenset[str]]:
        """What decides."""
        return self.targets, self.remote


def stored_aliases(engine: Engine) -> dict[str, AliasRow]:
    """Read all rows, those without targets and those about tables too."""
    with reading(engine) as connection:
        return {row.address: row for row in read_aliases(connection)}


def stored_among(engine: Engine, addresses: Iterable[str]) -> dict[str, AliasRow]:
    """Read the rows of some addresses."""
    names = list(addresses)
    with reading(engine) as connection:
        some = (names[start : start + _KEYS_AT_ONCE] for start in range(0, len(names), _KEYS_AT_ONCE))
        rows = (row for keys in some for row in read_aliases(connection, _alias.c.address.in_(keys)))
        return {row.address: row for row in rows}


def room_for_more(engine: Engine, host: str) -> int:
    """Tell how many more addresses that are no alias a host may store."""
    with reading(engine) as connection:
        query = sa.select(sa.func.count()).select_from(_alias).where(_alias.c.source == host)
        return max(0, MOST_WITHOUT_TARGETS - (connection.scalar(query) or 0))


def read_aliases(connection: Connection, *where: sa.ColumnElement[bool]) -> list[AliasRow]:
    """Read rows in the order of their addresses."""
    rows = connection.execute(sa.select(_alias).where(*where).order_by(_alias.c.address))
    return [AliasRow(r.address, tuple(r.targets), frozenset(r.remote), r.source) for r in rows]


def unlisted_row(host: str, names: tuple[str, ...]) -> AliasRow:
    """Make the row that says which tables of a host cannot be listed."""
    return AliasRow(f"{UNLISTED}{host}"[:MAX_ADDRESS], names, frozenset(), f"{host} main.cf")


def differences(
    stored: Mapping[str, AliasRow], found: Iterable[AliasRow], host: str, *, take_over: bool = False
) -> list[AliasRow]:
    """List the rows to be written so that the database says what a host's Postfix says now.

    Rows of other hosts that are aliases stay, unless they are taken over.
    """
    wanted = {row.address: replace(row, source=f"{host} {row.source}".strip()[:_MAX_SOURCE]) for row in found}
    gone = {
        a: AliasRow(a, (), frozenset(), host) for a, row in stored.items() if row.targets and a not in wanted
    }
    return [
        row
        for address, row in (wanted | gone).items()
        if _differs(stored.get(address), row, take_over=take_over)
    ]


def _differs(old: AliasRow | None, new: AliasRow, *, take_over: bool) -> bool:
    if old is None:
        return True
    if old.host == new.host or take_over:
        return old != new
    return old.says != new.says and not old.targets


def within_bounds(stored: Container[str], rows: Iterable[AliasRow], room: int) -> list[AliasRow]:
    """Leave out new addresses that are no alias, where there is no room; they are asked about again."""
    kept: list[AliasRow] = []
    fresh: list[AliasRow] = []
    for row in rows:
        (kept if row.targets or row.address in stored else fresh).append(row)
    return kept + fresh[:room]


def write_aliases(engine: Engine, author: Author, rows: Iterable[AliasRow]) -> int:
    """Write rows as one change; none, no change. Gives their number."""
    values = [
        {"address": r.address, "targets": list(r.targets), "remote": sorted(r.remote), "source": r.source}
        for r in rows
    ]
    if not values:
        return 0
    with one_change(engine, author) as (connection, change):
        new = upsert(connection, _alias)
        columns = {name: new.excluded[name] for name in ("targets", "remote", "source", "changed_by")}
        statement = new.on_conflict_do_update(index_elements=["address"], set_=columns)
        connection.execute(statement, [row | {"changed_by": change} for row in values])
    return len(values)
