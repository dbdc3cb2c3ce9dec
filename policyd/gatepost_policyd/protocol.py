"""Postfix's policy delegation protocol, without I/O (SMTPD_POLICY_README).

A request is lines of `name=value`, ended by an empty line; the answer to it is one `action=` line and an
empty line. Whatever octets come, every request that ends gets exactly one answer, in order: this parser
gives one item for each.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

Attributes = dict[bytes, bytes]
_END = b"\n\n"


@dataclass(frozen=True, slots=True)
class Malformed:
    """A request that ended but is not one, or grew too long."""

    reason: str
    fatal: bool = False
    """the place where the next request begins is unknown: answer, then close"""


Item = Attributes | Malformed
_EMPTY = (b"", b"\n")
_EMPTY_REQUEST = Malformed("an empty line where a request should begin")


class RequestParser:
    """Takes octets in any portions and gives requests; after a fatal one there are no more."""

    __slots__ = ("_buffer", "_limit", "_lost")

    def __init__(self, limit: int) -> None:
        """Take requests of up to `limit` octets."""
        self._buffer = b""
        self._limit = limit
        self._lost = False

    def feed(self, data: bytes) -> Iterator[Item]:
        """Give the requests that end in this portion."""
        if self._lost:
            return
        *blocks, rest = (self._buffer + data).split(_END) if self._buffer else data.split(_END)
        for block in blocks:
            if block[:1] in _EMPTY:
                yield from _empty_requests(block)
                block = block.lstrip(b"\n")  # noqa: PLW2901  what is left is the request that ended
                if not block:
                    continue
            if len(block) > self._limit:
                yield self._give_up()
                return
            yield parse_block(block)
        while rest[:1] == b"\n":
            rest = rest[1:]
            yield _EMPTY_REQUEST
        self._buffer = rest
        if len(rest) > self._limit + 1:  # one more, as its last line may have ended already
            yield self._give_up()

    def _give_up(self) -> Malformed:
        self._buffer = b""
        self._lost = True
        return Malformed(f"longer than {self._limit} octets", fatal=True)


def _empty_requests(block: bytes) -> Iterator[Malformed]:
    """Give an item for each empty line that ends a request without attributes."""
    content = block.lstrip(b"\n")
    yield from [_EMPTY_REQUEST] * (len(block) - len(content) + (0 if content else len(_END)))


def parse_block(block: bytes) -> Item:
    """Read the lines of one request, without the empty line that ended it."""
    lines = block.split(b"\n")
    try:
        attributes = dict([line.split(b"=", 1) for line in lines])
    except ValueError:
        bad = next(line for line in lines if b"=" not in line)
        return Malformed(f"no '=' in line {bad[:80]!r}")
    if len(attributes) != len(lines):
        return Malformed("an attribute is given twice")
    if attributes.get(b"request") != b"smtpd_access_policy":
        return Malformed("not a request=smtpd_access_policy")
    return attributes


def encode_answer(action: str) -> bytes:
    """Write an answer; an action is one line of ASCII."""
    line = action.replace("\n", " ").encode("ascii", "replace")
    return b"action=" + line + _END
