"""The agent as a process: what it does when all is well, and when anything at all is not."""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.integration.agent_host import AUTHOR, AgentHost, wait_until
from tests.integration.postfix_folder import PostfixFolder
from tests.integration.postgres import Postgres

from gatepost.journal.entries import Event, EventEntry, EventKind, Fact, FactKind, HitsEntry, Unknown
from gatepost.store import aliases, tables
from gatepost.store.database import reading
from gatepost.store.rules import remove_rules
from gatepost.store.schema import upgrade
from gatepost_agent.agent import LOCK_FILE, _take_lock
from gatepost_agent.alias_sync import AliasSync

_AT_ONCE_SECONDS = 1.0


@pytest.fixture
def host(tmp_path: Path) -> Iterator[AgentHost]:
    host = AgentHost(tmp_path, f"sqlite:///{tmp_path}/gatepost.db")
    yield host
    host.close()


@pytest.fixture
def fed(host: AgentHost) -> AgentHost:
    """A host whose snapshot blocks x.org."""
    host.block("x.org")
    host.start()
    wait_until("the snapshot has the rule", lambda: host.is_blocked("joe@x.org"))
    return host


def hits(host: AgentHost) -> int:
    with reading(host.engine) as connection:
        return connection.scalar(sa.select(sa.func.sum(tables.rule_hits.c.hits))) or 0


def is_drained(host: AgentHost, least: float) -> bool:
    return hits(host) >= least


def test_it_builds_a_snapshot_and_ends_when_told(fed: AgentHost) -> None:
    wait_until("a status", fed.status)
    assert fed.status()["trouble"] == {}
    assert fed.stop() == 0


def test_a_rule_is_in_force_at_once_and_so_is_its_removal(fed: AgentHost) -> None:
    rule = fed.block("y.org")
    assert wait_until("added", lambda: fed.is_blocked("joe@y.org")) < _AT_ONCE_SECONDS
    remove_rules(fed.engine, AUTHOR, [rule])
    assert wait_until("removed", lambda: not fed.is_blocked("joe@y.org")) < _AT_ONCE_SECONDS


def test_a_second_agent_of_the_same_host_is_refused(fed: AgentHost) -> None:
    refused = fed.run("agent")
    assert refused.returncode == 69
    assert "another agent" in refused.stderr


