"""Moving the journal into the database, and `recent` out of the way once the snapshot holds it."""

from __future__ import annotations

import logging
import socket
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy.engine import Engine

from gatepost.journal.entries import Entry, Unknown
from gatepost.journal.journal import Journal
from gatepost.store.journaled import high_water_mark, store_entries

_ENTRIES_AT_ONCE = 1000
LOG = logging.getLogger("gatepost.agent")


class Drainer:
    """Reads one host's journal."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        """Open the journal."""
        self._engine = engine
        self._journal = Journal(folder)
        self._host = socket.gethostname()

    @property
    def journal(self) -> Journal:
        """The journal."""
        return self._journal

    def step(self) -> None:
        """Move everything that waits; what was learned stays in `recent` until the snapshot holds it."""
        mark = high_water_mark(self._engine, self._journal.uuid)
        while entries := self._journal.read(mark, _ENTRIES_AT_ONCE):
            store_entries(self._engine, self._journal.uuid, self._host, entries)
            _tell_unknown(entries)
            mark = entries[-1][0]
            self._journal.forget(mark)
        self._journal.forget(mark)

    def close(self) -> None:
        """Let go of the files."""
        self._journal.close()


def _tell_unknown(entries: Sequence[tuple[int, Entry]]) -> None:
    """Say which entries are lost rather than that all after them wait for ever."""
    for sequence, entry in entries:
        if isinstance(entry, Unknown):
            LOG.error("journal entry %d is of no kind that this version knows, and is dropped", sequence)
