"""How rules, scopes and aliases lie in the snapshot.

    scope   scope text          -> its number
    rule    pattern             -> sorted rows of 21 octets, one a rule: scope number, id, flags, expiry
    alias   address or @domain  -> JSON [targets, remote]; [] for a known non-alias

A message claims a handful of patterns. Most are in nobody's rules, so most requests end after one look
at these few keys, whoever the recipient is. The prefix lengths that occur at all are noted in `meta`.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from gatepost.lookup import Alias
from gatepost.network import Network, bits, parse_network
from gatepost.pattern import Pattern, PatternKind
from gatepost.probe import text_key
from gatepost.rule import Action, Demand, Effect, Rule, Terms
from gatepost.scope import SITE, Scope, ScopeKind

if TYPE_CHECKING:
    from gatepost.store.feed import RuleRow

_ROW = struct.Struct(">IQBQ")
_NUMBER = struct.Struct(">I")
_LENGTHS = struct.Struct(">Q17s")
_ALLOW, _JUNK, _ENFORCED, _DEMAND_SHIFT = 1, 2, 4, 3
_DEMANDS = (Demand.AUTO, Demand.REQUIRED, Demand.NONE)
_NEVER = 0
ROW_OCTETS = _ROW.size
Octets = bytes | memoryview


class Lengths(NamedTuple):
    """Which prefix lengths occur in rules: bit n of a mask for length n."""

    mask4: int = 0
    mask6: int = 0

    def note(self, network: Network) -> Lengths:
        """Add a network's length."""
        bit = 1 << network.length
        if network.version == 4:
            return self._replace(mask4=self.mask4 | bit)
        return self._replace(mask6=self.mask6 | bit)

    def of(self, version: int) -> tuple[int, ...]:
        """List the lengths of an IP version, longest first."""
        mask = self.mask4 if version == 4 else self.mask6
        return tuple(n for n in range(bits(version), -1, -1) if mask >> n & 1)


def encode_lengths(lengths: Lengths) -> bytes:
    """Write the masks."""
    return _LENGTHS.pack(lengths.mask4, lengths.mask6.to_bytes(17))


def decode_lengths(value: Octets | None) -> Lengths:
    """Read the masks; without a value no network occurs."""
    if value is None:
        return Lengths()
    mask4, mask6 = _LENGTHS.unpack(value)
    return Lengths(mask4, int.from_bytes(mask6))


def encode_number(number: int) -> bytes:
    """Write the number of a scope."""
    return _NUMBER.pack(number)


def decode_number(value: Octets) -> int:
    """Read the number of a scope."""
    number: int = _NUMBER.unpack(value)[0]
    return number


def scope_key(scope: str) -> bytes:
    """Give the key of a scope; the site's text is empty, which no key may be."""
    return text_key(scope) if scope else b"\0"


def network_key(network: Network) -> bytes:
    """Give the key of a network; the leading zero keeps it apart from texts."""
    version, first, length = network
    return bytes((0, version, length)) + first.to_bytes(bits(version) // 8)


def network_keys(client: Network, lengths: Sequence[int]) -> list[bytes]:
    """Give the keys of the networks of these prefix lengths around a client."""
    version, address, width = client
    octets = width >> 3
    return [bytes((0, version, n)) + (address >> width - n << width - n).to_bytes(octets) for n in lengths]


def pattern_key(kind: int, pattern: str) -> bytes:
    """Give the key of a pattern."""
    return network_key(parse_network(pattern)) if kind == PatternKind.NETWORK else text_key(pattern)


def encode_row(scope: int, row: RuleRow) -> bytes:
    """Write what decides of a rule, with the number of its scope; the pattern is its key."""
    flags = (_ALLOW if row.action == Action.ALLOW else 0) | (_JUNK if row.effect == Effect.JUNK else 0)
    flags |= (_ENFORCED if row.enforced else 0) | _DEMANDS.index(Demand(row.proof)) << _DEMAND_SHIFT
    return _ROW.pack(scope, row.id, flags, row.expires or _NEVER)


@lru_cache(maxsize=4096)
def decode_rule(row: bytes, scope: str, kind: PatternKind, text: str) -> Rule:
    """Make the rule of a row, a pattern and a scope; the same few rules decide most of the time."""
    _, number, flags, expires = _ROW.unpack(row)
    terms = Terms(
        Action.ALLOW if flags & _ALLOW else Action.BLOCK,
        Pattern(kind, text, parse_network(text) if kind is PatternKind.NETWORK else None),
        scope_of(scope),
        bool(flags & _ENFORCED),
        Effect.JUNK if flags & _JUNK else Effect.REJECT,
        _DEMANDS[flags >> _DEMAND_SHIFT],
        None if expires == _NEVER else expires,
    )
    return Rule(number, terms)


def scope_of(text: str) -> Scope:
    """Make a scope of its canonical text."""
    if not text:
        return SITE
    return Scope(ScopeKind.MAILBOX if "@" in text else ScopeKind.DOMAIN, text)


def encode_alias(alias: Alias | None) -> bytes:
    """Write an alias, or that there is none."""
    return json.dumps([alias.targets, sorted(alias.remote)] if alias else []).encode()


def decode_alias(value: Octets) -> Alias | None:
    """Read an alias."""
    fields = json.loads(bytes(value))
    return Alias(tuple(fields[0]), frozenset(fields[1])) if fields else None
