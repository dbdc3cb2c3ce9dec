"""`gatepost rules log`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gatepost_cli.context import App, pass_app
from gatepost_cli.lazy import Command

if TYPE_CHECKING:
    from gatepost.store.undo import BatchRecord
    from gatepost_cli.output import Column


@click.command(cls=Command)
@click.option("--limit", type=click.IntRange(min=1), default=20, help="No more than this many; default 20.")
@pass_app
def log(app: App, limit: int) -> None:
    """List the batches of changes, newest first.

    With --json: a list of objects with id, at, author, command, added, removed, undoes, undone_by.

    \b
    gatepost rules log --limit 5
    """
    from dataclasses import asdict

    from gatepost.store.database import reading
    from gatepost.store.undo import recent_batches
    from gatepost_cli.output import print_json_list, print_table
    from gatepost_cli.times import iso

    with reading(app.open_database()) as connection:
        batches = list(recent_batches(connection, limit))
    if app.json:
        print_json_list(asdict(batch) | {"at": iso(batch.at)} for batch in batches)
    else:
        print_table(_columns(), [_cells(batch) for batch in batches])


def _columns() -> tuple[Column, ...]:
    from gatepost_cli.output import Column

    return (
        Column("id", right=True),
        Column("when (utc)"),
        Column("author"),
        Column("added", right=True),
        Column("removed", right=True),
        Column("undone by", right=True),
        Column("command"),
    )


def _cells(batch: BatchRecord) -> tuple[str, ...]:
    from gatepost_cli.times import short

    counts = str(batch.added), str(batch.removed), str(batch.undone_by or "")
    return str(batch.id), short(batch.at), batch.author, *counts, batch.command
