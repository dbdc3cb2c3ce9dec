"""`gatepost db …`: the schema, and which database is the right one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gatepost_cli.commands import DB
from gatepost_cli.context import App, pass_app
from gatepost_cli.lazy import Command, LazyGroup

if TYPE_CHECKING:  # imported when a command runs, not for --help
    from sqlalchemy.engine import Engine

    from gatepost.position import Position


@click.group(cls=LazyGroup, entries=DB)
def db() -> None:
    """Create, upgrade and adopt the database.

    \b
    gatepost db upgrade
    gatepost db status
    """


@click.command(cls=Command)
@pass_app
def upgrade(app: App) -> None:
    """Bring the database's schema to this version.

    An empty database gets its schema. With --json: an object with changed and schema.

    \b
    gatepost db upgrade
    """
    from gatepost.store import schema
    from gatepost_cli.output import print_json

    changed = schema.upgrade(_engine(app))
    if app.json:
        print_json({"changed": changed, "schema": schema.HEAD})
        return
    click.echo(
        f"the schema is {'now ' if changed else ''}{schema.HEAD}{'' if changed else ', nothing to do'}"
    )


@click.command(cls=Command)
@pass_app
def status(app: App) -> None:
    """Tell which database this is and how far the snapshot follows it.

    With --json: an object with schema, needed, database and snapshot, each of these null or an object with
    uuid, epoch and number, and follows (whether the snapshot is of this database).

    \b
    gatepost db status
    """
    from dataclasses import asdict

    from gatepost.store import schema
    from gatepost_cli.output import print_json

    engine = _engine(app)
    revision = schema.current_revision(engine)
    here = _here(engine) if revision == schema.HEAD else None
    stamp = _snapshot(app)
    differs = _difference(engine, stamp, here) if stamp and here else ""
    if app.json:
        places = {"database": here and asdict(here), "snapshot": stamp and asdict(stamp)}
        follows = bool(stamp and here and not differs)
        print_json({"schema": revision, "needed": schema.HEAD, **places, "follows": follows})
        return
    click.echo(
        f"schema    {revision or 'none'}" + ("" if revision == schema.HEAD else f", {schema.HEAD} is needed")
    )
    click.echo(f"database  {_in_words(here)}")
    click.echo(f"snapshot  {_in_words(stamp)}")
    if differs:
        click.echo(f"the snapshot is not of this database: {differs}")


@click.command(cls=Command)
@click.option("--yes", is_flag=True, help="Ask nothing.")
@pass_app
def adopt(app: App, *, yes: bool) -> None:
    """Declare this database the right one, where the snapshot is of another.

    Needed after a backup was restored or the database was moved: the snapshot stays as it is until then.
    Look at database.url first. With --json: an object with adopted and epoch.

    \b
    gatepost db adopt
    """
    from gatepost.store import schema
    from gatepost.store.database import writing
    from gatepost_cli.output import confirm, print_json

    engine = app.open_database()
    here, stamp = _here(engine), _snapshot(app)
    differs = _difference(engine, stamp, here) if stamp else ""
    if stamp is None or not differs:
        _tell_nothing_to_do(app, here)
        return
    click.echo(f"database  {_in_words(here)}\nsnapshot  {_in_words(stamp)}\n{differs}", err=True)
    confirm("Build the snapshot anew from this database?", yes=yes)
    with writing(engine) as connection:
        epoch = schema.adopt(connection, stamp.uuid, app.user, above=stamp.epoch)
    if app.json:
        print_json({"adopted": True, "epoch": epoch})
        return
    click.echo(f"adopted as epoch {epoch}; the agent builds the snapshot anew")


def _engine(app: App) -> Engine:
    """Open the database whatever its schema is."""
    from gatepost.store.database import make_engine
    from gatepost_cli.user import act_as

    act_as(app.config.site.user)
    return make_engine(app.config.database)


def _here(engine: Engine) -> Position:
    from gatepost.store.database import reading
    from gatepost.store.feed import read_position

    with reading(engine) as connection:
        return read_position(connection)


def _snapshot(app: App) -> Position | None:
    from gatepost.snapshot.reader import SnapshotReader

    return SnapshotReader(app.config.snapshot_folder).position()


def _difference(engine: Engine, stamp: Position, here: Position) -> str:
    """Say why the snapshot is not of this database; nothing if it is."""
    from gatepost.store.database import reading
    from gatepost.store.feed import is_adopted, is_known

    with reading(engine) as connection:
        known = is_known(connection, stamp)
        adopted = is_adopted(connection, stamp)
    if adopted or ((stamp.uuid, stamp.epoch) == (here.uuid, here.epoch) and known):
        return ""
    if stamp.uuid != here.uuid:
        return "this is another database than the one the snapshot was made from"
    if stamp.number > here.number:
        lost = stamp.number - here.number
        return f"this database is an earlier state, such as a restored backup: {lost} changes are missing"
    return "this database went another way since, such as a backup that was restored and changed"


def _tell_nothing_to_do(app: App, here: Position) -> None:
    from gatepost_cli.output import print_json

    if app.json:
        print_json({"adopted": False, "epoch": here.epoch})
        return
    click.echo("nothing to adopt: the snapshot is of this database, or there is none")


def _in_words(position: Position | None) -> str:
    if position is None:
        return "none"
    return f"{position.uuid} epoch {position.epoch} change {position.number}"
