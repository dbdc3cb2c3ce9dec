"""Probes: the patterns that an identity would match, each with its place in the order of precedence.

A message claims an envelope sender, a From: header and a client address. Each is spelled out here into
the few exact texts a rule could have, so that a look-up is a handful of exact gets, however long the
list is.
"""

from __future__ import annotations

import enum
import hashlib
import re
from collections.abc import Iterator
from typing import NamedTuple

from gatepost.address import Address, base_local, parse_address, quote_local
from gatepost.domain import MAX_LABELS, with_parents
from gatepost.memo import memo
from gatepost.network import Network, bits
from gatepost.pattern import PatternKind
from gatepost.unwrap import unwrap

MAX_KEY = 480
"""octets; LMDB takes keys of up to 511, and no rule of RFC 5321's limits comes near"""


def text_key(text: str) -> bytes:
    """Give the octets of a canonical text, or a digest of them where they are too many for a key."""
    octets = text.encode("utf-8", "surrogatepass")  # never fails, whatever a stranger made of it
    return octets if len(octets) <= MAX_KEY else b"\xff" + hashlib.blake2b(octets, digest_size=32).digest()


class Identity(enum.IntEnum):
    """What a pattern is held against; the number is the order of the last tie-break."""

    ENVELOPE_SENDER = 0
    HEADER_FROM = 1
    CLIENT_ADDRESS = 2


class Trust(enum.IntEnum):
    """How far an identity may carry an allow."""

    PLAIN = 0
    UNWRAPPED = 1
    """taken out of a BATV, SRS or VERP sender: an allow needs required proof"""
    DOUBTFUL = 2
    """one of several From: addresses, or a malformed one: never an allow"""


class Probe(NamedTuple):
    """One text to look up, and what a match of it is worth."""

    rank: int
    """specificity, 0 is the most specific"""
    identity: Identity
    trust: Trust
    kind: PatternKind
    text: str
    key: bytes
    """the text as stores look it up: short enough for a key of theirs"""
    claimed: str
    """the domain that has to be proven; empty for a client address"""


_PLAIN = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_ADDRESS_WITH_DETAIL, _ADDRESS, _DOMAIN, _SUBTREE = range(4)
_LOCAL_WITH_DETAIL = _SUBTREE + MAX_LABELS + 1
_LOCAL = _LOCAL_WITH_DETAIL + 1
_NETWORK = _LOCAL + 1


@memo(entries=4096, longest=128)
def sender_probes(envelope_sender: str) -> tuple[Probe, ...]:
    """Spell out an envelope sender, plain and unwrapped; the null reverse-path has no probes."""
    address = parse_address(envelope_sender)
    if not address.local and not address.domain:
        return ()
    plain = tuple(_address_probes(address, Identity.ENVELOPE_SENDER, Trust.PLAIN))
    inside = unwrap(address)
    if inside is None:
        return plain
    return plain + tuple(_address_probes(inside, Identity.ENVELOPE_SENDER, Trust.UNWRAPPED))


def sender_keys(envelope_sender: str) -> list[bytes]:
    """List the keys of `sender_probes`: enough to ask whether anybody has a rule for them at all.

    Nearly all senders are plain, and spelling those out here takes a tenth of the time.
    """
    if len(envelope_sender) > MAX_KEY or not _PLAIN.fullmatch(envelope_sender):
        return [probe.key for probe in sender_probes(envelope_sender)]
    address = envelope_sender.lower().encode()
    local, _, domain = address.partition(b"@")
    keys = [address, domain, local + b"@"]
    while domain:
        keys.append(b"." + domain)
        domain = domain.partition(b".")[2]
    return keys


def header_probes(addresses: tuple[Address, ...], *, certain: bool) -> tuple[Probe, ...]:
    """Spell out the addresses of the From: header; uncertain ones can block but not allow."""
    trust = Trust.PLAIN if certain else Trust.DOUBTFUL
    return tuple(p for address in addresses for p in _address_probes(address, Identity.HEADER_FROM, trust))


def network_probe(network: Network) -> Probe:
    """Make the probe of a network that holds the client address."""
    rank = _NETWORK + bits(network.version) - network.length
    return Probe(rank, Identity.CLIENT_ADDRESS, Trust.PLAIN, PatternKind.NETWORK, str(network), b"", "")


def _address_probes(address: Address, identity: Identity, trust: Trust) -> Iterator[Probe]:
    local, domain = address
    base = base_local(local)
    for rank, kind, text in _texts(local, base, domain):
        yield Probe(rank, identity, trust, kind, text, text_key(text), domain)


def _texts(local: str, base: str, domain: str) -> Iterator[tuple[int, PatternKind, str]]:
    quoted = quote_local(base)
    with_detail = quote_local(local) if local != base else ""
    if domain:
        if with_detail:
            yield _ADDRESS_WITH_DETAIL, PatternKind.ADDRESS, f"{with_detail}@{domain}"
        yield _ADDRESS, PatternKind.ADDRESS, f"{quoted}@{domain}"
        if not domain.startswith("."):  # such a text would be that of a subtree
            yield _DOMAIN, PatternKind.DOMAIN, domain
        for parent in with_parents(domain):
            yield _SUBTREE + MAX_LABELS - parent.count("."), PatternKind.SUBTREE, f".{parent}"
    if with_detail:
        yield _LOCAL_WITH_DETAIL, PatternKind.LOCAL_PART, f"{with_detail}@"
    yield _LOCAL, PatternKind.LOCAL_PART, f"{quoted}@"
