"""Domain names as mail compares them: lower case, A-labels, no trailing dot (RFC 5890, RFC 5321 2.3.5)."""

from __future__ import annotations

import re

import idna

from gatepost.memo import memo

MAX_OCTETS = 253
MAX_LABELS = 127
_DOTS = re.compile("[\u3002\uff0e\uff61]")  # what IDNA takes for a dot (RFC 3490 3.1)
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")


@memo(entries=8192, longest=MAX_OCTETS)
def canonical_domain(text: str) -> str:
    """Give the one spelling under which a domain is stored and compared; never fails.

    What IDNA refuses is only lower-cased: mail with such a domain still has to be judged.
    """
    domain = _DOTS.sub(".", text).rstrip(".")
    if domain.isascii():
        return domain.lower()
    if len(domain) > MAX_OCTETS:  # IDNA takes long over long ones, and no domain is so long
        return domain.casefold()
    try:
        return idna.encode(domain, uts46=True).decode("ascii").rstrip(".")
    except idna.IDNAError:
        return domain.casefold()


def is_domain(text: str) -> bool:
    """Whether a canonical domain is one that could stand in the DNS, or a single label; 192.0.2.1 is none."""
    labels = text.split(".")
    return len(text) <= MAX_OCTETS and all(map(_LABEL.fullmatch, labels)) and not labels[-1].isdigit()


@memo(entries=2048, longest=64)
def with_parents(domain: str) -> tuple[str, ...]:
    """List a domain and every domain above it, deepest first: a.x.org, x.org, org."""
    labels = domain.split(".")[-MAX_LABELS:]
    return tuple(".".join(labels[i:]) for i in range(len(labels)))


def display_domain(domain: str) -> str:
    """Show A-labels as U-labels where they decode."""
    if "xn--" not in domain:
        return domain
    try:
        return idna.decode(domain)
    except idna.IDNAError:
        return domain