def truncate(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2 // 4096 * 4096)


def overwrite_the_middle(file: Path) -> None:
    size = file.stat().st_size
    with file.open("r+b") as stream:
        stream.seek(2 * 4096)
        stream.write(b"\xa5" * (size - 2 * 4096))


def empty(file: Path) -> None:
    os.truncate(file, 0)


@pytest.mark.parametrize("hurt", [truncate, overwrite_the_middle, empty, Path.unlink])
def test_a_damaged_snapshot_is_set_aside_and_built_anew(fed: AgentHost, hurt: object) -> None:
    fed.stop()
    assert callable(hurt)
    fed.damage(hurt)
    fed.start()
    wait_until("built anew", lambda: fed.is_blocked("joe@x.org"))
    assert "is damaged and was set aside" in fed.log()


def test_an_empty_database_leaves_the_snapshot_until_it_is_adopted(fed: AgentHost, tmp_path: Path) -> None:
    fed.stop()
    fed.use(f"sqlite:///{tmp_path}/empty.db")
    upgrade(fed.engine)
    fed.start()
    wait_until("an alarm", lambda: "another database" in fed.trouble("feed"))
    assert fed.is_blocked("joe@x.org")
    assert fed.run("status").returncode == 69
    assert fed.run("db", "adopt", "--yes").returncode == 0
    wait_until(
        "the empty one is in force", lambda: not fed.is_blocked("joe@x.org") and not fed.trouble("feed")
    )


def test_nothing_of_the_journal_goes_into_another_database(fed: AgentHost, tmp_path: Path) -> None:
    fed.stop()
    with fed.journal() as journal:
        journal.append([HitsEntry(1.0, {1: 5})])
    fed.use(f"sqlite:///{tmp_path}/empty.db")
    upgrade(fed.engine)
    fed.start()
    wait_until("an alarm", lambda: fed.trouble("feed"))
    assert (fed.status()["waiting"], hits(fed)) == (1, 0)


def test_a_restored_backup_leaves_the_snapshot_until_it_is_adopted(fed: AgentHost, tmp_path: Path) -> None:
    fed.stop()
    fed.engine.dispose()
    shutil.copy(tmp_path / "gatepost.db", tmp_path / "backup.db")
    fed.block("y.org")
    fed.start()
    wait_until("fed", lambda: fed.is_blocked("joe@y.org"))
    fed.stop()
    fed.use(f"sqlite:///{tmp_path}/backup.db")
    fed.start()
    wait_until("an alarm", lambda: "a restored backup" in fed.trouble("feed"))
    assert fed.is_blocked("joe@y.org")
    assert "1 changes are missing" in fed.run("db", "adopt", "--yes").stderr
    wait_until(
        "the backup is in force", lambda: not fed.is_blocked("joe@y.org") and fed.is_blocked("joe@x.org")
    )


def test_a_backup_from_before_an_adoption_can_be_adopted(fed: AgentHost, tmp_path: Path) -> None:
    fed.stop()
    fed.engine.dispose()
    shutil.copy(tmp_path / "gatepost.db", tmp_path / "backup.db")
    fed.run("mailbox", "erase", "ann@example.com", "--yes")
    fed.run("mailbox", "erase", "bob@example.com", "--yes")
    fed.start()
    wait_until("epoch 3", lambda: fed.status().get("epoch") == 3)
    fed.stop()
    fed.use(f"sqlite:///{tmp_path}/backup.db")
    fed.run("db", "adopt", "--yes")
    fed.start()
    wait_until("epoch 4", lambda: fed.status().get("epoch") == 4)


def test_an_erase_does_not_adopt_a_restored_backup(fed: AgentHost, tmp_path: Path) -> None:
    fed.stop()
    fed.engine.dispose()
    shutil.copy(tmp_path / "gatepost.db", tmp_path / "backup.db")
    fed.block("y.org")
    fed.start()
    wait_until("fed", lambda: fed.is_blocked("joe@y.org"))
    fed.stop()
    fed.use(f"sqlite:///{tmp_path}/backup.db")
    fed.run("mailbox", "erase", "ann@example.com", "--yes")
    fed.start()
    wait_until("an alarm", lambda: "a restored backup" in fed.trouble("feed"))
    assert fed.is_blocked("joe@y.org")


def test_two_backups_that_were_erased_apart_are_not_one(fed: AgentHost, tmp_path: Path) -> None:
    fed.stop()
    fed.engine.dispose()
    shutil.copy(tmp_path / "gatepost.db", tmp_path / "backup.db")
    fed.run("mailbox", "erase", "ann@example.com", "--yes")
    fed.start()
    wait_until("epoch 2", lambda: fed.status().get("epoch") == 2)
    fed.stop()
    fed.use(f"sqlite:///{tmp_path}/backup.db")
    fed.run("mailbox", "erase", "bob@example.com", "--yes")
    fed.start()
    wait_until("an alarm", lambda: "a restored backup" in fed.trouble("feed"))


@pytest.mark.parametrize("after", range(5))
def test_killed_at_any_time_it_starts_again(host: AgentHost, after: int) -> None:
    for number in range(20):
        host.block(f"a{number}.example")
    host.start()
    if after:
        wait_until("work began", lambda: len(list(host.state.glob("*"))) >= after, 10)
    host.kill()
    host.block("y.org")
    host.start()
    wait_until("all rules", lambda: host.is_blocked("joe@y.org") and host.is_blocked("joe@a0.example"))


def test_the_journal_is_drained_exactly_once_across_kills(host: AgentHost) -> None:
    entries = 20_000
    with host.journal() as journal:
        for _ in range(20):
            journal.append([HitsEntry(1.0, {1: 1})] * (entries // 20))
        for part in (0.2, 0.5, 0.8):
            host.start()
            wait_until("some are drained", partial(is_drained, host, entries * part))
            host.kill()
        host.start()
        wait_until("all are drained", lambda: journal.waiting() == 0)
    assert hits(host) == entries


def test_an_entry_of_a_newer_version_stops_nothing(host: AgentHost) -> None:
    with host.journal() as journal:
        newer = [Unknown(b'["greeting", 1.0]'), Unknown(b"\xff")]
        journal.append([newer[0], HitsEntry(1.0, {1: 5}), newer[1]])
        host.start()
        wait_until("drained", lambda: journal.waiting() == 0)
    assert hits(host) == 5
    assert [host.log().count(f"journal entry {n} ") for n in (1, 2, 3)] == [1, 0, 1]


def test_it_starts_though_somebody_looks_whether_one_runs(host: AgentHost) -> None:
    host.state.mkdir()
    with (host.state / LOCK_FILE).open("w") as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        letting_go = threading.Timer(0.3, fcntl.flock, (looking, fcntl.LOCK_UN))
        letting_go.start()
        os.close(_take_lock(host.state / LOCK_FILE))
        letting_go.join()


def test_events_reach_the_database_and_the_command_line(fed: AgentHost) -> None:
    event = Event(EventKind.BLOCKED, "policyd", "joe@x.org", "ann@example.com", "192.0.2.7", "", 1)
    with fed.journal() as journal:
        journal.append(
            [EventEntry("REF2345678", 1.0, event, "", 1), EventEntry("REF2345678", 1.0, event, "", 2)]
        )
        wait_until("drained", lambda: journal.waiting() == 0)
    told = fed.run("events", "--ref", "ref2345678").stdout
    assert "block x.org for site" in told
    assert "3 times within a minute" in told


def test_a_database_that_is_away_for_a_time_is_followed_again(fed: AgentHost, tmp_path: Path) -> None:
    fed.engine.dispose()
    away = tmp_path / "away"
    away.mkdir()
    for file in tmp_path.glob("gatepost.db*"):
        file.rename(away / file.name)
    (tmp_path / "gatepost.db").mkdir()
    wait_until("trouble", lambda: fed.trouble("feed"))
    assert fed.is_blocked("joe@x.org")
    (tmp_path / "gatepost.db").rmdir()
    for file in away.iterdir():
        file.rename(tmp_path / file.name)
    fed.block("y.org")
    wait_until("followed again", lambda: fed.is_blocked("joe@y.org") and not fed.trouble("feed"))


def test_a_backup_put_in_place_under_a_running_agent_is_noticed(fed: AgentHost, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "gatepost.db")) as connection:
        connection.execute("VACUUM INTO ?", [str(tmp_path / "backup.db")])
    fed.block("y.org")
    wait_until("fed", lambda: fed.is_blocked("joe@y.org"))
    fed.engine.dispose()
    for file in tmp_path.glob("gatepost.db*"):
        file.unlink()
    (tmp_path / "backup.db").rename(tmp_path / "gatepost.db")
    wait_until("an alarm", lambda: "a restored backup" in fed.trouble("feed"))
    assert fed.is_blocked("joe@y.org")


def test_postgresql_killed_and_restarted(tmp_path: Path, postgres: Postgres) -> None:
    host = AgentHost(tmp_path, postgres.new_database())
    host.block("x.org")
    host.start()
    try:
        wait_until("the snapshot has the rule", lambda: host.is_blocked("joe@x.org"))
        postgres.kill()
        wait_until("trouble", lambda: host.trouble("feed"))
        assert host.is_blocked("joe@x.org")
        postgres.start()
        host.block("y.org")
        wait_until("followed again", lambda: host.is_blocked("joe@y.org"))
    finally:
        host.close()


@pytest.fixture
def postfix(tmp_path: Path) -> PostfixFolder:
    return PostfixFolder(tmp_path / "postfix")


@pytest.fixture
def aliased(tmp_path: Path, postfix: PostfixFolder) -> Iterator[AgentHost]:
    """A host whose agent looks at Postfix all the time."""
    settings = f'sync_seconds = 0.2\npostfix_config = "{postfix.folder}"'
    host = AgentHost(tmp_path, f"sqlite:///{tmp_path}/gatepost.db", settings)
    yield host
    host.close()


def test_aliases_come_into_the_snapshot_and_leave_it(aliased: AgentHost, postfix: PostfixFolder) -> None:
    postfix.configure(postfix.table("texthash", "virtual", {"sales@example.com": "ann"}))
    aliased.start()
    wait_until("an alias", lambda: aliased.alias("sales@example.com") == ("ann@example.com",))
    postfix.table("texthash", "virtual", {"info@example.com": "bob"})
    wait_until("no alias", lambda: aliased.alias("sales@example.com") == ())
    assert aliased.alias("info@example.com") == ("bob@example.com",)


def test_a_broken_table_leaves_the_aliases_as_they_are(aliased: AgentHost, postfix: PostfixFolder) -> None:
    table = postfix.table("hash", "virtual", {"sales@example.com": "ann"})
    postfix.configure(table)
    aliased.start()
    wait_until("an alias", lambda: aliased.alias("sales@example.com"))
    (postfix.folder / "virtual.db").unlink()
    wait_until("trouble", lambda: "alias table" in aliased.trouble("aliases"))
    assert aliased.alias("sales@example.com") == ("ann@example.com",)


def test_a_recipient_that_mail_came_for_is_asked_about_even_across_a_kill(
    aliased: AgentHost, postfix: PostfixFolder
) -> None:
    postfix.configure(postfix.sqlite({"sales@example.com": "ann"}))
    with aliased.journal() as journal:
        asked = [Fact(FactKind.ASKED, name, 1.0) for name in ("sales@example.com", "ann@example.com")]
        journal.append([], asked)
        aliased.start()
        wait_until("drained", lambda: journal.waiting() == 0)
        aliased.kill()
        aliased.start()
        wait_until("known", lambda: aliased.alias("sales@example.com") == ("ann@example.com",))
        wait_until("settled", lambda: not journal.facts(FactKind.ASKED))
    assert aliased.alias("ann@example.com") == ()


def test_what_strangers_make_up_is_kept_up_to_a_bound(
    tmp_path: Path, postfix: PostfixFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aliases, "MOST_WITHOUT_TARGETS", 2)
    postfix.configure(postfix.sqlite({"sales@example.com": "ann"}))
    host = AgentHost(tmp_path, f"sqlite:///{tmp_path}/gatepost.db")
    with host.journal() as journal:
        sync = AliasSync(host.engine, str(postfix.folder), journal, "mx1")
        names = [*(f"no{n}@example.com" for n in range(5)), "sales@example.com"]
        for act in (sync.sync, sync.answer, sync.answer, sync.sync):
            journal.append([], [Fact(FactKind.ASKED, name, 1.0) for name in names])
            act()
        rows = aliases.stored_aliases(host.engine)
        assert rows["sales@example.com"].targets == ("ann@example.com",)
        assert sum(name in rows for name in names) == 3
        sync.answer()
        assert sync.settle(Knowing()) == 0
    host.close()


class Knowing:
    """A snapshot that has nothing yet."""

    def knows(self, _key: str) -> bool:
        return False
