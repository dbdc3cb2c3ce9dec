"""`gatepost aliases …`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from gatepost_cli.commands import ALIASES
from gatepost_cli.context import App, pass_app
from gatepost_cli.lazy import Command, LazyGroup

if TYPE_CHECKING:  # imported when aliases are read, not for --help
    from gatepost.store.aliases import AliasRow
    from gatepost_agent.alias_sync import AliasSync, Drift


@click.group(cls=LazyGroup, entries=ALIASES)
def aliases() -> None:
    """Look at the aliases that are read from Postfix.

    \b
    gatepost aliases list example.com
    gatepost aliases sync
    """


@click.command(cls=Command)
@click.option(
    "--take-over", is_flag=True, help="Replace what other hosts wrote too, such as one that is gone."
)
@pass_app
def sync(app: App, *, take_over: bool) -> None:
    """Read Postfix's aliases into the database now.

    The agent does the same every minute (aliases.sync_seconds); no agent is needed for this.

    With --json: a list of objects as of aliases list, one for each address that changed.

    \b
    gatepost aliases sync
    """
    from gatepost_cli.output import print_json_list

    reader = _reader(app)
    drift = reader.drift(take_over=take_over)
    reader.write(drift, app.author)
    changed = _addresses(drift.changed)
    if app.json:
        print_json_list(map(_json, changed))
        return
    for row in changed:
        click.echo(f"{row.address}: {_says(drift.stored.get(row.address))} is now {_says(row)}")
    click.echo(f"{len(changed)} changed")


@click.command("list", cls=Command)
@click.argument("which", metavar="[ADDRESS|DOMAIN]", default="")
@click.option("--drift", "drifted", is_flag=True, help="Only where the database and Postfix differ now.")
@pass_app
def list_(app: App, which: str, *, drifted: bool) -> None:
    """List aliases, where they lead, and which table says so.

    With --json: a list of objects with address, targets, elsewhere (those not delivered here), source; with
    --drift also database, what the database says instead.

    \b
    gatepost aliases list sales@example.com
    gatepost aliases list --drift
    """
    from gatepost.store.aliases import stored_aliases
    from gatepost_cli.output import Column, print_json_list, print_table

    if drifted:
        _print_drift(app, _reader(app).drift(), which)
        return
    stored = stored_aliases(app.open_database())
    rows = [row for row in _addresses(stored.values()) if row.targets and _is_wanted(row, which)]
    if app.json:
        print_json_list(map(_json, rows))
        return
    print_table(tuple(map(Column, ("address", "targets", "elsewhere", "source"))), map(_row, rows))


def _reader(app: App) -> AliasSync:
    import socket

    from gatepost.journal.journal import Journal
    from gatepost_agent.alias_sync import AliasSync

    engine = app.open_database()
    journal = Journal(app.config.journal_folder)
    return AliasSync(engine, app.config.aliases.postfix_config, journal, socket.gethostname())


def _print_drift(app: App, drift: Drift, which: str) -> None:
    from gatepost_cli.output import Column, print_json_list, print_table

    rows = [row for row in _addresses(drift.changed) if _is_wanted(row, which)]
    if app.json:
        print_json_list(_json(row) | {"database": _targets(drift.stored.get(row.address))} for row in rows)
        return
    cells = ((row.address, _says(row), _says(drift.stored.get(row.address))) for row in rows)
    print_table(tuple(map(Column, ("address", "Postfix", "database"))), cells)


def _addresses(rows: Iterable[AliasRow]) -> list[AliasRow]:
    """Leave out the rows that are about tables."""
    from gatepost.lookup import UNLISTED

    return sorted((row for row in rows if not row.address.startswith(UNLISTED)), key=lambda row: row.address)


def _is_wanted(row: AliasRow, which: str) -> bool:
    from gatepost.address import parse_address
    from gatepost.domain import canonical_domain

    if "@" in which.strip("@"):
        return parse_address(row.address).base == parse_address(which).base
    return not which or row.address.rpartition("@")[2] == canonical_domain(which.strip("@"))


def _json(row: AliasRow) -> dict[str, object]:
    return {
        "address": row.address,
        "targets": _targets(row),
        "elsewhere": sorted(row.remote),
        "source": row.source,
    }


def _targets(row: AliasRow | None) -> list[str]:
    return list(row.targets) if row else []


def _row(row: AliasRow) -> tuple[str, ...]:
    return row.address, ", ".join(row.targets), ", ".join(sorted(row.remote)), row.source


def _says(row: AliasRow | None) -> str:
    if row is None or not row.targets:
        return "no alias"
    return ", ".join(f"{target} (elsewhere)" if target in row.remote else target for target in row.targets)
