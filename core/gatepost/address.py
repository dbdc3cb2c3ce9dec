"""Mail addresses as Gatepost compares them (RFC 5321 4.1.2, RFC 6531).

An address is held in one canonical spelling: local part without needless quotes and in one case,
domain as in `gatepost.domain`. Reading never fails, because mail with an odd address has to be
judged too; `is_address` says whether an address is good enough to be written into a rule.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from gatepost.domain import MAX_OCTETS, canonical_domain, is_domain
from gatepost.memo import memo

MAX_LOCAL_OCTETS = 64
_NORMALIZED = 256
"""characters of a local part that is not ASCII"""
_ATOM = r"[^\x00-\x20\x7f\"(),:;<>@\[\\\]]"
_DOT_ATOM = re.compile(rf"(?!\.)(?:{_ATOM})+(?<!\.)")
_QUOTED = re.compile(r"\"(?:[^\"\\]|\\.)*\"", re.DOTALL)
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_NEEDS_ESCAPE = re.compile(r"([\"\\])")
_UNSTORABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


class Address(NamedTuple):
    """A canonical address: local part with any +detail, unquoted; domain in A-labels, or empty."""

    local: str
    domain: str

    @property
    def base(self) -> Address:
        """The address without its +detail."""
        return Address(base_local(self.local), self.domain)

    def __str__(self) -> str:
        """Write the canonical text, quoting the local part only where it must be."""
        return f"{quote_local(self.local)}@{self.domain}" if self.domain else quote_local(self.local)


@memo(entries=16384, longest=MAX_LOCAL_OCTETS + 1 + MAX_OCTETS)
def parse_address(text: str) -> Address:
    """Read an address from an envelope, a header or a rule: `<Joe@X.ORG>` and `"joe"@x.org` are the same.

    An address without `@` gets an empty domain; the null reverse-path gives two empty strings.
    """
    if text.startswith("<") and text.endswith(">"):
        text = text[1:-1]
    local, at, domain = text.rpartition("@")
    if not at or _QUOTED.fullmatch(text):  # an @ within quotes begins no domain
        local, domain = _without_at(text)
    elif local.startswith("@"):  # an old source route, @relay:joe@x.org
        local = local.partition(":")[2] or local
    return Address(canonical_local(local), canonical_domain(domain))


def _without_at(text: str) -> tuple[str, str]:
    """Read what Postfix makes an address of: x.org!joe (swap_bangpath) and joe%x.org (allow_percent_hack)."""
    if not text.startswith('"'):
        domain, bang, local = text.partition("!")
        if bang:
            return local, domain
        local, percent, domain = text.rpartition("%")
        if percent:
            return local, domain
    return text, ""


def canonical_local(local: str) -> str:
    """Unquote a local part and bring it into one case and one Unicode form.

    What is beyond any rule's length is cut off first: combining marks take time to the square of their number.
    """
    if len(local) > 1 and local[0] == '"' and local[-1] == '"':
        local = _QUOTED_PAIR.sub(r"\1", local[1:-1])
    if local.isascii():
        return local.lower()
    local = local[:_NORMALIZED]
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", local).casefold())


def base_local(local: str) -> str:
    """Cut the +detail off a local part; one that begins with + has none."""
    cut = local.find("+")
    return local[:cut] if cut > 0 else local


def quote_local(local: str) -> str:
    """Write a local part as a dot-atom if it is one, else as a quoted string."""
    if _DOT_ATOM.fullmatch(local) and ".." not in local:
        return local
    return '"' + _NEEDS_ESCAPE.sub(r"\\\1", local) + '"'


def is_address(address: Address) -> bool:
    """Whether an address keeps the limits of RFC 5321 4.5.3.1 and has a real domain."""
    return is_local(address.local) and is_domain(address.domain)


def is_local(local: str) -> bool:
    """Whether a local part is not empty, is UTF-8 without control characters and keeps its limit in octets."""
    return not _UNSTORABLE.search(local) and 0 < len(local.encode()) <= MAX_LOCAL_OCTETS
