"""Database, snapshot, agent and disk."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from gatepost.config import Config
from gatepost.errors import GatepostError
from gatepost.snapshot.generation import current_name, verify
from gatepost.snapshot.reader import SnapshotReader
from gatepost.store.database import make_engine, reading
from gatepost.store.feed import change_id, read_position
from gatepost.store.schema import require_schema
from gatepost_cli.doctor.finding import Finding, error, warning
from gatepost_cli.probes import agent_runs, agent_status

_STALE_SECONDS = 60
_LEAST_FREE = 1 << 30
_MANY_CHANGES = 100


def examine(config: Config, now: float) -> Iterator[Finding]:
    """Check what lies on disk and in the database."""
    yield from _database(config)
    yield from _snapshot(config)
    yield from _agent(Path(config.paths.state), now)
    yield from _disk(Path(config.paths.state))


def _database(config: Config) -> Iterator[Finding]:
    try:
        require_schema(make_engine(config.database, may_create=False))
    except GatepostError as wrong:
        yield error(wrong.message, "rules cannot be changed; mail goes on by the last snapshot", wrong.hint)
        return
    yield from _same_database(config)


def _same_database(config: Config) -> Iterator[Finding]:
    stamp = SnapshotReader(config.snapshot_folder).position()
    if stamp is None:
        return
    with reading(make_engine(config.database, may_create=False)) as connection:
        here = read_position(connection)
        known = change_id(connection, stamp.number)
    if (stamp.uuid, stamp.epoch) != (here.uuid, here.epoch) or known != stamp.change:
        why = "changed rules do not reach the mail path: the snapshot stays until a person decides"
        yield error(
            "the snapshot was made from another database, or another state of it", why, "gatepost db adopt"
        )
    elif here.number - stamp.number > _MANY_CHANGES:
        behind = here.number - stamp.number
        yield warning(
            f"the snapshot is {behind} changes behind", "mail is decided by old rules", "gatepost agent"
        )


def _snapshot(config: Config) -> Iterator[Finding]:
    folder = config.snapshot_folder
    name = current_name(folder)
    if name is None:
        happens = (
            "refused for now" if config.policyd.on_missing_snapshot == "defer" else "let through unjudged"
        )
        yield error(f"there is no snapshot in {folder}", f"mail is {happens}", "gatepost agent")
        return
    damage = verify(folder, name)
    if damage:
        mend = f"rm {folder}/current and restart the agent, which builds it anew"
        yield error(f"snapshot {name} is damaged: {damage}", "mail is let through unjudged", mend)


def _agent(state: Path, now: float) -> Iterator[Finding]:
    last = agent_status(state)
    if not agent_runs(state):
        why = "changed rules do not reach the mail path, and what it learns waits in the journal"
        yield error("the agent does not run", why, "gatepost agent")
    elif last is None or now - last.at > _STALE_SECONDS:
        age = f"for {now - last.at:.0f} s" if last else "ever"
        yield error(
            f"the agent runs but gave no sign {age}",
            "it may hang",
            "end it and start it again: gatepost agent",
        )
    for name, trouble in last.trouble.items() if last else ():
        yield error(
            f"the agent is in trouble, {name}: {trouble}", "it cannot do this part of its work", _mend(name)
        )


def _mend(name: str) -> str:
    return "gatepost aliases sync says more" if "aliases" in name else "gatepost db status says more"


def _disk(state: Path) -> Iterator[Finding]:
    try:
        free = shutil.disk_usage(state).free
    except OSError as wrong:
        yield error(f"paths.state: {wrong}", "snapshot and journal have no place", "gatepost init --force")
        return
    if free < _LEAST_FREE:
        why = "on a full disk nothing is learned, and the snapshot stays as it is"
        yield warning(f"only {free >> 20} MiB are free in {state}", why, f"df -h {state}")
