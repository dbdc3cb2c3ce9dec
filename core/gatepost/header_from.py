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

MAX_CHARACTERS = 50_000
"""of one field; Postfix 3.7 itself cuts one off at some 60,000 octets"""
MAX_FIELDS = 100
MAX_ADDRESSES = 100
_ANGLE = re.compile(r"<([^<>]*@[^<>@]*)>")
_SEPARATORS = re.compile(r"[\s<>()\[\],;:\"]+")
_FOLD = re.compile(r"\r?\n[ \t]?|\x00")
_TOKEN = re.compile(
    r"(?P<s>\s+|\([^()<>@\"\\]*\))"
    r"|(?P<w>[^\s\x00-\x1f()<>@,;:\\\"\[\]]+|\"(?:[^\"\\]|\\.)*\")"
    r"|(?P<other>[<>@])"
)
_PLAINEST = re.compile(r"s*(?:w@w|[ws]*<s*w@ws*>)s*")
"""in tokens: s is space or a comment, w an atom or a quoted string"""
_CHARSET = re.compile(
    r"(?:us-ascii|utf-?8|iso-?8859-\d+|windows-\d+|cp\d+|koi8-[ru]|gb\w*|big5\w*|euc-?\w+|shift_jis|iso-2022-\w+)",
    re.IGNORECASE,
)
# Newer Pythons give nothing at all for a field that they find odd, unless told otherwise.
_AS_IT_COMES = {"strict": False} if getattr(email.utils, "supports_strict_parsing", False) else {}


@dataclass(frozen=True, slots=True)
class Authors:
    """The addresses of the From: header."""

    addresses: tuple[Address, ...]
    certain: bool
    """one field, one address, read the same in every way"""
    complete: bool = True
    """False when there was more than is ever read: nobody writes that but to hide something"""


def parse_from(fields: Sequence[str]) -> Authors:
    """Read the bodies of all From: fields of a message (RFC 5322 3.4), oversize ones only to their limit."""
    found: dict[Address, None] = {}
    for field in fields[:MAX_FIELDS]:
        found |= dict.fromkeys(_read(_FOLD.sub(" ", field[:MAX_CHARACTERS])))
    addresses = tuple(found)[:MAX_ADDRESSES]
    certain = len(fields) == 1 and len(addresses) == 1 and addresses == _plain(fields[0])
    complete = len(fields) <= MAX_FIELDS and len(found) <= MAX_ADDRESSES
    return Authors(addresses, certain, complete and sum(map(len, fields)) <= MAX_CHARACTERS)


def _plain(field: str) -> tuple[Address, ...]:
    """Give the one address of a field without anything odd in it, or none."""
    tokens = _tokens(_FOLD.sub(" ", field))
    kinds = "".join(kind for kind, _ in tokens)
    if not _PLAINEST.fullmatch(kinds):
        return ()
    at = kinds.index("@")
    address = parse_address(f"{tokens[at - 1][1]}@{tokens[at + 1][1]}")
    return (address,) if is_address(address) else ()


def _tokens(body: str) -> list[tuple[str, str]]:
    """Part a field into tokens by kind; none where something stands between them."""
    found = []
    end = 0
    for token in _TOKEN.finditer(body):
        if token.start() != end:
            return []
        end = token.end()
        kind = token.lastgroup or ""
        found.append((token.group() if kind == "other" else kind, token.group()))
    return found if end == len(body) else []


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
        return "".join(p if isinstance(p, str) else p.decode(_charset(c), "replace") for p, c in parts)
    except (HeaderParseError, LookupError, ValueError):  # broken base64, an unknown charset
        return body


def _charset(name: str | None) -> str:
    """Take only the charsets of mail, not everything that Python can decode."""
    return name if name and _CHARSET.fullmatch(name) else "latin-1"
