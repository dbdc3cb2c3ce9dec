"""Collecting what happens in a daemon and writing it to the journal now and then, off its main loop.

Hits and events may lose half a second when the process is killed; that is the price of never syncing
while a mail client waits.
"""

from __future__ import annotations

import base64
import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from gatepost.journal.entries import Entry, Event, EventEntry, Fact, FactKind, HitsEntry
from gatepost.journal.journal import Journal, JournalError

FLUSH_SECONDS = 0.5
_MINUTE = 60.0
_DIFFERENT_EVENTS = 10_000
"""a minute; more are counted only"""
_LONGEST = 1000
"""characters kept of what a stranger wrote: what it may fill memory with is bounded"""
_REFERENCE_OCTETS = 7
_REFERENCE_CHARACTERS = 10
LOG = logging.getLogger("gatepost.journal")


def _new_reference() -> str:
    """Make ten characters that nobody confuses when they are read aloud: no 0, 1, 8 and 9."""
    return base64.b32encode(os.urandom(_REFERENCE_OCTETS)).decode()[:_REFERENCE_CHARACTERS]


@dataclass(slots=True)
class _Seen:
    ref: str
    at: float
    """Unix time, seconds"""
    since: float
    """by the timer, which nobody sets back"""
    queue_id: str
    written: bool = False
    more: int = 0


@dataclass(slots=True)
class _Pending:
    hits: Counter[int] = field(default_factory=Counter)
    facts: dict[tuple[FactKind, str], Fact] = field(default_factory=dict)
    flooded: int = 0


class Recorder:
    """Counts hits and events in memory and flushes them from a thread of its own."""

    def __init__(
        self,
        folder: Path,
        clock: Callable[[], float] = time.time,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        """Open the journal; without one the daemon goes on and says so once a minute."""
        self._folder = folder
        self._clock = clock
        self._timer = timer
        self._lock = threading.Lock()
        self._flushing = threading.Lock()
        self._pending = _Pending()
        self._seen: dict[Event, _Seen] = {}
        self._complained = float("-inf")
        self._journal: Journal | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)

    def start(self) -> None:
        """Begin to flush."""
        self._thread.start()

    def stop(self) -> None:
        """Flush what is left and end."""
        self._stop.set()
        self._thread.join()
        self.flush(final=True)
        self._close()

    def hit(self, rule: int) -> None:
        """Count a decision of a rule."""
        with self._lock:
            self._pending.hits[rule] += 1

    def event(self, event: Event, queue_id: str = "") -> str:
        """Note an event and give the reference under which it can be found."""
        event = _shortened(event)
        with self._lock:
            seen = self._seen.get(event)
            if seen is not None:
                seen.more += 1
                return seen.ref
            ref = _new_reference()
            if len(self._seen) < _DIFFERENT_EVENTS:
                self._seen[event] = _Seen(ref, self._clock(), self._timer(), queue_id)
            else:
                self._pending.flooded += 1
            return ref

    def fact(self, fact: Fact) -> None:
        """Note a fact that need not be durable before the answer."""
        with self._lock:
            self._pending.facts[fact.kind, fact.key] = fact

    def flush(self, *, final: bool = False) -> None:
        """Write what was collected; what cannot be written now is kept for the next time."""
        with self._flushing:
            pending, entries = self._take(final=final)
            facts = list(pending.facts.values())
            if not entries and not facts:
                return
            try:
                journal = self._open()
                fresh = [fact for fact in facts if not journal.is_recent(fact.kind, fact.key)]
                dropped = journal.append(entries, fresh) if entries or fresh else 0
            except JournalError as error:
                self._complain(str(error))
                self._put_back(pending)
                self._close()
                return
            if dropped or pending.flooded:
                self._complain(f"dropped {dropped + pending.flooded} events in a flood")

    def _run(self) -> None:
        while not self._stop.wait(FLUSH_SECONDS):
            try:
                self.flush()
            except Exception:
                LOG.exception("recorder")

    def _open(self) -> Journal:
        if self._journal is None:
            self._journal = Journal(self._folder)
        return self._journal

    def _close(self) -> None:
        """Let go of the journal; after an error LMDB may refuse to go on with the same environment."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def _take(self, *, final: bool) -> tuple[_Pending, list[Entry]]:
        now = self._clock()
        with self._lock:
            pending, self._pending = self._pending, _Pending()
            entries: list[Entry] = list(self._due_events(self._timer(), final=final))
        if pending.hits:
            entries.append(HitsEntry(now, dict(pending.hits)))
        return pending, entries

    def _due_events(self, now: float, *, final: bool) -> list[EventEntry]:
        """Collect new events, and the counts of those whose minute is over."""
        due = []
        for event, seen in list(self._seen.items()):
            over = final or now - seen.since >= _MINUTE
            if not seen.written or (over and seen.more):
                count = seen.more + (not seen.written)
                due.append(EventEntry(seen.ref, seen.at, event, seen.queue_id, count))
                seen.written, seen.more = True, 0
            if over:
                del self._seen[event]
        return due

    def _put_back(self, pending: _Pending) -> None:
        """Keep hits and facts; the events of this half second are lost."""
        with self._lock:
            self._pending.hits.update(pending.hits)
            self._pending.facts = pending.facts | self._pending.facts

    def _complain(self, text: str) -> None:
        """Log at most once a minute."""
        now = self._timer()
        if now - self._complained >= _MINUTE:
            self._complained = now
            LOG.warning("%s", text)


def _shortened(event: Event) -> Event:
    if max(map(len, (event.sender, event.recipient, event.header_from))) <= _LONGEST:
        return event
    return replace(
        event,
        sender=event.sender[:_LONGEST],
        recipient=event.recipient[:_LONGEST],
        header_from=event.header_from[:_LONGEST],
    )
