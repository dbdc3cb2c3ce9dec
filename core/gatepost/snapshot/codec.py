"""How rules, scopes and aliases lie in the snapshot.

    scope   scope text            -> number, kinds of pattern that occur, prefix lengths that occur
    rule    scope number, pattern -> one 17-octet row a rule: id, flags, expiry
    alias   address or @domain    -> JSON [targets, remote]; [] for a known non-alias

A scope's record tells which look-ups can succeed at all, so most requests end after a few gets.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from typing import NamedTuple

from gatepost.lookup import Alias
from gatepost.network import Network
from gatepost.pattern import Pattern, PatternKind
from gatepost.probe import text_key
from gatepost.rule import Action, Demand, Effect, Rule, Terms
from gatepost.scope import Scope

_ROW = struct.Struct(">QBQ")
_SCOPE = struct.Struct(">IBQ17s")
_NUMBER = struct.Struct(">I")
_ALLOW, _JUNK, _ENFORCED, _DEMAND_SHIFT = 1, 2, 4, 3
_DEMANDS = (Demand.AUTO, Demand.REQUIRED, Demand.NONE)
_NEVER = 0
ROW_OCTETS = _ROW.size
Octets = bytes | memoryview


class ScopeRecord(NamedTuple):
    """What a scope holds, as bit masks."""

    number: int
    kinds: int
    """bit n: a pattern of PatternKind n occurs"""
    lengths4: int
    """bit n: an IPv4 network of prefix length n occurs"""
    lengths6: int

    @property
    def prefix(self) -> bytes:
        """The first octets of the keys of its rules."""
        return _NUMBER.pack(self.number)

    def with_kind(self, kind: int) -> ScopeRecord:
        """Note that a kind of pattern occurs."""
        return self._replace(kinds=self.kinds | 1 << kind)

    def with_network(self, network: Network) -> ScopeRecord:
        """Note that a network of this length occurs."""
        noted = self.with_kind(PatternKind.NETWORK)
        bit = 1 << network.length
        if network.version == 4:
            return noted._replace(lengths4=self.lengths4 | bit)
        return noted._replace(lengths6=self.lengths6 | bit)


def scope_key(scope: str) -> bytes:
    """Give the key of a scope; LMDB has no empty keys, so the site's is a zero octet."""
    return text_key(scope) or b"\0"


def encode_scope(record: ScopeRecord) -> bytes:
    """Write a scope's record."""
    return _SCOPE.pack(record.number, record.kinds, record.lengths4, record.lengths6.to_bytes(17))


def decode_scope(value: Octets) -> ScopeRecord:
    """Read a scope's record."""
    number, kinds, lengths4, lengths6 = _SCOPE.unpack(value)
    return ScopeRecord(number, kinds, lengths4, int.from_bytes(lengths6))


def network_key(version: int, first: int, length: int) -> bytes:
    """Give the key of a network inside its scope; the leading zero keeps it apart from texts."""
    return b"\0%d %x/%d" % (version, first, length)


def encode_row(
    number: int, action: str, effect: str, proof: str, expires: int | None, *, enforced: bool
) -> bytes:
    """Write what decides of a rule; scope and pattern are its key."""
    flags = (_ALLOW if action == Action.ALLOW else 0) | (_JUNK if effect == Effect.JUNK else 0)
    flags |= (_ENFORCED if enforced else 0) | _DEMANDS.index(Demand(proof)) << _DEMAND_SHIFT
    return _ROW.pack(number, flags, expires or _NEVER)


def decode_rules(value: Octets, scope: Scope, pattern: Pattern) -> Iterator[Rule]:
    """Read the rules of one key."""
    for number, flags, expires in _ROW.iter_unpack(value):
        yield Rule(
            number,
            Terms(
                Action.ALLOW if flags & _ALLOW else Action.BLOCK,
                pattern,
                scope,
                bool(flags & _ENFORCED),
                Effect.JUNK if flags & _JUNK else Effect.REJECT,
                _DEMANDS[flags >> _DEMAND_SHIFT],
                None if expires == _NEVER else expires,
            ),
        )


def encode_alias(alias: Alias | None) -> bytes:
    """Write an alias, or that there is none."""
    return json.dumps([alias.targets, sorted(alias.remote)] if alias else []).encode()


def decode_alias(value: Octets) -> Alias | None:
    """Read an alias."""
    fields = json.loads(bytes(value))
    return Alias(tuple(fields[0]), frozenset(fields[1])) if fields else None
