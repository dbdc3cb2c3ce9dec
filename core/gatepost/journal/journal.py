"""The journal's file: appending, reading, forgetting; and `recent` beside it.

meta     uuid (of this journal), next (sequence number)
entry    sequence number -> entry
recent   kind, key       -> the fact
"""

from __future__ import annotations

import struct
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import lmdb

from gatepost.errors import TemporaryError
from gatepost.journal.entries import Entry, Fact, FactKind, decode, encode
from gatepost.lock_file import MAX_READERS, make_room
from gatepost.probe import text_key

_SEQUENCE = struct.Struct(">Q")
_MAP_OCTETS = 4 << 30
_EVENTS_UP_TO = _MAP_OCTETS // 2
"""octets; with more than these waiting, hits and events are dropped so that facts still have room"""


class JournalError(TemporaryError):
    """The journal cannot be written: the disk is full, or the file is damaged."""


class Journal:
    """One open journal; for one process, opened after any fork."""

    def __init__(self, folder: Path) -> None:
        """Open or create it."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            make_room(folder)
            self._environment = lmdb.open(
                str(folder), map_size=_MAP_OCTETS, max_dbs=3, max_readers=MAX_READERS
            )
            self._meta, self._entry, self._recent = map(
                self._environment.open_db, (b"meta", b"entry", b"recent")
            )
            self.uuid = self._identify()
        except (lmdb.Error, OSError) as error:
            raise JournalError(f"journal {folder}: {error}") from error

    def append(self, entries: Sequence[Entry], facts: Sequence[Fact] = ()) -> int:
        """Write entries and learn facts in one durable transaction; gives the number of entries dropped."""
        try:
            with self._transaction(write=True) as transaction:
                kept = entries if self._octets(transaction) < _EVENTS_UP_TO else ()
                self._write(transaction, (*facts, *kept))
                for fact in facts:
                    transaction.put(_fact_key(fact), encode(fact), db=self._recent)
        except (lmdb.Error, OSError) as error:
            raise JournalError(f"journal {self._environment.path()}: {error}") from error
        return len(entries) - len(kept)

    def is_recent(self, kind: FactKind, key: str) -> bool:
        """Whether a fact was learned that no snapshot holds yet."""
        with self._transaction(db=self._recent) as transaction:
            return transaction.get(_key(kind, key)) is not None

    def read(self, after: int, limit: int) -> list[tuple[int, Entry]]:
        """Read the entries that follow a sequence number."""
        with self._transaction(db=self._entry) as transaction:
            cursor = transaction.cursor()
            if not cursor.set_range(_SEQUENCE.pack(after + 1)):
                return []
            found = []
            for key, value in cursor:
                found.append((_SEQUENCE.unpack(key)[0], decode(bytes(value))))
                if len(found) == limit:
                    break
            return found

    def forget(self, up_to: int) -> None:
        """Remove entries that the database holds; what a killed reader still holds on to is let go."""
        self._environment.reader_check()
        with self._transaction(write=True) as transaction, transaction.cursor(self._entry) as cursor:
            while cursor.first() and _SEQUENCE.unpack(cursor.key())[0] <= up_to:
                cursor.delete()

    def settle(self, kind: FactKind, is_held: Callable[[Fact], bool]) -> int:
        """Remove the facts of a kind that a published snapshot holds; gives the number that is left."""
        facts = self.facts(kind)
        held = [fact for fact in facts if is_held(fact)]
        if held:
            with self._transaction(write=True, db=self._recent) as transaction:
                for fact in held:
                    transaction.delete(_fact_key(fact))
        return len(facts) - len(held)

    def facts(self, kind: FactKind) -> list[Fact]:
        """List what `recent` holds of a kind."""
        with self._transaction(db=self._recent) as transaction:
            entries = [decode(bytes(value)) for _, value in transaction.cursor()]
        return [entry for entry in entries if isinstance(entry, Fact) and entry.kind is kind]

    def erase(self, is_about: Callable[[Entry], bool]) -> int:
        """Remove what is about somebody from journal and recent; gives the number of entries removed."""
        removed = 0
        with self._transaction(write=True) as transaction:
            for table in (self._entry, self._recent):
                doomed = [
                    bytes(k) for k, value in transaction.cursor(table) if is_about(decode(bytes(value)))
                ]
                removed += sum(transaction.delete(key, db=table) for key in doomed)
        return removed

    def waiting(self) -> int:
        """Count the entries that are not in the database yet."""
        with self._transaction() as transaction:
            return int(transaction.stat(self._entry)["entries"])

    def close(self) -> None:
        """Let go of the files."""
        self._environment.close()

    @contextmanager
    def _transaction(
        self, db: lmdb._Database | None = None, *, write: bool = False
    ) -> Iterator[lmdb.Transaction]:
        """A transaction; JournalError when the file cannot be read or written."""
        try:
            with self._environment.begin(db=db, write=write) as transaction:
                yield transaction
        except (lmdb.Error, OSError) as error:
            raise JournalError(f"journal {self._environment.path()}: {error}") from error

    def _identify(self) -> str:
        with self._transaction(write=True, db=self._meta) as transaction:
            known = transaction.get(b"uuid")
            if known is None:
                known = str(uuid.uuid4()).encode()
                transaction.put(b"uuid", known)
            return bytes(known).decode()

    def _octets(self, transaction: lmdb.Transaction) -> int:
        """Tell how much room the entries take."""
        stat = transaction.stat(self._entry)
        pages = stat["branch_pages"] + stat["leaf_pages"] + stat["overflow_pages"]
        return int(pages * stat["psize"])

    def _write(self, transaction: lmdb.Transaction, entries: Sequence[Entry]) -> None:
        sequence = _SEQUENCE.unpack(transaction.get(b"next", _SEQUENCE.pack(1), db=self._meta))[0]
        for sequence, entry in enumerate(entries, start=sequence):  # noqa: B020  it goes on from there
            transaction.put(_SEQUENCE.pack(sequence), encode(entry), db=self._entry, append=True)
        if entries:
            transaction.put(b"next", _SEQUENCE.pack(sequence + 1), db=self._meta)


def _fact_key(fact: Fact) -> bytes:
    return _key(fact.kind, fact.key)


def _key(kind: FactKind, key: str) -> bytes:
    return kind.value.encode() + b"\0" + text_key(key)
