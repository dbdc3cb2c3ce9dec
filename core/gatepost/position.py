"""A place in the history of a database, kept in the database and in every snapshot made from it."""

from __future__ import annotations

import json
from dataclasses import astuple, dataclass


@dataclass(frozen=True, slots=True)
class Position:
    """How far into the history of which database."""

    uuid: str
    epoch: int
    """raised each time a person declares a database the right one"""
    number: int
    change: str
    """the id of the change with that number: two histories may share numbers, but not ids"""

    def encode(self) -> bytes:
        """Write it for the snapshot."""
        return json.dumps(astuple(self)).encode()

    @classmethod
    def decode(cls, value: bytes) -> Position:
        """Read what `encode` wrote."""
        return cls(*json.loads(bytes(value)))
