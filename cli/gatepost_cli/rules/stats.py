"""`gatepost rules stats`."""

from __future__ import annotations

import click

from gatepost_cli.context import App, pass_app
from gatepost_cli.lazy import Command


@click.command(cls=Command)
@pass_app
def stats(app: App) -> None:
    """Count rules by kind, scope and use.

    With --json: an object with rules, actions, kinds, scopes, expired, expiring_soon (within seven days),
    never_hit, and top: the rules with most hits, as rules list shows them.

    \b
    gatepost rules stats
    """
    from dataclasses import asdict

    from gatepost.store.database import reading
    from gatepost.store.rules import Filter, stream_records
    from gatepost.store.stats import count_all
    from gatepost_cli.output import Column, print_json, print_table, print_wrapped
    from gatepost_cli.rule_view import in_words, rule_json

    with reading(app.open_database()) as connection:
        counted = count_all(connection, app.now())
        top = list(stream_records(connection, Filter(ids=counted.top))) if counted.top else []
    top.sort(key=lambda record: -record.hits)
    if app.json:
        print_json(asdict(counted) | {"top": [rule_json(record) for record in top]})
        return
    rows = [
        ("rules", counted.rules),
        ("expired", counted.expired),
        ("expiring within 7 days", counted.expiring_soon),
    ]
    rows += [("never hit", counted.never_hit), *counted.actions.items()]
    rows += [(f"{kind.replace('_', ' ')} patterns", count) for kind, count in counted.kinds.items()]
    rows += [(f"{scope} scope", count) for scope, count in counted.scopes.items()]
    print_table((Column("what"), Column("rules", right=True)), [(what, str(count)) for what, count in rows])
    if top:
        click.echo("\nmost hits")
        columns = (Column("hits", right=True), Column("id", right=True), Column("rule"))
        print_wrapped(columns, [(str(r.hits), str(r.rule.id), in_words(r.rule.terms)) for r in top])
