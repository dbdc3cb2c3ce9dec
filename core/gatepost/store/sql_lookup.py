"""The judge's look-ups, answered from SQL: for `explain`, which is asked seldom and must not be stale."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gatepost.lookup import Alias, Match, MemoryLookup
from gatepost.network import Network, cut
from gatepost.probe import Probe
from gatepost.store import tables
from gatepost.store.feed import alias_from_values
from gatepost.store.rules import matching


class SqlLookup:
    """Rules and aliases as they are in the transaction of a connection."""

    def __init__(self, connection: Connection) -> None:
        """Keep the connection."""
        self._connection = connection

    def matches(self, scope: str, probes: Sequence[Probe], client: Network | None) -> list[Match]:
        """Find the rules of one scope."""
        texts = dict.fromkeys(probe.text for probe in probes)
        rules = matching(self._connection, [scope], [*texts, *networks_around(client)])
        return MemoryLookup(rules).matches(scope, probes, client)

    def alias(self, key: str) -> Alias | None:
        """Find an alias."""
        query = sa.select(tables.alias).where(tables.alias.c.address == key)
        row = self._connection.execute(query).one_or_none()
        return None if row is None else alias_from_values(row.targets, row.remote)


def networks_around(client: Network | None) -> list[str]:
    """Write every network that holds this one, itself included: the texts a rule for it could have."""
    if client is None:
        return []
    return [str(cut(client, length)) for length in range(client.length, -1, -1)]
