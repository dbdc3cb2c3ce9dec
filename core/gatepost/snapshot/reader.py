"""Looking things up in the snapshot: what policyd and milter do for every message."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import lmdb

from gatepost.lookup import Alias, Match
from gatepost.network import Network
from gatepost.pattern import Pattern, PatternKind, network_pattern
from gatepost.position import Position
from gatepost.probe import Probe, network_probe, text_key
from gatepost.rule import Rule
from gatepost.scope import parse_scope
from gatepost.snapshot.codec import (
    Octets,
    ScopeRecord,
    decode_alias,
    decode_rules,
    decode_scope,
    network_key,
    scope_key,
)
from gatepost.snapshot.generation import (
    COMPLAINT,
    ON_DEMAND,
    Generation,
    SnapshotError,
    current_name,
    open_for_reading,
    read_stamp,
)

_LOOK_AGAIN_SECONDS = 0.1
_CACHED_SCOPES = 50_000


class SnapshotReader:
    """Follows the pointer from generation to generation; one for each process, opened after any fork."""

    def __init__(self, folder: Path) -> None:
        """Remember where the snapshot lies; nothing is opened yet."""
        self._folder = folder
        self._generation: Generation | None = None
        self._next_look = 0.0
        self._scopes: dict[str, ScopeRecord | None] = {}
        self._scopes_of = -1

    @contextmanager
    def view(self) -> Iterator[SnapshotView]:
        """Look at one state of the snapshot; SnapshotError when there is none or it is damaged."""
        generation = self._current()
        try:
            transaction = generation.environment.begin()
            try:
                yield SnapshotView(generation, transaction, self._cache(transaction))
            finally:
                transaction.abort()
        except lmdb.Error as error:
            self.close()
            self._complain()
            raise SnapshotError(f"snapshot {generation.name}: {error}") from error

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
            self._scopes_of = -1

    def _current(self) -> Generation:
        if self._generation is None or time.monotonic() >= self._next_look:
            self.follow()
        if self._generation is None:
            raise SnapshotError(
                f"there is no snapshot in {self._folder}", "the agent makes it: gatepost agent"
            )
        return self._generation

    def _complain(self) -> None:
        """Ask the agent to look at the generation in force."""
        with suppress(OSError):
            (self._folder / COMPLAINT).touch()

    def _cache(self, transaction: lmdb.Transaction) -> dict[str, ScopeRecord | None]:
        """Keep scope records as long as nothing was written to the generation."""
        if transaction.id() != self._scopes_of or len(self._scopes) > _CACHED_SCOPES:
            self._scopes_of = transaction.id()
            self._scopes = {}
        return self._scopes


class SnapshotView:
    """One state of the snapshot, as a `gatepost.lookup.Lookup`."""

    __slots__ = ("_generation", "_get", "_scopes", "_transaction")

    def __init__(
        self, generation: Generation, transaction: lmdb.Transaction, scopes: dict[str, ScopeRecord | None]
    ) -> None:
        """Read through an open transaction."""
        self._generation = generation
        self._transaction = transaction
        self._get = transaction.get
        self._scopes = scopes

    def matches(self, scope: str, probes: Sequence[Probe], client: Network | None) -> Sequence[Match]:
        """Find the rules of one scope."""
        record = self._scopes[scope] if scope in self._scopes else self._scope(scope)
        if record is None:
            return ()
        kinds, prefix, table, get = record.kinds, record.prefix, self._generation.rule, self._get
        hits = [
            (probe, value)
            for probe in probes
            if kinds >> probe.kind & 1 and (value := get(prefix + probe.key, db=table)) is not None
        ]
        found = [Match(probe, rule) for probe, value in hits for rule in self._rules(scope, probe, value)]
        if client is not None and kinds >> PatternKind.NETWORK & 1:
            found += self._networks(scope, record, client)
        return found

    def alias(self, key: str) -> Alias | None:
        """Find an alias."""
        value = self._get(text_key(key), db=self._generation.alias)
        return None if value is None else decode_alias(value)

    @property
    def aliases_on_demand(self) -> bool:
        """Whether Postfix has maps that cannot be listed, so that recipients must be asked about one by one."""
        return self._get(ON_DEMAND, db=self._generation.meta) is not None

    def knows(self, key: str) -> bool:
        """Whether Postfix was asked about this address already, be it an alias or not."""
        return self._get(text_key(key), db=self._generation.alias) is not None

    def _scope(self, scope: str) -> ScopeRecord | None:
        value = self._get(scope_key(scope), db=self._generation.scope)
        record = self._scopes[scope] = None if value is None else decode_scope(value)
        return record

    def _rules(self, scope: str, probe: Probe, value: Octets) -> Iterator[Rule]:
        return decode_rules(value, parse_scope(scope), Pattern(probe.kind, probe.text))

    def _networks(self, scope: str, record: ScopeRecord, client: Network) -> Iterator[Match]:
        version, address, width = client
        lengths = record.lengths4 if version == 4 else record.lengths6
        while lengths:
            length = lengths.bit_length() - 1
            lengths ^= 1 << length
            first = address >> width - length << width - length
            key = record.prefix + network_key(version, first, length)
            value = self._get(key, db=self._generation.rule)
            if value is not None:
                network = Network(version, first, length)
                for rule in decode_rules(value, parse_scope(scope), network_pattern(network)):
                    yield Match(network_probe(network), rule)
