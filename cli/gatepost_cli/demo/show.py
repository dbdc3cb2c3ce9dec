"""How the story looks: coloured on a terminal, plain text on a pipe."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext

from rich.console import Console
from rich.text import Text

from gatepost_cli.demo.keep import Way
from gatepost_cli.demo.results import Result, Row, Told
from gatepost_cli.demo.steps import Chapter

_WIDEST = 100  # longer lines are hard to read
_INDENT = "  "
_LEFT = 34
_NARROWEST = 20
_POSTFIX_PREFACE = re.compile(r"<\S+>: Recipient address rejected: ")
_REFUSAL = re.compile(r"[45]\d\d ")


def make_console(*, quiet: bool) -> Console:
    """Write to standard output."""
    return Console(highlight=False, emoji=False, markup=False, quiet=quiet)


class Show:
    """Prints the story as it goes."""

    def __init__(self, console: Console) -> None:
        """Print to this console, with letters that it can show."""
        self._console = console
        self._width = min(console.width, _WIDEST) if console.is_terminal else _WIDEST
        ascii_only = console.options.ascii_only
        self._good, self._bad, self._line = ("+", "!", "-") if ascii_only else ("✓", "✗", "─")

    @property
    def columns_for_commands(self) -> int | None:
        """The room that the output of a command has; None where there is no terminal."""
        return self._console.width - 2 * len(_INDENT) if self._console.is_terminal else None

    def busy(self, text: str) -> AbstractContextManager[object]:
        """Say on a terminal what is waited for."""
        return self._console.status(text) if self._console.is_terminal else nullcontext()

    def introduction(self, paragraphs: Sequence[str]) -> None:
        """Begin the story."""
        self.paragraph("gatepost demo", "bold cyan")
        for text in paragraphs:
            self.paragraph(text)

    def chapter(self, number: int, chapter: Chapter) -> None:
        """Begin a chapter."""
        title = f"{number}. {chapter.title} "
        rest = self._line * (self._width - len(title))
        self._print(Text.assemble((title, "bold cyan"), (rest, "cyan")))
        self.paragraph(chapter.text)

    def result(self, result: Result) -> None:
        """Print a step."""
        self._prose(result.text)
        if result.command:
            self._print(Text.assemble((f"{_INDENT}$ ", "green"), (result.command, "bold")))
        for line in result.output.splitlines():
            self._output(Text.from_ansi(line, style="dim"))
        for row in result.rows:
            if row.shown or not row.ok:
                self._row(row)
        self._console.print()

    def summary(self, told: Sequence[Told], seconds: float) -> None:
        """Count what was checked."""
        checks = [row for chapter in told for row in chapter.checks]
        failed = sum(not row.ok for row in checks)
        if failed:
            self.paragraph(f"{failed} of {len(checks)} checks failed, in {seconds:.1f} s.", "bold red")
        else:
            self.paragraph(f"All {len(checks)} checks passed, in {seconds:.1f} s.", "bold green")

    def ways(self, ways: Iterable[Way]) -> None:
        """List what can be done with a host that stays, with lines to copy."""
        for way in ways:
            self._prose(way.text)
            for line in way.lines:
                self._print(Text(_INDENT + line, "bold"))
            self._console.print()

    def paragraph(self, text: str, style: str = "") -> None:
        """Print a paragraph, and an empty line."""
        self._prose(text, style)
        self._console.print()

    def _prose(self, text: str, style: str = "") -> None:
        for line in textwrap.wrap(" ".join(text.split()), self._width, break_on_hyphens=False):
            self._print(Text(line, style))

    def _output(self, line: Text) -> None:
        """Print a line of a command; on a terminal a long one goes on below, a bit to the right."""
        columns = self.columns_for_commands
        hanging = " " * (len(line.plain) - len(line.plain.lstrip()) + len(_INDENT))
        line.rstrip()
        if columns and len(line) > columns:
            parts = list(line.wrap(self._console, columns - len(hanging)))
        else:
            parts = [line]
        for number, part in enumerate(parts):
            self._print(Text.assemble(_INDENT * 2, hanging if number else "", part))

    def _row(self, row: Row) -> None:
        """Print what was seen beside what it is, in two columns."""
        for number, (line, style) in enumerate(self._cell(row)):
            left = row.what if number == 0 else ""
            mark, mark_style = self._mark(row) if number == 0 else (" ", "")
            beside = f" {left:{_LEFT}} " if line else f" {left}"
            self._print(Text.assemble(_INDENT, (mark, mark_style), beside, (line, style)))

    def _cell(self, row: Row) -> Iterator[tuple[str, str]]:
        width = max(self._width - len(_INDENT) - _LEFT - 3, _NARROWEST)
        seen = _POSTFIX_PREFACE.sub("", row.seen).replace("(ref ", "(ref\xa0")  # stays on one line
        for line in textwrap.wrap(seen, width, break_on_hyphens=False) or [""]:
            yield line.replace("\xa0", " "), _style(row)
        if not row.ok:
            for line in textwrap.wrap(f"expected: {row.expected}", width):
                yield line, "bold red"

    def _mark(self, row: Row) -> tuple[str, str]:
        if row.expected is None:
            return " ", ""
        return (self._good, "green") if row.ok else (self._bad, "bold red")

    def _print(self, line: Text) -> None:
        line.rstrip()
        self._console.print(line, soft_wrap=True)


def _style(row: Row) -> str:
    """Colour what was kept out, and leave in the background what is only told."""
    if not row.ok:
        return "red"
    if _REFUSAL.match(row.seen) or row.seen.startswith("Junk"):
        return "yellow"
    return "dim" if row.expected is None else ""
