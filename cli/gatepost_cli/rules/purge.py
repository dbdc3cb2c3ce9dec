"""`gatepost rules purge`."""

from __future__ import annotations

import click

from gatepost.errors import UsageError
from gatepost_cli.context import App, pass_app
from gatepost_cli.lazy import Command


@click.command(cls=Command)
@click.option("--older-than", metavar="SPAN", help="Rules made longer ago, such as 365d.")
@click.option("--unused-for", metavar="SPAN", help="Rules made longer ago that have decided nothing since.")
@click.option("--expired", is_flag=True, help="Rules that have expired.")
@click.option("--origin", default="", help="Of these, only rules that came this way.")
@click.option("--yes", is_flag=True, help="Ask nothing.")
@click.option("--dry-run", is_flag=True, help="Only say how many there are.")
@pass_app
def purge(
    app: App,
    older_than: str | None,
    unused_for: str | None,
    origin: str,
    *,
    expired: bool,
    yes: bool,
    dry_run: bool,
) -> None:
    """Remove rules that are old, unused or expired.

    Of several conditions all must hold. It is one batch, which gatepost rules undo takes back.

    With --json: an object with rules (how many) and batch (null if none was removed).

    \b
    gatepost rules purge --expired --yes
    gatepost rules purge --unused-for 180d --origin vendor --dry-run
    """
    from gatepost.store.database import reading
    from gatepost.store.purge import Criteria, count_purgeable
    from gatepost.store.purge import purge as purge_rules
    from gatepost_cli.output import confirm
    from gatepost_cli.progress import progress

    if not (older_than or unused_for or expired):
        raise UsageError("say what to purge", "--older-than 365d, --unused-for 180d or --expired")
    now = app.now()
    criteria = Criteria(_before(now, older_than), _before(now, unused_for), now if expired else None, origin)
    engine = app.open_database()
    with reading(engine) as connection:
        count = count_purgeable(connection, criteria)
    batch = None
    if count and not dry_run:
        confirm(f"Remove {count} rules?", yes=yes)
        with progress("removing", count) as done:
            batch, count = purge_rules(engine, app.author, criteria, done)
    _tell(app, count, batch)


def _before(now: float, span: str | None) -> float | None:
    from gatepost_cli.times import parse_span

    return now - parse_span(span) if span else None


def _tell(app: App, count: int, batch: int | None) -> None:
    from gatepost_cli.output import print_json

    if app.json:
        print_json({"rules": count, "batch": batch})
    elif batch is None:
        click.echo(f"{count} rules would be removed")
    else:
        click.echo(f"removed {count} rules as batch {batch}; to take it back: gatepost rules undo {batch}")
