"""A database that is not the snapshot's: an empty one, another one, a restored backup. Mail goes on as before."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.integration.failing import (
    BLOCKED,
    UNKNOWN,
    add,
    feed_number,
    gatepost,
    happens,
    host_of_its_own,
    is_decided_as_usual,
    noted,
    reconfigure,
    restart,
    send,
    status,
    trouble,
    wait_until_noted,
)

from gatepost.config import Database
from gatepost.store.database import make_engine
from gatepost.store.schema import upgrade
from gatepost_cli.demo.host import PrivateHost, wait_until


@pytest.fixture
def host() -> Iterator[PrivateHost]:
    with host_of_its_own() as running:
        yield running


def use_database(host: PrivateHost, name: str) -> None:
    """Put another file into database.url, as a typo would."""
    reconfigure(host, "state/gatepost.db", f"state/{name}.db")
    restart(host.agent)


def make_another(host: PrivateHost) -> None:
    """Make a database of another installation: it has a schema and no rules."""
    engine = make_engine(Database(f"sqlite:///{host.folder}/state/another.db"))
    upgrade(engine)
    engine.dispose()


def back_up(host: PrivateHost) -> Path:
    """Copy the database as it is now."""
    copy = host.folder / "backup.db"
    with (
        closing(sqlite3.connect(host.folder / "state/gatepost.db")) as source,
        closing(sqlite3.connect(copy)) as target,
    ):
        source.backup(target)
    return copy


def put_back(host: PrivateHost, copy: Path) -> None:
    """Restore a backup as an administrator does: the file is replaced."""
    for part in ("-wal", "-shm"):
        (host.folder / f"state/gatepost.db{part}").unlink(missing_ok=True)
    copy.replace(host.folder / "state/gatepost.db")


def adopt_it(host: PrivateHost) -> None:
    assert gatepost(host, "db", "adopt", "--yes")["adopted"]


def wait_for_alarm(host: PrivateHost, text: str) -> None:
    """Wait for the alarm, and see that it changes nothing for mail."""
    before = feed_number(host)
    wait_until(lambda: text in trouble(host), 10, f"the alarm {text!r}; the agent says {status(host)}")
    assert is_decided_as_usual(host)
    assert feed_number(host) == before


def check_all_is_well(host: PrivateHost) -> None:
    """See that the alarm ends, rules come into force again, and events arrive."""
    wait_until(lambda: not trouble(host), 5, "the alarm to end")
    add(host, "block", "after.example")
    host.wait_for_snapshot()
    refused = send(host, "after.example")
    assert refused.code == 550
    wait_until_noted(host, refused)


def test_an_empty_database_changes_nothing(host: PrivateHost) -> None:
    (host.folder / "state/empty.db").touch()
    use_database(host, "empty")
    wait_for_alarm(host, "no such table")
    refused = send(host, BLOCKED)
    reconfigure(host, "state/empty.db", "state/gatepost.db")
    restart(host.agent)
    wait_until_noted(host, refused)


def test_another_database_changes_nothing_until_it_is_adopted(host: PrivateHost) -> None:
    make_another(host)
    use_database(host, "another")
    wait_for_alarm(host, "another database")
    assert noted(host).events == ()
    adopt_it(host)
    check_all_is_well(host)
    assert send(host, BLOCKED).code == 250


@pytest.mark.parametrize("agent_runs", [True, False])
def test_a_restored_backup_changes_nothing_until_it_is_adopted(
    host: PrivateHost, *, agent_runs: bool
) -> None:
    copy = back_up(host)
    add(host, "block", "later.example")
    host.wait_for_snapshot()
    if not agent_runs:
        host.agent.stop()
    put_back(host, copy)
    if not agent_runs:
        host.agent.start()
    wait_for_alarm(host, "a restored backup")
    assert send(host, "later.example").code == 550
    adopt_it(host)
    check_all_is_well(host)
    assert send(host, "later.example").code == 250


def test_a_backup_that_went_on_for_itself_is_noticed(host: PrivateHost) -> None:
    """The numbers of its feed have passed those of the snapshot, but they are other changes."""
    copy = back_up(host)
    add(host, "block", "later.example")
    host.wait_for_snapshot()
    host.agent.stop()
    put_back(host, copy)
    for number in range(3):
        add(host, "block", f"other{number}.example")
    host.agent.start()
    wait_for_alarm(host, "a restored backup")
    assert (send(host, "later.example").code, send(host, "other1.example").code) == (550, 250)
    adopt_it(host)
    assert happens(lambda: send(host, "other1.example").code == 550, 5)
    assert send(host, UNKNOWN).code == 250
