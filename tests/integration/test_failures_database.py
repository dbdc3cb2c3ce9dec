"""What becomes of mail, and of what was learned from it, while the SQL database is away or locked."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from tests.integration.failing import (
    BLOCKED,
    JUNKED,
    UNKNOWN,
    Sent,
    add,
    arrived,
    children,
    happens,
    host_of_its_own,
    is_decided_as_usual,
    noted,
    reconfigure,
    restart,
    send,
    show,
    trouble,
    wait_until_noted,
    with_database,
)
from tests.integration.postgres import Postgres

from gatepost_cli.demo.host import PrivateHost, wait_until

BLOCK_RULE, JUNK_RULE = 1, 2
_LOCKER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], timeout=10, isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def on_sqlite() -> Iterator[PrivateHost]:
    with host_of_its_own() as host:
        reconfigure(host, "[database]", "[database]\nbusy_timeout_seconds = 0.2")
        restart(host.agent)
        yield host


@pytest.fixture
def on_postgres(postgres: Postgres) -> Iterator[PrivateHost]:
    with host_of_its_own(with_database(postgres.new_database())) as host:
        yield host


def database_file(host: PrivateHost) -> Path:
    return host.folder / "state/gatepost.db"


def send_while_away(host: PrivateHost) -> list[Sent]:
    """Send mail that is decided by the last snapshot; the daemons flush and come back within the time."""
    sent = [send(host, domain) for domain in (*[BLOCKED] * 5, JUNKED, UNKNOWN)]
    restart(host.policyd, host.milter)
    sent += [send(host, domain) for domain in (*[BLOCKED] * 5, JUNKED, UNKNOWN)]
    assert [one.code for one in sent] == [*[550] * 5, 250, 250] * 2
    return sent


def check_nothing_is_lost(host: PrivateHost, sent: list[Sent]) -> None:
    """Wait for the agent to catch up: one event for each refusal, one hit for each decision, one copy each."""
    refused = [one for one in sent if one.code == 550]
    junked = [one for one in sent if one.sender.endswith(JUNKED)]
    seconds = wait_until_noted(host, *refused)
    wait_until(
        lambda: noted(host).hits.get(JUNK_RULE) == len(junked), 5, f"all hits, there are {noted(host).hits}"
    )
    found = noted(host)
    show(f"caught up {seconds:.2f} s after the database was back: {found.hits}, {len(found.events)} events")
    assert found.hits == {BLOCK_RULE: len(refused), JUNK_RULE: len(junked)}
    assert [(row.ref, row._mapping["count"]) for one in refused for row in found.about(one)] == [
        (ref, 1) for one in refused for ref in one.refs
    ]
    copies = arrived(host)
    assert {key: 1 for one in sent if one.code == 250 for key in [(one.to[0], one.id)]} == copies


def check_changes_come_into_force(host: PrivateHost) -> None:
    add(host, "block", "after.example")
    assert happens(lambda: send(host, "after.example").code == 550, 1)


def test_postgresql_is_killed(on_postgres: PrivateHost, postgres: Postgres) -> None:
    host = on_postgres
    postgres.kill()
    try:
        wait_until(lambda: bool(trouble(host)), 10, "the agent to notice")
        sent = send_while_away(host)
    finally:
        postgres.start()
    check_nothing_is_lost(host, sent)
    check_changes_come_into_force(host)


def test_postgresql_hangs(on_postgres: PrivateHost, postgres: Postgres) -> None:
    host = on_postgres
    with stopped(postgres):
        sent = send_while_away(host)
    check_nothing_is_lost(host, sent)
    check_changes_come_into_force(host)


@contextmanager
def stopped(postgres: Postgres) -> Iterator[None]:
    """Stop the server and all connections in whatever they are doing, and let them go on afterwards."""
    processes = [postgres.pid, *children(postgres.pid)]
    _signal_all(processes, signal.SIGSTOP)
    try:
        yield
    finally:
        _signal_all(processes, signal.SIGCONT)


def _signal_all(processes: Sequence[int], number: signal.Signals) -> None:
    for pid in processes:
        with suppress(ProcessLookupError):  # a connection that was about to end
            os.kill(pid, number)


def test_sqlite_is_locked_by_another_process(on_sqlite: PrivateHost) -> None:
    host = on_sqlite
    with locked(database_file(host)):
        sent = send_while_away(host)
        wait_until(lambda: "locked" in trouble(host, "journal"), 10, "the agent to notice")
    check_nothing_is_lost(host, sent)
    check_changes_come_into_force(host)


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Have another process hold a database exclusively."""
    command = [sys.executable, "-c", _LOCKER, str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as locker:
        assert locker.stdout is not None
        assert locker.stdout.readline() == b"locked\n"
        yield
        locker.communicate()


def test_sqlite_is_replaced_by_a_folder(on_sqlite: PrivateHost) -> None:
    host, file = on_sqlite, database_file(on_sqlite)
    away = host.folder / "away"
    away.mkdir()
    for part in file.parent.glob("gatepost.db*"):
        part.rename(away / part.name)
    file.mkdir()
    wait_until(lambda: "unable to open" in trouble(host), 10, "the agent to notice")
    sent = send_while_away(host)
    file.rmdir()
    for part in away.iterdir():
        part.rename(file.parent / part.name)
    check_nothing_is_lost(host, sent)
    check_changes_come_into_force(host)


def test_sqlite_is_missing_when_the_agent_starts(on_sqlite: PrivateHost) -> None:
    host, file = on_sqlite, database_file(on_sqlite)
    host.agent.stop()
    away = file.rename(host.folder / "away.db")
    host.agent.start()
    wait_until(lambda: "unable to open" in trouble(host), 10, "the agent to notice")
    assert is_decided_as_usual(host)
    away.replace(file)
    assert happens(lambda: not trouble(host), 5)
    check_changes_come_into_force(host)
