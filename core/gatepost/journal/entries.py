"""What is written into the journal, and its form: one JSON array an entry."""

from __future__ import annotations

import enum
import json
from dataclasses import astuple, dataclass
from typing import Any


class EventKind(enum.StrEnum):
    """What an event tells."""

    BLOCKED = "blocked"
    JUNKED = "junked"
    UNPROVEN = "unproven"
    UNREADABLE = "unreadable"
    """a From: header of more than is ever read"""


@dataclass(frozen=True, slots=True)
class Event:
    """Why a message was not simply let through; equal ones within a minute are one, counted."""

    kind: EventKind
    service: str
    sender: str
    recipient: str
    client: str
    header_from: str = ""
    rule: int | None = None


@dataclass(frozen=True, slots=True)
class EventEntry:
    """An event, or more of one that is known already by its reference."""

    ref: str
    at: float
    event: Event
    queue_id: str
    count: int


@dataclass(frozen=True, slots=True)
class HitsEntry:
    """How often rules decided since the last entry."""

    at: float
    hits: dict[int, int]


class FactKind(enum.StrEnum):
    """What can be learned."""

    ASKED = "asked"
    """mail came for this recipient, and whether it is an alias is not known yet"""


@dataclass(frozen=True, slots=True)
class Fact:
    """Something learned that must not be lost."""

    kind: FactKind
    key: str
    at: float


@dataclass(frozen=True, slots=True)
class Unknown:
    """What this version cannot read: a newer one wrote it before a rollback, or it is damaged."""

    octets: bytes


Entry = EventEntry | HitsEntry | Fact | Unknown


def encode(entry: Entry) -> bytes:
    """Write an entry."""
    if isinstance(entry, Unknown):
        return entry.octets
    if isinstance(entry, HitsEntry):
        fields: list[object] = ["hits", entry.at, list(entry.hits.items())]
    elif isinstance(entry, Fact):
        fields = ["fact", *astuple(entry)]
    else:
        event = astuple(entry.event)
        fields = ["event", entry.ref, entry.at, event, entry.queue_id, entry.count]
    return json.dumps(fields).encode()


def decode(value: bytes) -> Entry:
    """Read an entry."""
    try:
        return _decoded(json.loads(value))
    except (ValueError, TypeError, LookupError):
        return Unknown(value)


def _decoded(read: list[Any]) -> Entry:  # whatever is in the JSON
    name, *fields = read
    if name == "hits":
        return HitsEntry(fields[0], {int(rule): int(count) for rule, count in fields[1]})
    if name == "fact":
        return Fact(FactKind(fields[0]), *fields[1:])
    if name == "event":
        ref, at, (kind, *rest), queue_id, count = fields
        return EventEntry(ref, at, Event(EventKind(kind), *rest), queue_id, count)
    message = f"unknown entry {name!r}"
    raise ValueError(message)
