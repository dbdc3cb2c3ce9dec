"""Patterns: what a rule holds against an identity, each kind with one canonical text."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from gatepost.address import Address, is_address, is_local, parse_address, quote_local
from gatepost.domain import canonical_domain, is_domain
from gatepost.errors import DataError
from gatepost.network import Network, parse_network

EXAMPLES = "joe@x.org, x.org, .x.org, joe@, 192.0.2.1 or 192.0.2.0/24"


class PatternKind(enum.IntEnum):
    """The kinds of pattern; the number is stored, never change one."""

    ADDRESS = 0
    """joe@x.org, joe+detail@x.org"""
    DOMAIN = 1
    """x.org"""
    SUBTREE = 2
    """.x.org: x.org and everything below"""
    LOCAL_PART = 3
    """joe@ in any domain"""
    NETWORK = 4
    """192.0.2.1, 192.0.2.0/24, 2001:db8::/32"""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern in its canonical text; equal patterns have equal texts."""

    kind: PatternKind
    text: str
    network: Network | None = None

    @property
    def needs_proof(self) -> bool:
        """Whether a forger could claim to match it: everything but an IP address or network."""
        return self.kind is not PatternKind.NETWORK

    def __str__(self) -> str:
        """Give the canonical text."""
        return self.text


class PatternError(DataError):
    """A text that is no pattern."""


def parse_pattern(text: str) -> Pattern:
    """Read a pattern as a person writes it; PatternError names the place and suggests what was meant."""
    stripped = text.strip()
    if not stripped or stripped == "<>":
        raise PatternError(_problem(text), f"a pattern is {EXAMPLES}; bounces (<>) have no sender to match")
    if "@" in stripped:
        return _address_or_local_part(stripped)
    if _looks_like_ip(stripped):
        return _network(stripped)
    return _domain(stripped)


def network_pattern(network: Network) -> Pattern:
    """Make the pattern of a network."""
    return Pattern(PatternKind.NETWORK, str(network), network)


def _problem(text: str, at: int = 0) -> str:
    shown = f"at character {at + 1} of " if at else ""
    return f"not a pattern: {shown}{text!r}"


def _looks_like_ip(text: str) -> bool:
    host = text.partition("/")[0]
    return ":" in host or "/" in text or (host.replace(".", "").isdigit() and "." in host)


def _network(text: str) -> Pattern:
    try:
        return network_pattern(parse_network(text))
    except ValueError as error:
        hint = f"{error}; write an address like 192.0.2.1 or a network like 192.0.2.0/24 or 2001:db8::/32"
        raise PatternError(_problem(text), hint) from None


def _domain(text: str) -> Pattern:
    subtree = text.startswith(".")
    domain = canonical_domain(text.removeprefix("*").removeprefix("."))
    if "*" in text:
        raise PatternError(_problem(text, text.index("*")), _without_star(text, domain))
    if not is_domain(domain):
        raise PatternError(_problem(text, _odd_character(text)), f"a pattern is {EXAMPLES}")
    if "." not in domain and not subtree:
        hint = f"did you mean the address {domain}@…, the local part {domain}@ or everything below .{domain}?"
        raise PatternError(_problem(text), hint)
    return Pattern(PatternKind.SUBTREE, f".{domain}") if subtree else Pattern(PatternKind.DOMAIN, domain)


def _without_star(text: str, domain: str) -> str:
    if text.startswith("*.") and is_domain(domain):
        return f"did you mean .{domain} (the domain and everything below it)?"
    return "there are no wildcards; .x.org means x.org and everything below it"


def _address_or_local_part(text: str) -> Pattern:
    address = parse_address(text)
    at = text.rindex("@")
    if not address.local:
        raise PatternError(_problem(text), f"did you mean the domain {address.domain or 'x.org'}?")
    if "*" in text:
        raise PatternError(_problem(text, text.index("*")), _star_in_address(address))
    _refuse_odd_local(text, text[:at].lstrip("<"), address)
    if at == len(text) - 1:
        return Pattern(PatternKind.LOCAL_PART, f"{quote_local(address.local)}@")
    if not is_address(address):
        raise PatternError(_problem(text, at + 1), f"{text[at + 1 :]!r} is no domain")
    return Pattern(PatternKind.ADDRESS, str(address))


def _star_in_address(address: Address) -> str:
    if address.local == "*":
        return f"did you mean the domain {address.domain}?"
    if address.domain == "*":
        return f"did you mean {address.local}@ (this local part in any domain)?"
    return "there are no wildcards; .x.org means a domain and everything below it, joe@ a local part anywhere"


def _refuse_odd_local(text: str, written: str, address: Address) -> None:
    quoted = written.startswith('"') and written.endswith('"')
    if not quoted and quote_local(address.local) != address.local:
        hint = f"a local part with such characters is quoted: {quote_local(address.local)}@{address.domain}"
        raise PatternError(_problem(text, _odd_character(written)), hint)
    if not is_local(address.local):
        raise PatternError(_problem(text), "a local part has 1 to 64 octets and no control characters")


def _odd_character(text: str) -> int:
    return next((i for i, c in enumerate(text) if c.isspace() or c in '"(),:;<>@[\\]/*='), 0)
