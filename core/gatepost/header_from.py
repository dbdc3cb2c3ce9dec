"""The From: header of messages as they come, not as RFC 5322 3.6.2 wants them.

A block must not be evaded by a malformed header, so every address that any mail program could take for
the author's is held against blocks. An allow must not be won by one, so it needs exactly one From: field
of the plainest form, with exactly one address on which all readings agree.
"""

from __future__ import annotations

import email.utils
import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header

from gatepost.address import Address, is_address, parse_address

MAX_CHARACTERS = 102_400
"""read of one field, as much as Postfix lets through (header_size_limit); several fields share it"""
MAX_FIELDS = 100
MAX_ADDRESSES = 100
_ANGLE = re.compile(r"<([^<>]*@[^<>@]*)>")
_SEPARATORS = re.compile(r"[\s<>()\[\],;:\"]+")
_FOLD = re.compile(r"\r?\n[ \t]?|\x00")
_ATOM = r"[^\s\x00-\x1f()<>@,;:\\\"\[\]]++"
_QUOTED = r"\"(?:[^\"\\]|\\.)*+\""
_SPACE = r"(?:\s|\([^()<>@\"\\]*+\))*+"
_ADDRESS = rf"(?:{_ATOM}|{_QUOTED})@{_ATOM}"
_PLAINEST = re.compile(
    rf"{_SPACE}(?:(?P<bare>{_ADDRESS})|(?:(?:{_ATOM}|{_QUOTED}){_SPACE})*+<\s*+(?P<angle>{_ADDRESS})\s*+>){_SPACE}"
)
# Newer Pythons give nothing at all for a field that they find odd, unless told otherwise.
_AS_IT_COMES = {"strict": False} if getattr(email.utils, "supports_strict_parsing", False) else {}


@dataclass(frozen=True, slots=True)
class Authors:
    """The addresses of the From: header."""

    addresses: tuple[Address, ...]
    certain: bool
    """one field, one address, read the same in every way"""


def parse_from(fields: Sequence[str]) -> Authors:
    """Read the bodies of all From: fields of a message (RFC 5322 3.4), oversize ones only to their limit."""
    found: dict[Address, None] = {}
    share = MAX_CHARACTERS // min(max(len(fields), 1), MAX_FIELDS)
    for field in fields[:MAX_FIELDS]:
        found |= dict.fromkeys(_read(_FOLD.sub(" ", field[:share])))
    addresses = tuple(found)[:MAX_ADDRESSES]
    return Authors(
        addresses, certain=len(fields) == 1 and len(addresses) == 1 and addresses == _plain(fields[0])
    )


def _plain(field: str) -> tuple[Address, ...]:
    """Give the one address of a field without anything odd in it, or none."""
    match = _PLAINEST.fullmatch(_FOLD.sub(" ", field))
    address = parse_address(match["bare"] or match["angle"]) if match else None
    return (address,) if address and is_address(address) else ()


def _read(body: str) -> list[Address]:
    """Give the addresses that the grammar finds, and those that a careless reader would."""
    try:
        parsed = [text for _, text in email.utils.getaddresses([body], **_AS_IT_COMES) if "@" in text[1:-1]]
    except (RecursionError, IndexError, ValueError):  # comments nested thousands deep, and the like
        parsed = []
    texts = parsed + _ANGLE.findall(body)
    return [parse_address(text.strip()) for text in texts or _bare(_decoded(body))]


def _bare(text: str) -> list[str]:
    return [word for word in _SEPARATORS.split(text) if "@" in word[1:-1]]


def _decoded(body: str) -> str:
    """Undo encoded words (RFC 2047), which are not allowed in an address but shown by some programs."""
    try:
        parts = decode_header(body)
        return "".join(p if isinstance(p, str) else p.decode(c or "latin-1", "replace") for p, c in parts)
    except (HeaderParseError, LookupError, ValueError):  # broken base64, an unknown charset
        return body
