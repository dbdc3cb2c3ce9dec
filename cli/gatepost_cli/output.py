"""Printing: JSON for programs, tables for people; coloured only on a terminal."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import click

from gatepost.errors import UsageError
from gatepost_cli.boundary import Declined

_ROWS_AT_ONCE = 1000


class Column(NamedTuple):
    """A column of a table."""

    title: str
    right: bool = False


def print_json(value: object) -> None:
    """Print one value."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def print_json_list(values: Iterable[object]) -> None:
    """Print a list of any length, one value a line, holding one at a time."""
    before = "[\n"
    for value in values:
        click.echo(before + json.dumps(value, ensure_ascii=False), nl=False)
        before = ",\n"
    click.echo("[]" if before == "[\n" else "\n]")


def print_table(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> None:
    """Print rows: with rich on a terminal, else as plain aligned text without colour or box."""
    if sys.stdout.isatty():
        _rich_table(columns, rows)
    else:
        for line in plain_table(columns, rows):
            click.echo(line)


def print_wrapped(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    """Print rows whose last column is prose: on a terminal it goes on in the next line, parted at spaces only."""
    for line in wrapped_table(columns, rows, terminal_width()):
        click.echo(line)


def wrapped_table(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int) -> Iterator[str]:
    """Align rows and wrap the last column at spaces; what has no spaces stays whole, to be copied whole."""
    cells = [[column.title for column in columns], *rows]
    indent = sum(max(len(row[i]) for row in cells) + 2 for i in range(len(columns) - 1))
    for line in plain_table(columns, rows):
        yield from textwrap.wrap(
            line, width, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False
        )


def terminal_width() -> int:
    """Tell how many columns there are; where there is no terminal, any number."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize


def plain_table(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Align rows; columns are as wide as the widest cell so far, so that a long list needs little memory."""
    widths = [len(column.title) for column in columns]
    rest = iter(rows)
    head: list[Sequence[str]] = [[column.title.upper() for column in columns]]
    while some := head + list(islice(rest, _ROWS_AT_ONCE)):
        head = []
        widths = [max(width, *(len(row[i]) for row in some)) for i, width in enumerate(widths)]
        for row in some:
            yield "  ".join(map(_cell, columns, row, widths)).rstrip()


def _cell(column: Column, text: str, width: int) -> str:
    return text.rjust(width) if column.right else text.ljust(width)


def _rich_table(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column.title.upper(), justify="right" if column.right else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    Console().print(table)


def warn(text: str) -> None:
    """Say something that is no error on standard error."""
    click.echo(f"warning: {text}", err=True)


def confirm(question: str, *, yes: bool) -> None:
    """Ask unless told not to; Declined when the answer is no, UsageError when there is nobody to ask."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError("there is no terminal to ask on", "say --yes")
    if not click.confirm(question, err=True):
        raise Declined
