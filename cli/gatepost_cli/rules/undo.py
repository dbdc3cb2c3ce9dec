"""`gatepost rules undo`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gatepost_cli.context import App, pass_app
from gatepost_cli.lazy import Command

if TYPE_CHECKING:  # imported when something is undone, not for --help
    from sqlalchemy.engine import Engine

    from gatepost.store.undo import BatchRecord, Undoing


@click.command(cls=Command)
@click.argument("number", metavar="[BATCH]", required=False, type=click.IntRange(min=1))
@click.option("--yes", is_flag=True, help="Ask nothing.")
@pass_app
def undo(app: App, number: int | None, *, yes: bool) -> None:
    """Take a batch of changes back.

    Without BATCH it is the last one that is not undone yet. What somebody has changed since is left as it
    is. An undo is a batch too: to take it back, name it.

    With --json: an object with batch (what was undone), by (the batch that did it, or null), removed,
    restored, left.

    \b
    gatepost rules undo
    gatepost rules undo 12 --yes
    """
    from gatepost.store.undo import undo as undo_batch
    from gatepost_cli.output import confirm
    from gatepost_cli.progress import progress

    engine = app.open_database()
    batch, plan = _look(engine, number)
    if not app.json:
        _show(batch, plan)
    by = None
    if plan.remove or plan.restore:
        confirm("Undo it?", yes=yes)
        with progress("undoing", plan.remove + plan.restore) as done:
            by = undo_batch(engine, app.author, batch.id, done)
    _tell(app, batch, plan, by)


def _look(engine: Engine, number: int | None) -> tuple[BatchRecord, Undoing]:
    from gatepost.errors import DataError
    from gatepost.store.database import reading
    from gatepost.store.undo import find_batch, plan_undo

    with reading(engine) as connection:
        batch = find_batch(connection, number)
        if batch is None:
            raise DataError(
                f"no batch {number} of rules" if number else "nothing to undo", "see: gatepost rules log"
            )
        return batch, plan_undo(connection, batch)


def _show(batch: BatchRecord, plan: Undoing) -> None:
    from gatepost_cli.times import short

    click.echo(f"batch {batch.id} of {short(batch.at)} UTC by {batch.author}: gatepost {batch.command}")
    click.echo(f"  undoing removes {plan.remove} and restores {plan.restore} rules")
    if plan.left:
        click.echo(f"  and leaves {plan.left} as they are, because they were changed since")


def _tell(app: App, batch: BatchRecord, plan: Undoing, by: int | None) -> None:
    from gatepost_cli.output import print_json

    if app.json:
        counts = {"removed": plan.remove, "restored": plan.restore, "left": plan.left}
        print_json({"batch": batch.id, "by": by, **counts})
    else:
        click.echo(f"undone by batch {by}" if by else "there is nothing left to undo")
