"""Filling a generation: all at once from the database, or with what a few changes touched."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby, takewhile
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING

import lmdb

from gatepost.lookup import UNLISTED, Alias
from gatepost.network import parse_network
from gatepost.pattern import PatternKind, parse_pattern
from gatepost.position import Position
from gatepost.probe import text_key
from gatepost.snapshot.codec import (
    ScopeRecord,
    decode_alias,
    decode_scope,
    encode_alias,
    encode_row,
    encode_scope,
    network_key,
    scope_key,
)
from gatepost.snapshot.generation import FORMAT, ON_DEMAND, Generation, open_for_writing, write_stamp

if TYPE_CHECKING:
    from gatepost.store.feed import RuleRow, Touched

_ITEMS_AT_ONCE = 100_000
_SCOPES = b"scopes"
_UNLISTED = UNLISTED.encode()
Progress = Callable[[int], None]
_Item = tuple[bytes, bytes]


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
    """Write a new generation from rows sorted by scope and pattern; it is not published yet."""
    generation = open_for_writing(folder, name, gib=gib, sync=False)
    try:
        scopes = _write_rules(generation, rows, progress)
        with generation.environment.begin(write=True) as transaction:
            _put_aliases(transaction, generation, aliases)
            transaction.put(_SCOPES, b"%d" % scopes, db=generation.meta)
            write_stamp(transaction, generation, position)
            transaction.put(b"format", FORMAT, db=generation.meta)
        generation.environment.sync(True)  # noqa: FBT003  lmdb's own signature
    finally:
        generation.close()


def apply(generation: Generation, touched: Touched) -> None:
    """Bring a generation to a later position in one transaction."""
    with generation.environment.begin(write=True) as transaction:
        for scope, keys in groupby(sorted(touched.rules), key=lambda key: key[0]):
            changed = {pattern: touched.rules[scope, pattern] for _, pattern in keys}
            _apply_scope(transaction, generation, scope, changed)
        _put_aliases(transaction, generation, touched.aliases.items())
        write_stamp(transaction, generation, touched.position)


def _apply_scope(
    transaction: lmdb.Transaction, generation: Generation, scope: str, changed: dict[str, list[RuleRow]]
) -> None:
    record = _scope_record(transaction, generation, scope)
    for pattern, rows in changed.items():
        kind = rows[0].kind if rows else parse_pattern(pattern).kind
        key = record.prefix + pattern_key(kind, pattern)
        if rows:
            record = _noted(record, kind, pattern)
            transaction.put(key, _encode(rows), db=generation.rule)
        else:
            transaction.delete(key, db=generation.rule)
    transaction.put(scope_key(scope), encode_scope(record), db=generation.scope)


def _scope_record(transaction: lmdb.Transaction, generation: Generation, scope: str) -> ScopeRecord:
    """Read the record of a scope, or number a new one."""
    value = transaction.get(scope_key(scope), db=generation.scope)
    if value is not None:
        return decode_scope(bytes(value))
    number = int(bytes(transaction.get(_SCOPES, b"0", db=generation.meta))) + 1
    transaction.put(_SCOPES, b"%d" % number, db=generation.meta)
    return ScopeRecord(number, 0, 0, 0)


def _write_rules(generation: Generation, rows: Iterable[RuleRow], progress: Progress) -> int:
    """Write all rules and scopes; gives the number of scopes."""
    rules: list[_Item] = []
    scopes: list[_Item] = []
    number = count = 0
    for number, (scope, of_scope) in enumerate(groupby(rows, attrgetter("scope")), start=1):
        record = ScopeRecord(number, 0, 0, 0)
        for pattern, same in groupby(of_scope, attrgetter("pattern")):
            found = list(same)
            count += len(found)
            record = _noted(record, found[0].kind, pattern)
            rules.append((record.prefix + pattern_key(found[0].kind, pattern), _encode(found)))
            if len(rules) >= _ITEMS_AT_ONCE:
                _put(generation, rules, scopes)
                progress(count)
        scopes.append((scope_key(scope), encode_scope(record)))
    _put(generation, rules, scopes)
    progress(count)
    return number


def _put(generation: Generation, rules: list[_Item], scopes: list[_Item]) -> None:
    with generation.environment.begin(write=True) as transaction:
        transaction.cursor(generation.rule).putmulti(rules)
        transaction.cursor(generation.scope).putmulti(scopes)
    rules.clear()
    scopes.clear()


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


def _noted(record: ScopeRecord, kind: int, pattern: str) -> ScopeRecord:
    if kind == PatternKind.NETWORK:
        return record.with_network(parse_network(pattern))
    return record if record.kinds >> kind & 1 else record.with_kind(kind)


def pattern_key(kind: int, pattern: str) -> bytes:
    """Give the key of a pattern inside its scope."""
    return network_key(*parse_network(pattern)) if kind == PatternKind.NETWORK else text_key(pattern)


def _encode(rows: Sequence[RuleRow]) -> bytes:
    return b"".join(
        encode_row(r.id, r.action, r.effect, r.proof, r.expires, enforced=r.enforced) for r in rows
    )
