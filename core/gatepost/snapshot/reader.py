"""Looking things up in the snapshot: what policyd and milter do for every message."""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import lmdb

from gatepost.judge import Target
from gatepost.lookup import Alias, Match
from gatepost.network import Network, cut
from gatepost.position import Position
from gatepost.probe import Probe, network_probe, text_key
from gatepost.recipient import targets
from gatepost.snapshot.codec import (
    decode_alias,
    decode_lengths,
    decode_rule,
    network_key,
    network_keys,
    scope_key,
)
from gatepost.snapshot.generation import (
    COMPLAINT,
    LENGTHS,
    ON_DEMAND,
    Generation,
    SnapshotError,
    current_name,
    open_for_reading,
    read_stamp,
)

_LOOK_AGAIN_SECONDS = 0.1
_REMEMBERED_RECIPIENTS = 10_000
_LONGEST_RECIPIENT = 320


class SnapshotReader:
    """Follows the pointer from generation to generation; one for each process, opened after any fork."""

    def __init__(self, folder: Path) -> None:
        """Remember where the snapshot lies; nothing is opened yet."""
        self._folder = folder
        self._generation: Generation | None = None
        self._next_look = 0.0
        self._facts: _Facts | None = None

    def view(self) -> SnapshotView:
        """Look at one state of the snapshot, as a context; SnapshotError when there is none or it is damaged."""
        generation = self._current()
        try:
            transaction = generation.environment.begin(db=generation.rule)
        except lmdb.Error as error:
            raise self.give_up(error) from error
        try:
            facts = self._facts
            if facts is None or facts.of != transaction.id():
                facts = self._facts = _Facts(transaction, generation)
        except lmdb.Error as error:
            transaction.abort()
            raise self.give_up(error) from error
        return SnapshotView(self, generation, transaction, facts)

    def position(self) -> Position | None:
        """Tell how far the snapshot is; None when there is none."""
        try:
            return read_stamp(self._current())
        except SnapshotError:
            return None

    def close(self) -> None:
        """Let go of the files."""
        if self._generation is not None:
            self._generation.close()
            self._generation = None
        self._next_look = 0.0

    def follow(self) -> None:
        """Move to the newest generation, so that an idle process does not hold an old one."""
        self._next_look = time.monotonic() + _LOOK_AGAIN_SECONDS
        name = current_name(self._folder)
        if self._generation is not None and self._generation.name != name:
            self.close()
        if self._generation is None and name is not None:
            try:
                self._generation = open_for_reading(self._folder, name)
            except SnapshotError:
                self._complain()
                raise
            self._facts = None

    def give_up(self, error: Exception) -> SnapshotError:
        """Close a generation that cannot be read, have the agent look at it, and say so."""
        name = self._generation.name if self._generation else "?"
        self.close()
        self._complain()
        return SnapshotError(f"snapshot {name}: {error}")

    def _current(self) -> Generation:
        if self._generation is None or time.monotonic() >= self._next_look:
            self.follow()
        if self._generation is None:
            hint = "the agent makes it: gatepost agent"
            raise SnapshotError(f"there is no snapshot in {self._folder}", hint)
        return self._generation

    def _complain(self) -> None:
        """Ask the agent to look at the generation in force."""
        with suppress(OSError):
            (self._folder / COMPLAINT).touch()


class _Facts:
    """What is true of a whole state of the snapshot, read once for as long as nothing is written."""

    __slots__ = ("lengths", "of", "on_demand", "targets")

    def __init__(self, transaction: lmdb.Transaction, generation: Generation) -> None:
        self.of = transaction.id()
        self.on_demand = transaction.get(ON_DEMAND, db=generation.meta) is not None
        lengths = decode_lengths(transaction.get(LENGTHS, db=generation.meta))
        self.lengths = {version: lengths.of(version) for version in (4, 6)}
        self.targets: dict[str, tuple[Target, ...]] = {}


class _Named(NamedTuple):
    """A claim that somebody has a rule for."""

    probe: Probe
    key: bytes


class SnapshotView:
    """One state of the snapshot, as a `gatepost.lookup.Lookup` and as a context."""

    __slots__ = ("_asked", "_cursor", "_facts", "_generation", "_named", "_reader", "_transaction")

    def __init__(
        self, reader: SnapshotReader, generation: Generation, transaction: lmdb.Transaction, facts: _Facts
    ) -> None:
        """Read through an open transaction on the table of rules."""
        self._reader = reader
        self._generation = generation
        self._transaction = transaction
        self._cursor = transaction.cursor()
        self._facts = facts
        self._asked: tuple[Sequence[Probe], Network | None] | None = None
        self._named: list[_Named] = []

    def __enter__(self) -> Self:
        """Begin to look."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the transaction; damage becomes a SnapshotError."""
        self._transaction.abort()
        if isinstance(error, lmdb.Error | struct.error | IndexError):
            raise self._reader.give_up(error) from error

    def mentions(self, keys: list[bytes], client: Network | None) -> bool:
        """Whether any rule of anybody names one of these texts or holds the client."""
        if client is not None:
            keys = keys + network_keys(client, self._facts.lengths[client.version])
        return bool(self._cursor.getmulti(keys))

    def matches(self, scope: str, probes: Sequence[Probe], client: Network | None) -> Sequence[Match]:
        """Find the rules of one scope."""
        named = self._named_by(probes, client)
        value = self._transaction.get(scope_key(scope), db=self._generation.scope) if named else None
        if value is None:
            return ()
        number = bytes(value)
        return [
            Match(probe, decode_rule(row, scope, probe.kind, probe.text))
            for probe, key in named
            for row in self._rows(key, number)
        ]

    def alias(self, key: str) -> Alias | None:
        """Find an alias."""
        value = self._transaction.get(text_key(key), db=self._generation.alias)
        return None if value is None else decode_alias(value)

    def targets(self, recipient: str) -> tuple[Target, ...]:
        """List the final mailboxes of a recipient; remembered for as long as nothing is written."""
        remembered = self._facts.targets
        found = remembered.get(recipient)
        if found is None:
            found = targets(recipient, self)
            if len(remembered) < _REMEMBERED_RECIPIENTS and len(recipient) <= _LONGEST_RECIPIENT:
                remembered[recipient] = found
        return found

    @property
    def aliases_on_demand(self) -> bool:
        """Whether Postfix has maps that cannot be listed, so that recipients must be asked about one by one."""
        return self._facts.on_demand

    def knows(self, key: str) -> bool:
        """Whether Postfix was asked about this address already, be it an alias or not."""
        return self._transaction.get(text_key(key), db=self._generation.alias) is not None

    def _named_by(self, probes: Sequence[Probe], client: Network | None) -> list[_Named]:
        """Find out once for all scopes which of the claims anybody has rules for."""
        if self._asked != (probes, client):
            self._asked = (probes, client)
            lengths = self._facts.lengths[client.version] if client else ()
            networks = network_keys(client, lengths) if client else []
            found = {bytes(key) for key, _ in self._cursor.getmulti([p.key for p in probes] + networks)}
            self._named = [_Named(p, p.key) for p in probes if p.key in found]
            around = (
                [cut(client, n) for n, key in zip(lengths, networks, strict=True) if key in found]
                if client
                else []
            )
            self._named += [_Named(network_probe(n), network_key(n)) for n in around]
        return self._named

    def _rows(self, key: bytes, number: bytes) -> Iterator[bytes]:
        """Go through the rows of one pattern in one scope."""
        cursor = self._cursor
        found = cursor.set_range_dup(key, number)
        while found and (row := bytes(cursor.value())).startswith(number):
            yield row
            found = cursor.next_dup()
