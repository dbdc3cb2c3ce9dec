"""Moving journal entries into the database: each exactly once, by a high-water mark in the same transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from gatepost.journal.entries import Entry, EventEntry, HitsEntry
from gatepost.store import tables
from gatepost.store.database import reading, upsert, writing

_drained, _event, _hits = tables.drained, tables.event, tables.rule_hits
_SHORT, _LONG = 255, 1000


def high_water_mark(engine: Engine, journal: str) -> int:
    """Tell up to which entry the database holds a journal."""
    with reading(engine) as connection:
        return _mark(connection, journal)


def store_entries(engine: Engine, journal: str, host: str, entries: Sequence[tuple[int, Entry]]) -> None:
    """Store entries that follow the high-water mark; those at or before it are passed over."""
    with writing(engine) as connection:
        mark = _mark(connection, journal)
        fresh = [(sequence, entry) for sequence, entry in entries if sequence > mark]
        if not fresh:
            return
        _store_hits(connection, [entry for _, entry in fresh if isinstance(entry, HitsEntry)])
        for _, entry in fresh:
            if isinstance(entry, EventEntry):
                _store_event(connection, host, entry)
        _set_mark(connection, journal, fresh[-1][0])


def forget_events(engine: Engine, before: float) -> int:
    """Remove events older than a time."""
    with writing(engine) as connection:
        return connection.execute(sa.delete(_event).where(_event.c.at < before)).rowcount


def _mark(connection: Connection, journal: str) -> int:
    return connection.scalar(sa.select(_drained.c.sequence).where(_drained.c.journal == journal)) or 0


def _set_mark(connection: Connection, journal: str, sequence: int) -> None:
    new = upsert(connection, _drained).values(journal=journal, sequence=sequence)
    connection.execute(new.on_conflict_do_update(index_elements=["journal"], set_={"sequence": sequence}))


def _store_hits(connection: Connection, entries: list[HitsEntry]) -> None:
    total: Counter[int] = Counter()
    last: dict[int, float] = {}
    for entry in entries:
        total.update(entry.hits)
        last |= dict.fromkeys(entry.hits, entry.at)
    for rule, hits in sorted(total.items()):
        new = upsert(connection, _hits).values(rule_id=rule, hits=hits, last_hit=last[rule])
        more = {"hits": _hits.c.hits + hits, "last_hit": last[rule]}
        connection.execute(new.on_conflict_do_update(index_elements=["rule_id"], set_=more))


def _store_event(connection: Connection, host: str, entry: EventEntry) -> None:
    """Add an event, or to the count of the one with this reference."""
    same = sa.update(_event).where(_event.c.ref == entry.ref, _event.c.kind == entry.event.kind.value)
    if connection.execute(same.values(count=_event.c.count + entry.count)).rowcount:
        return
    event = entry.event
    connection.execute(
        sa.insert(_event).values(
            ref=entry.ref,
            at=entry.at,
            host=host[:_SHORT],
            kind=event.kind.value,
            service=event.service,
            sender=_clean(event.sender),
            recipient=_clean(event.recipient),
            client=_clean(event.client)[:64],
            header_from=_clean(event.header_from),
            rule_id=event.rule,
            queue_id=_clean(entry.queue_id)[:32],
            count=entry.count,
        )
    )


def _clean(text: str) -> str:
    """Make text of the network fit for any database: valid Unicode, no NUL, bounded."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")[:_LONG]
