"""`gatepost rules remove`."""

from __future__ import annotations

import click

from gatepost_cli.context import App, pass_app
from gatepost_cli.lazy import Command


@click.command(cls=Command)
@click.argument("numbers", metavar="ID...", nargs=-1, required=True, type=click.IntRange(min=1))
@pass_app
def remove(app: App, numbers: tuple[int, ...]) -> None:
    """Remove rules by number.

    If one of them does not exist or is removed already, none is removed. With --json: the removed rules, as
    rules list shows them.

    \b
    gatepost rules remove 17 18
    """
    from gatepost.errors import DataError
    from gatepost.store.rules import Filter, list_rules, remove_rules
    from gatepost_cli.output import print_json
    from gatepost_cli.rule_view import in_words, rule_json

    engine = app.open_database()
    records = list_rules(engine, Filter(ids=numbers))
    missing = sorted(set(numbers) - {record.rule.id for record in records})
    if missing:
        shown = ", ".join(map(str, missing))
        raise DataError(
            f"no rule {shown} in force; nothing was removed", "list them with: gatepost rules list"
        )
    remove_rules(engine, app.author, numbers)
    if app.json:
        print_json([rule_json(record) for record in records])
        return
    for record in records:
        click.echo(f"removed rule {record.rule.id}: {in_words(record.rule.terms)}")
