"""What came of a step: rows of what was seen, each of which may be held against what must be."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from gatepost_cli.demo.steps import Chapter


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that was seen."""

    what: str
    seen: str = ""
    expected: str | None = None
    """None: it is shown and not checked"""
    ok: bool = True
    shown: bool = True
    """False: shown only when it is not as it must be"""


class Kind(Enum):
    """How a step is shown."""

    COMMAND = "command"
    MAIL = "mail"
    WAIT = "wait"


@dataclass(frozen=True, slots=True)
class Result:
    """A step that was done."""

    kind: Kind
    text: str
    command: str = ""
    """as typed"""
    output: str = ""
    rows: tuple[Row, ...] = ()

    @property
    def checks(self) -> tuple[Row, ...]:
        """The rows that are held against something."""
        return tuple(row for row in self.rows if row.expected is not None)


@dataclass(frozen=True, slots=True)
class Told:
    """A chapter that was told."""

    chapter: Chapter
    results: tuple[Result, ...]

    @property
    def checks(self) -> tuple[Row, ...]:
        """All that was checked in it."""
        return tuple(row for result in self.results for row in result.checks)


def begins(what: str, seen: str, expected: str) -> Row:
    """Check that a reply begins as it must."""
    return Row(what, seen, expected, seen.startswith(expected))


def equals(what: str, seen: str, expected: str, *, shown: bool = True) -> Row:
    """Check that two texts are the same."""
    return Row(what, seen, expected, seen == expected, shown)


def holds(what: str, seen: str, expected: str) -> Row:
    """Check that a text holds another; shown only when it does not."""
    return Row(what, seen, expected, expected in seen, shown=False)


def told_json(told: Told) -> dict[str, object]:
    """Give a chapter for programs."""
    chapter = told.chapter
    return {"title": chapter.title, "text": chapter.text, "steps": [_result_json(r) for r in told.results]}


def _result_json(result: Result) -> dict[str, object]:
    return {
        "kind": result.kind.value,
        "text": result.text,
        "command": result.command or None,
        "output": result.output or None,
        "rows": [_row_json(row) for row in result.rows],
    }


def _row_json(row: Row) -> dict[str, object]:
    return {
        "what": row.what,
        "seen": row.seen,
        "expected": row.expected,
        "ok": row.ok if row.expected is not None else None,
    }
