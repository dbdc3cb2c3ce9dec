"""`gatepost rules export`."""

from __future__ import annotations

from typing import TextIO

import click

from gatepost_cli.context import App, pass_app
from gatepost_cli.lazy import Command


@click.command(cls=Command)
@click.argument("file", type=click.File("w", encoding="utf-8", lazy=False), default="-")
@click.option("--format", "form", type=click.Choice(["csv", "jsonl"]), default="csv", help="Default csv.")
@click.option("--for", "scope", metavar="SCOPE", help="Only rules of this scope.")
@click.option("--origin", default="", help="Only rules that came this way.")
@pass_app
def export(app: App, file: TextIO, form: str, scope: str | None, origin: str) -> None:
    """Write rules in the form that import reads.

    Who made a rule and when stays in the database: an import is made by who runs it.

    \b
    gatepost rules export rules.csv
    gatepost rules export --for example.com --format jsonl
    """
    from gatepost.scope import parse_scope
    from gatepost.store.database import reading
    from gatepost.store.rules import Filter, stream_records
    from gatepost_cli.rule_writer import write_csv, write_jsonl

    wanted = Filter(scope=None if scope is None else parse_scope(scope), origin=origin)
    write = write_jsonl if form == "jsonl" or app.json else write_csv
    with reading(app.open_database()) as connection:
        write(stream_records(connection, wanted), file)
