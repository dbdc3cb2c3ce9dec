"""Files of rules: CSV with a header line, or one JSON object a line. What `rules export` writes, this reads.

    action,pattern,scope,effect,enforced,proof,expires,note
    block,.x.org,site,reject,no,,never,open proxies

`action` and `pattern` are needed, the others are as if left out on the command line when they are empty.
"""

from __future__ import annotations

import csv
import difflib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple, TypeVar

from gatepost.errors import GatepostError
from gatepost.pattern import parse_pattern
from gatepost.rule import Action, Demand, Effect, Terms, make_terms
from gatepost.scope import parse_scope
from gatepost.store.staging import Staged
from gatepost_cli.times import parse_expiry

NEEDED = ("action", "pattern")
COLUMNS = ("action", "pattern", "scope", "effect", "enforced", "proof", "expires", "note")
_YES_NO = {"": False, "no": False, "false": False, "0": False, "yes": True, "true": True, "1": True}
_ODD = re.compile(r"[\x00\ud800-\udfff]")
_cached_scope = lru_cache(maxsize=65536)(parse_scope)

_Written = TypeVar("_Written")
_Read = TypeVar("_Read")
_Kind = TypeVar("_Kind", bound=StrEnum)


class BadLine(NamedTuple):
    """A line that is no rule, and how it could become one."""

    line: int
    column: str
    reason: str
    suggestion: str

    def shown(self, name: str) -> str:
        """Write it with its place in the file."""
        way_out = f" ({self.suggestion})" if self.suggestion else ""
        return f"{name}:{self.line}: {self.column}: {self.reason}{way_out}"


class _CellError(Exception):
    """One cell is wrong."""

    def __init__(self, column: str, reason: str, suggestion: str = "") -> None:
        super().__init__(reason)
        self.column = column
        self.reason = reason
        self.suggestion = suggestion


def read_csv(lines: Iterable[str], now: float) -> Iterator[Staged | BadLine]:
    """Read CSV; `now` is what spans like 30d count from."""
    reader = csv.reader(lines, strict=True)
    try:
        names = _header(next(reader, []))
    except (_CellError, csv.Error) as error:
        yield _bad(1, error)
        return
    while True:
        try:
            for cells in reader:
                if cells:
                    yield Staged(reader.line_num, *_row(names, cells, now))
        except (_CellError, csv.Error) as error:
            yield _bad(reader.line_num, error)
        else:
            return


def read_jsonl(lines: Iterable[str], now: float) -> Iterator[Staged | BadLine]:
    """Read JSON objects with the columns as keys."""
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield Staged(number, *_rule(_object_cells(line), now))
        except _CellError as error:
            yield _bad(number, error)


def _header(cells: list[str]) -> list[str]:
    names = [cell.strip().lower() for cell in cells]
    for name in names:
        _known(name)
    missing = [name for name in NEEDED if name not in names]
    if missing or len(set(names)) != len(names):
        what = f"there is no column {missing[0]}" if missing else "a column is named twice"
        raise _CellError("header", what, f"the first line names the columns: {','.join(COLUMNS)}")
    return names


def _known(name: str) -> None:
    if name not in COLUMNS:
        close = difflib.get_close_matches(name, COLUMNS, n=1)
        meant = (
            f"did you mean {close[0]}?" if close else f"the first line names the columns: {','.join(COLUMNS)}"
        )
        raise _CellError("header", f"unknown column {name!r}", meant)


def _row(names: list[str], cells: list[str], now: float) -> tuple[Terms, str]:
    if len(cells) != len(names):
        what = f"{len(cells)} cells, but the header names {len(names)}"
        raise _CellError("line", what, "put a cell that holds a comma into quotes")
    return _rule(dict(zip(names, cells, strict=True)), now)


def _bad(line: int, error: _CellError | csv.Error) -> BadLine:
    if isinstance(error, _CellError):
        return BadLine(line, error.column, error.reason, error.suggestion)
    return BadLine(line, "line", str(error), 'a quote inside quotes is doubled: "say ""no"""')


def _object_cells(line: str) -> dict[str, str]:
    try:
        values = json.loads(line)
    except ValueError as error:
        raise _CellError("line", f"not JSON: {error}") from None
    if not isinstance(values, dict):
        raise _CellError("line", "not an object", 'write {"action": "block", "pattern": "x.org"}')
    return {name: _text(name, value) for name, value in values.items()}


def _text(name: str, value: object) -> str:
    if name not in COLUMNS:
        close = difflib.get_close_matches(name, COLUMNS, n=1)
        raise _CellError(
            name, "unknown key", f"did you mean {close[0]}?" if close else f"keys: {', '.join(COLUMNS)}"
        )
    if isinstance(value, bool) and name == "enforced":
        return "yes" if value else "no"
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _CellError(name, f"must be a text, not {value!r}")
    return value


def _rule(cells: Mapping[str, str], now: float) -> tuple[Terms, str]:
    for name, cell in cells.items():
        if not cell.isascii() or "\0" in cell:
            _refuse_odd(name, cell)
    return _terms(cells, now), cells.get("note", "")


def _refuse_odd(name: str, cell: str) -> None:
    """Refuse what is not UTF-8 (it was read as lone surrogates), and NUL, which PostgreSQL does not store."""
    if _ODD.search(cell):
        raise _CellError(name, "holds a byte that is not UTF-8, or NUL", "save the file as UTF-8")


def _terms(cells: Mapping[str, str], now: float) -> Terms:
    get = cells.get
    action = _choice("action", Action, get("action", ""))
    pattern = _read("pattern", parse_pattern, get("pattern", ""))
    effect, proof = get("effect", "").strip().lower(), get("proof", "").strip().lower()
    if effect and action is Action.ALLOW:
        raise _CellError("effect", "an allow has none", "leave it empty")
    if proof and action is Action.BLOCK:
        raise _CellError("proof", "a block needs none", "leave it empty")
    if proof not in {"", "none"} and not pattern.needs_proof:
        raise _CellError("proof", "nobody can forge the address of a connection", "leave it empty")
    terms = Terms(
        action,
        pattern,
        _read("scope", _cached_scope, get("scope", "")),
        _enforced(get("enforced", "")),
        _choice("effect", Effect, effect or "reject"),
        _choice("proof", Demand, proof or "auto"),
        _expires(get("expires", ""), now),
    )
    return _read("enforced", make_terms, terms)


def _read(column: str, reader: Callable[[_Written], _Read], written: _Written) -> _Read:
    try:
        return reader(written)
    except GatepostError as error:
        raise _CellError(column, error.message, error.hint) from None


def _choice(column: str, kind: type[_Kind], cell: str) -> _Kind:
    try:
        return kind(cell)
    except ValueError:
        pass
    word = cell.strip().lower()
    known = [member.value for member in kind]
    if word in known:
        return kind(word)
    close = difflib.get_close_matches(word, known, n=1)
    meant = f"did you mean {close[0]}?" if close else f"write {' or '.join(known)}"
    raise _CellError(column, f"not {' or '.join(known)}: {cell!r}", meant)


def _enforced(cell: str) -> bool:
    try:
        return _YES_NO[cell.strip().lower()]
    except KeyError:
        raise _CellError("enforced", f"not yes or no: {cell!r}", "write yes, or leave it empty") from None


def _expires(cell: str, now: float) -> int | None:
    return _read("expires", lambda text: parse_expiry(text, now), cell) if cell else None
