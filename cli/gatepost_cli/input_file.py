"""Opening a file that a person names: `-` is standard input, and what is compressed by gzip is read as it was."""

from __future__ import annotations

import gzip
import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, NamedTuple, cast

from gatepost.errors import DataError

_GZIP = b"\x1f\x8b"
_STDIN = "-"


class Input(NamedTuple):
    """An open file."""

    name: str
    """for messages"""
    lines: io.TextIOWrapper
    size: int
    """bytes, 0 if not known"""
    position: Callable[[], int]
    """how many of these bytes have been read"""


@contextmanager
def open_input(name: str) -> Iterator[Input]:
    """Open a file as text; what is not UTF-8 comes out as lone surrogates."""
    try:
        raw = open(sys.stdin.fileno() if name == _STDIN else name, "rb", closefd=name != _STDIN)  # noqa: SIM115  closed below; a descriptor has no path
    except OSError as error:
        raise DataError(f"cannot read {name}: {error.strerror}") from None
    with raw:
        size = os.fstat(raw.fileno()).st_size
        zipped = raw.peek(2)[:2] == _GZIP
        data = cast("BinaryIO", gzip.GzipFile(fileobj=raw) if zipped else raw)
        lines = io.TextIOWrapper(data, encoding="utf-8-sig", errors="surrogateescape", newline="")
        yield Input("stdin" if name == _STDIN else name, lines, size, raw.tell if size else int)
