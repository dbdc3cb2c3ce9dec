"""`gatepost status`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from gatepost_cli.context import App, pass_app
from gatepost_cli.lazy import Command

if TYPE_CHECKING:  # imported when the command runs, not for --help
    from collections.abc import Iterator

    from gatepost.config import Config
    from gatepost.position import Position


class Part(NamedTuple):
    """One thing that runs or lies on this host."""

    name: str
    ok: bool
    says: str


@click.command(cls=Command)
@pass_app
def status(app: App) -> None:
    """Tell whether everything runs.

    The exit status is 69 when something does not; gatepost doctor says why. With --json: an object with ok and
    parts, a list of objects with name, ok, says.

    \b
    gatepost status
    gatepost status --json
    """
    from gatepost.errors import UnavailableError
    from gatepost_cli.output import Column, print_json, print_wrapped
    from gatepost_cli.user import act_as

    act_as(app.config.site.user)
    parts = list(_parts(app.config, app.now()))
    all_well = all(part.ok for part in parts)
    if app.json:
        print_json({"ok": all_well, "parts": [part._asdict() for part in parts]})
    else:
        rows = [(part.name, "ok" if part.ok else "not ok", part.says) for part in parts]
        print_wrapped(tuple(map(Column, ("part", "state", "says"))), rows)
    if not all_well:
        raise UnavailableError("not all is well", "see: gatepost doctor")


def _parts(config: Config, now: float) -> Iterator[Part]:
    yield from _database(config)
    yield from _agent(config, now)
    yield from _daemons(config)


def _database(config: Config) -> Iterator[Part]:
    from gatepost.errors import GatepostError
    from gatepost.snapshot.reader import SnapshotReader
    from gatepost.store.database import make_engine, reading
    from gatepost.store.feed import read_position
    from gatepost.store.rules import count_rules
    from gatepost.store.schema import require_schema

    stamp = SnapshotReader(config.snapshot_folder).position()
    where = f"change {stamp.number}" if stamp else f"none in {config.snapshot_folder}"
    try:
        engine = make_engine(config.database, may_create=False)
        require_schema(engine)
        with reading(engine) as connection:
            here = read_position(connection)
        yield Part("database", True, f"change {here.number}, {count_rules(engine)} rules")  # noqa: FBT003  named by the type
    except GatepostError as error:
        yield Part("database", False, error.message)  # noqa: FBT003  the same
        yield Part("snapshot", stamp is not None, where)
        return
    lag = _lag(stamp, here) if stamp else ""
    yield Part("snapshot", stamp is not None and not lag, where + lag)


def _lag(stamp: Position, here: Position) -> str:
    """Say in what a snapshot differs from the database; nothing if it does not."""
    if (stamp.uuid, stamp.epoch) != (here.uuid, here.epoch):
        return " of another database"
    if stamp.number > here.number:
        return " is ahead of the database (a restored backup?)"
    return f", {here.number - stamp.number} behind" if stamp.number < here.number else ""


def _agent(config: Config, now: float) -> Iterator[Part]:
    from gatepost_cli.probes import agent_runs, agent_status

    state = Path(config.paths.state)
    runs, last = agent_runs(state), agent_status(state)
    age = f"last sign {max(0, now - last.at):.0f} s ago" if last else "never ran"
    lives = runs and last is not None and now - last.at <= _SILENT_SECONDS
    yield Part("agent", lives, f"runs, {age}" if runs else f"does not run, {age}")
    if last is not None:
        yield Part("journal", last.waiting < _MANY, f"{last.waiting} entries wait for the database")
        for name, trouble in last.trouble.items():
            yield Part(f"agent: {name}", False, trouble)  # noqa: FBT003  named by the type


_MANY = 10_000
_SILENT_SECONDS = 60.0
"""an agent writes its status every five seconds, unless it hangs or builds a large snapshot"""


def _daemons(config: Config) -> Iterator[Part]:
    from gatepost_cli.probes import ask_milter, ask_policyd

    for address in (*config.policyd.listen, *config.policyd.relay_listen):
        wrong = ask_policyd(address)
        yield Part("policyd", not wrong, f"{address} {wrong or 'answers'}")
    wrong = ask_milter(config.milter.listen)
    yield Part("milter", not wrong, f"{config.milter.listen} {wrong or 'answers'}")
