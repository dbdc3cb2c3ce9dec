"""Filling a generation: all at once from the database, or with what a few changes touched."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice, takewhile
from pathlib import Path
from typing import TYPE_CHECKING

import lmdb

from gatepost.lookup import UNLISTED, Alias
from gatepost.network import parse_network
from gatepost.pattern import PatternKind, parse_pattern
from gatepost.position import Position
from gatepost.probe import text_key
from gatepost.snapshot.codec import (
    decode_alias,
    decode_lengths,
    decode_number,
    encode_alias,
    encode_lengths,
    encode_number,
    encode_row,
    pattern_key,
    scope_key,
)
from gatepost.snapshot.generation import (
    FORMAT,
    LENGTHS,
    ON_DEMAND,
    Generation,
    open_for_writing,
    write_stamp,
)

if TYPE_CHECKING:
    from gatepost.store.feed import RuleRow, Touched

_ROWS_AT_ONCE = 100_000
_SCOPES = b"scopes"
_UNLISTED = UNLISTED.encode()
Progress = Callable[[int], None]


def build(
    folder: Path,
    name: str,
    rows: Iterable[RuleRow],
    aliases: Iterable[tuple[str, Alias | None]],
    position: Position,
    *,
    gib: int,
    progress: Progress = lambda _: None,
) -> None:
    """Write a new generation from rows in any order; it is not published yet."""
    generation = open_for_writing(folder, name, gib=gib, sync=False)
    try:
        _fill(generation, rows, progress)
        with generation.environment.begin(write=True) as transaction:
            _put_aliases(transaction, generation, aliases)
            write_stamp(transaction, generation, position)
            transaction.put(b"format", FORMAT, db=generation.meta)
        generation.environment.sync(True)  # noqa: FBT003  lmdb's own signature
    finally:
        generation.close()


def apply(generation: Generation, touched: Touched) -> None:
    """Bring a generation to a later position in one transaction."""
    with generation.environment.begin(write=True) as transaction:
        writer = _Writer(transaction, generation)
        for (scope, pattern), rows in touched.rules.items():
            writer.replace(scope, pattern, rows)
        writer.finish()
        _put_aliases(transaction, generation, touched.aliases.items())
        write_stamp(transaction, generation, touched.position)


def _fill(generation: Generation, rows: Iterable[RuleRow], progress: Progress) -> None:
    count = 0
    for some in _slices(rows):
        with generation.environment.begin(write=True) as transaction:
            writer = _Writer(transaction, generation)
            writer.add(some)
            writer.finish()
        count += len(some)
        progress(count)


def _slices(rows: Iterable[RuleRow]) -> Iterator[list[RuleRow]]:
    source = iter(rows)
    while some := list(islice(source, _ROWS_AT_ONCE)):
        yield some


class _Writer:
    """Writes rules in one transaction; scope numbers and prefix lengths are settled by `finish`."""

    def __init__(self, transaction: lmdb.Transaction, generation: Generation) -> None:
        """Go on from what the generation holds."""
        self._transaction = transaction
        self._generation = generation
        self._numbers: dict[str, int] = {}
        self._last_number = int(bytes(transaction.get(_SCOPES, b"0", db=generation.meta)))
        self._lengths = decode_lengths(transaction.get(LENGTHS, db=generation.meta))

    def add(self, rows: Iterable[RuleRow]) -> None:
        """Add rules to those that are there."""
        items = sorted((self._key(row.kind, row.pattern), self._encode(row)) for row in rows)
        self._transaction.cursor(self._generation.rule).putmulti(items, dupdata=True)

    def replace(self, scope: str, pattern: str, rows: Sequence[RuleRow]) -> None:
        """Make these the rules of one scope and pattern."""
        key = self._key(rows[0].kind if rows else parse_pattern(pattern).kind, pattern)
        number = encode_number(self._number(scope))
        with self._transaction.cursor(self._generation.rule) as cursor:
            while cursor.set_range_dup(key, number) and bytes(cursor.value()).startswith(number):
                cursor.delete()
        self.add(rows)

    def finish(self) -> None:
        """Write what the reader must know of all rules."""
        meta = self._generation.meta
        self._transaction.put(_SCOPES, b"%d" % self._last_number, db=meta)
        self._transaction.put(LENGTHS, encode_lengths(self._lengths), db=meta)

    def _number(self, scope: str) -> int:
        """Find the number of a scope, or give it one."""
        number = self._numbers.get(scope)
        if number is None:
            key, table = scope_key(scope), self._generation.scope
            value = self._transaction.get(key, db=table)
            if value is None:
                self._last_number += 1
                value = encode_number(self._last_number)
                self._transaction.put(key, value, db=table)
            number = self._numbers[scope] = decode_number(value)
        return number

    def _key(self, kind: int, pattern: str) -> bytes:
        if kind == PatternKind.NETWORK:
            self._lengths = self._lengths.note(parse_network(pattern))
        return pattern_key(kind, pattern)

    def _encode(self, row: RuleRow) -> bytes:
        return encode_row(self._number(row.scope), row)


def _put_aliases(
    transaction: lmdb.Transaction, generation: Generation, aliases: Iterable[tuple[str, Alias | None]]
) -> None:
    changed = [(text_key(address), encode_alias(alias)) for address, alias in aliases]
    transaction.cursor(generation.alias).putmulti(changed)
    if any(key.startswith(_UNLISTED) for key, _ in changed):
        _flag(transaction, generation)


def _flag(transaction: lmdb.Transaction, generation: Generation) -> None:
    """Set or clear the flag that some alias tables can only be asked: one row a host says which."""
    with transaction.cursor(generation.alias) as cursor:
        on = cursor.set_range(_UNLISTED) and any(
            decode_alias(bytes(value))
            for _, value in takewhile(lambda item: bytes(item[0]).startswith(_UNLISTED), cursor)
        )
    if on:
        transaction.put(ON_DEMAND, b"1", db=generation.meta)
    else:
        transaction.delete(ON_DEMAND, db=generation.meta)
