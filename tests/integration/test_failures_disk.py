"""A full disk under the state folder: mail is decided as before, learning stops quietly and goes on later."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.integration.failing import (
    BLOCKED,
    JUNKED,
    PLAN,
    UNKNOWN,
    add,
    happens,
    host_of_its_own,
    is_decided_as_usual,
    noted,
    restart,
    send,
    show,
    wait_until_noted,
    with_database,
)
from tests.integration.postgres import Postgres

from gatepost.errors import DatabaseError
from gatepost.store.database import reading
from gatepost_cli.demo.host import HostPlan, PrivateHost, wait_until

FULL_SECONDS = 6


@contextmanager
def small_disk(folder: Path, mebibytes: int) -> Iterator[None]:
    """Mount a small file system, and take it away again."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "gatepost-test", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@contextmanager
def host_on_small_disk(plan: HostPlan = PLAN) -> Iterator[PrivateHost]:
    """Run a host whose state folder is on a small disk."""
    folder = Path(tempfile.mkdtemp(prefix="gatepost-"))
    folder.chmod(0o755)
    (folder / "host").mkdir()
    (folder / "host/state").symlink_to(folder / "disk")
    try:
        with small_disk(folder / "disk", 4), host_of_its_own(plan, folder / "host") as running:
            yield running
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def host() -> Iterator[PrivateHost]:
    with host_on_small_disk() as running:
        yield running


@pytest.fixture(scope="module")
def host_on_postgres(postgres: Postgres) -> Iterator[PrivateHost]:
    with host_on_small_disk(with_database(postgres.new_database())) as running:
        yield running


def fill(folder: Path) -> Path:
    """Leave not one page free."""
    filler = folder / "filler"
    for size in (1 << 16, 1 << 12):
        with suppress(OSError), filler.open("ab", buffering=0) as stream:
            while stream.write(bytes(size)) == size:
                pass
    return filler


def lines(host: PrivateHost) -> Counter[str]:
    """Count the lines that daemons have logged, but for decisions."""
    daemons = (host.agent, host.policyd, host.milter)
    said = {
        d.name: [line for line in d.log.read_text().splitlines() if "answer=" not in line] for d in daemons
    }
    return Counter({name: len(lines) for name, lines in said.items()})


def test_the_disk_is_full(host: PrivateHost) -> None:
    before, filler = lines(host), fill(host.folder / "state")
    begun, sent = time.monotonic(), []
    while time.monotonic() - begun < FULL_SECONDS:
        sent += [send(host, domain) for domain in (BLOCKED, JUNKED, UNKNOWN)]
    complaints = lines(host) - before
    filler.unlink()
    assert [one.code for one in sent] == [550, 250, 250] * (len(sent) // 3)
    after = [send(host, BLOCKED) for _ in range(5)]
    wait_until_noted(host, *after)
    wait_until(lambda: noted(host).hits.get(2) == len(sent) // 3, 5, "the milter's hits")
    found = noted(host)
    show(
        f"{len(sent)} messages; complaints {dict(complaints)}; hits {found.hits}; events {len(found.events)}"
    )
    assert complaints["agent"] <= 1
    assert complaints["milter"] <= 1
    assert complaints["policyd"] <= host.config.policyd.workers
    assert found.hits == {1: len(sent) // 3 + len(after), 2: len(sent) // 3}
    check_sane(host, "after.example")


def check_sane(host: PrivateHost, domain: str) -> None:
    """See that the database is whole and every event is there once."""
    engine = host.engine
    with reading(engine) as connection:
        assert connection.scalar(sa.text("PRAGMA integrity_check")) == "ok"
    engine.dispose()
    events = noted(host).events
    assert len({row.ref for row in events}) == len(events)
    add(host, "block", domain)
    assert happens(lambda: send(host, domain).code == 550, 1)


def test_all_start_on_a_full_disk(host: PrivateHost) -> None:
    filler = fill(host.folder / "state")
    restart(host.policyd, host.milter)
    assert is_decided_as_usual(host)
    with suppress(DatabaseError):  # this database is on the full disk, too
        add(host, "block", "never.example")
    filler.unlink()
    check_sane(host, "afterwards.example")


def test_a_rule_waits_for_space(host_on_postgres: PrivateHost) -> None:
    host = host_on_postgres
    before, filler = lines(host), fill(host.folder / "state")
    generations = len(list((host.folder / "state/snapshot").iterdir()))
    for number in range(40):
        add(host, "block", f"{number}.late.example")
    assert is_decided_as_usual(host)
    wait_until(lambda: "No space" in host.agent.log.read_text(), 5, "the agent to notice")
    assert send(host, "39.late.example").code == 250
    assert len(list((host.folder / "state/snapshot").iterdir())) == generations
    filler.unlink()
    show(
        f"complaints {dict(lines(host) - before)}; in step {host.wait_for_snapshot():.2f} s after there was space"
    )
    assert send(host, "39.late.example").code == 550


def test_a_snapshot_cannot_be_built(host_on_postgres: PrivateHost) -> None:
    """The agent keeps trying, and leaves nothing of its attempts."""
    host = host_on_postgres
    host.agent.stop()
    (host.folder / "state/snapshot/current").unlink()
    filler = fill(host.folder / "state")
    threading.Timer(2, filler.unlink).start()
    host.agent.start()
    assert is_decided_as_usual(host)
    assert [path.name for path in (host.folder / "state/snapshot").glob("0*")] == ["00000002"]
