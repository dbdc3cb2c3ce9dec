"""`gatepost rules list` and `show`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

import click

from gatepost_cli.context import App, pass_app
from gatepost_cli.lazy import Command

if TYPE_CHECKING:
    from gatepost.store.rules import RuleRecord

_ON_A_TERMINAL = 1000


@click.command("list", cls=Command)
@click.option("--for", "scope", metavar="SCOPE", help="Only rules of this scope: site, a domain, a mailbox.")
@click.option("--action", type=click.Choice(["allow", "block"]), help="Only these.")
@click.option("--pattern", metavar="PATTERN", help="Only rules for exactly this pattern.")
@click.option("--contains", metavar="TEXT", default="", help="Only rules whose pattern contains this.")
@click.option(
    "--origin", default="", help="Only rules that came this way: cli, import, or an import's --origin."
)
@click.option("--expired", is_flag=True, help="Only rules that have expired.")
@click.option("--limit", type=click.IntRange(min=1), help="No more than this many. Default: all.")
@pass_app
def list_(
    app: App,
    *,
    scope: str | None,
    action: str | None,
    pattern: str | None,
    contains: str,
    origin: str,
    expired: bool,
    limit: int | None,
) -> None:
    """List rules in force, oldest first.

    Expired rules are listed until they are purged.

    With --json: a list of objects with id, action (allow, block), effect (reject, junk; null for an allow),
    pattern, scope (site, a domain, a mailbox), enforced, proof (auto, required, none; null for a block),
    expires, note, author, origin, created, hits, last_hit. Times are ISO 8601 in UTC, or null.

    \b
    gatepost rules list --for example.com --action block
    gatepost rules list --contains x.org --json
    """
    from gatepost.pattern import parse_pattern
    from gatepost.rule import Action
    from gatepost.scope import parse_scope
    from gatepost.store.database import reading
    from gatepost.store.rules import Filter, stream_records

    wanted = Filter(
        action=Action(action) if action else None,
        scope=None if scope is None else parse_scope(scope),
        pattern=parse_pattern(pattern) if pattern else None,
        text=contains,
        origin=origin,
        expired_at=app.now() if expired else None,
    )
    with reading(app.open_database()) as connection:
        _print(app, stream_records(connection, wanted, limit), limited=limit is not None)


@click.command(cls=Command)
@click.argument("number", metavar="ID", type=click.IntRange(min=1))
@pass_app
def show(app: App, number: int) -> None:
    """Show all that is known of one rule.

    A removed rule is shown too; with --json it has one key more, removed.

    \b
    gatepost rules show 17
    """
    from gatepost.errors import DataError
    from gatepost.store.rules import get_rule
    from gatepost_cli.output import print_json
    from gatepost_cli.rule_view import rule_json

    record = get_rule(app.open_database(), number)
    if record is None:
        raise DataError(f"no rule {number}", "list them with: gatepost rules list")
    values = rule_json(record) | {"removed": record.removed}
    if app.json:
        print_json(values)
        return
    for key, value in values.items():
        click.echo(f"{key:10}{_shown(value)}")


def _print(app: App, records: Iterator[RuleRecord], *, limited: bool) -> None:
    from gatepost_cli.output import print_json_list, print_table
    from gatepost_cli.rule_view import COLUMNS, rule_json, rule_row

    if app.json:
        print_json_list(map(rule_json, records))
        return
    most = _ON_A_TERMINAL if sys.stdout.isatty() and not limited else None
    print_table(COLUMNS, map(rule_row, islice(records, most)))
    if most is not None and next(records, None) is not None:
        click.echo(f"only the first {most} are shown; for more say --limit", err=True)


def _shown(value: object) -> str:
    if value is None:
        return "-"
    return ("no", "yes")[value] if isinstance(value, bool) else str(value)
