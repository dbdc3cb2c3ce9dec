"""Reading events: what was refused, filed into Junk or not proven, and by which rule."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from gatepost.address import Address, parse_address, quote_local
from gatepost.domain import canonical_domain, display_domain
from gatepost.journal.entries import EventKind
from gatepost.store import tables
from gatepost.store.database import reading
from gatepost.store.rules import RuleRecord, find_records

_KEYS_AT_ONCE = 400
_event = tables.event
_COLUMNS = (
    *("ref", "at", "host", "kind", "service", "sender", "recipient", "client"),
    *("header_from", "queue_id", "count", "rule_id"),
)


@dataclass(frozen=True, slots=True)
class EventRecord:
    """An event as it is kept; equal ones within a minute are one, counted."""

    ref: str
    at: float
    host: str
    kind: str
    service: str
    sender: str
    recipient: str
    client: str
    header_from: str
    queue_id: str
    count: int
    rule_id: int | None
    rule: RuleRecord | None
    """also one that has been removed since; None when it was erased"""


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events to list; empty fields ask for all."""

    ref: str = ""
    recipient: str = ""
    """an address, meant with any +detail, or a domain"""
    sender: str = ""
    """the same, for the envelope sender or the From: header"""
    since: float | None = None
    kind: EventKind | None = None


def list_events(engine: Engine, wanted: EventFilter, limit: int | None = None) -> list[EventRecord]:
    """List events, newest first."""
    with reading(engine) as connection:
        return find_events(connection, *_conditions(wanted), limit=limit)


def find_events(
    connection: Connection, *where: sa.ColumnElement[bool], limit: int | None = None
) -> list[EventRecord]:
    """List the events that meet conditions on the event table, newest first."""
    query = sa.select(_event).where(*where).order_by(_event.c.at.desc(), _event.c.id.desc()).limit(limit)
    rows = connection.execute(query).mappings().all()
    rules = _rules(connection, sorted({row["rule_id"] for row in rows if row["rule_id"] is not None}))
    return [
        EventRecord(**{name: row[name] for name in _COLUMNS}, rule=rules.get(row["rule_id"])) for row in rows
    ]


def names_address(column: sa.ColumnElement[str], text: str) -> sa.ColumnElement[bool]:
    """Make the condition that a column holds an address, with any +detail, or one of a domain.

    Columns hold what the mail client wrote, so the domain may be there in U-labels or A-labels.
    """
    address = (
        parse_address(text) if "@" in text.strip("@") else Address("", canonical_domain(text.strip("@")))
    )
    written = sa.func.lower(column)
    return sa.or_(*(_is(written, address.base.local, domain) for domain in _spellings(address.domain)))


def _is(written: sa.ColumnElement[str], local: str, domain: str) -> sa.ColumnElement[bool]:
    in_domain = written.endswith(f"@{domain}", autoescape=True)
    if not local:
        return in_domain
    quoted = quote_local(f"{local} ")[:-2]  # `"a b`, of which `"a b+x"` is a detail, and `"ann+x y"` of ann
    whole = written.in_([f"{local}@{domain}", f'{quoted}"@{domain}'])
    begins = (written.startswith(f"{begin}+", autoescape=True) for begin in (local, quoted))
    return sa.or_(whole, sa.and_(sa.or_(*begins), in_domain))


def _spellings(domain: str) -> set[str]:
    return {domain, display_domain(domain)}


def _rules(connection: Connection, ids: list[int]) -> dict[int, RuleRecord]:
    found: dict[int, RuleRecord] = {}
    for start in range(0, len(ids), _KEYS_AT_ONCE):
        some = ids[start : start + _KEYS_AT_ONCE]
        found |= {r.rule.id: r for r in find_records(connection, tables.rule.c.id.in_(some))}
    return found


def _conditions(wanted: EventFilter) -> Iterator[sa.ColumnElement[bool]]:
    if wanted.ref:
        yield _event.c.ref == wanted.ref.upper()
    if wanted.recipient:
        yield names_address(_event.c.recipient, wanted.recipient)
    if wanted.sender:
        columns = (_event.c.sender, _event.c.header_from)
        yield sa.or_(*(names_address(column, wanted.sender) for column in columns))
    if wanted.since is not None:
        yield _event.c.at >= wanted.since
    if wanted.kind:
        yield _event.c.kind == wanted.kind.value
