"""A snapshot that is missing or damaged, at the start of the daemons and while they run."""

from __future__ import annotations

import itertools
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.integration.failing import (
    ALLOWED,
    ANN,
    BLOCKED,
    JUNKED,
    UNKNOWN,
    Keeper,
    Sent,
    add,
    arrived,
    children,
    gatepost,
    happens,
    host_of_its_own,
    is_decided_as_usual,
    reconfigure,
    restart,
    send,
    show,
)

from gatepost.verdict import HEADER
from gatepost_cli.demo.host import PrivateHost, wait_until
from gatepost_cli.demo.mail import empty, stored

_numbers = itertools.count(1)
DAMAGED_SECONDS = 15
ROUND = 6


@pytest.fixture(scope="module")
def running() -> Iterator[PrivateHost]:
    """Run a host with so many rules that the snapshot has some hundred pages."""
    with host_of_its_own() as host:
        rules = host.folder / "rules.csv"
        lines = "".join(f"block,joe{n}@many{n}.example,\n" for n in range(5000))
        rules.write_text(f"action,pattern,scope\n{lines}")
        gatepost(host, "rules", "import", str(rules), "--yes")
        host.wait_for_snapshot()
        yield host


@pytest.fixture
def host(running: PrivateHost) -> Iterator[PrivateHost]:
    """Hand out the host; every daemon runs again afterwards."""
    yield running
    for daemon in (running.agent, running.policyd, running.milter):
        if daemon.pid is None:
            daemon.start()


def cut_in_half(generation: Path) -> None:
    file = generation / "data.mdb"
    with file.open("r+b") as stream:
        stream.truncate(file.stat().st_size // 2)


def make_empty(generation: Path) -> None:
    with (generation / "data.mdb").open("r+b") as stream:
        stream.truncate(0)


def scribble(generation: Path) -> None:
    """Overwrite the middle of the file, from the fourth page on, with what is no page at all."""
    file = generation / "data.mdb"
    with file.open("r+b") as stream:
        stream.seek(4 * 4096)
        stream.write(random.Random(7).randbytes(file.stat().st_size - 6 * 4096))  # noqa: S311  no secret


def zero(generation: Path) -> None:
    file = generation / "data.mdb"
    with file.open("r+b") as stream:
        stream.seek(4 * 4096)
        stream.write(bytes(file.stat().st_size - 6 * 4096))


def zero_an_unread_page(generation: Path) -> None:
    """Overwrite the page that holds a rule for a sender who never writes."""
    file = generation / "data.mdb"
    with file.open("r+b") as stream:
        stream.seek(file.read_bytes().index(b"joe2500@many2500.example") // 4096 * 4096)
        stream.write(bytes(4096))


def remove_lock(generation: Path) -> None:
    (generation / "lock.mdb").unlink()


DAMAGES = [cut_in_half, make_empty, scribble, zero, remove_lock]


def in_force(host: PrivateHost) -> Path:
    """Find the generation in force."""
    folder = host.folder / "state/snapshot"
    return folder / (folder / "current").read_text().strip()


def send_until_well(host: PrivateHost) -> tuple[list[Sent], float]:
    """Send mail of all kinds, until all of it is decided by the rules again and a new rule comes into force."""
    begun, sent, new = time.monotonic(), [], f"new{next(_numbers)}.example"
    add(host, "block", new)
    while time.monotonic() - begun < DAMAGED_SECONDS:
        round_ = [send(host, domain) for domain in (BLOCKED, UNKNOWN, JUNKED, ALLOWED, new)]
        by_from = send(host, UNKNOWN, header_from=BLOCKED)
        sent += [*round_, by_from]
        if [one.code for one in sent[-ROUND:]] == [550, 250, 250, 250, 550, 550]:
            return sent, time.monotonic() - begun
    raise AssertionError([(one.sender, one.code) for one in sent[-ROUND:]])


def check(host: PrivateHost, sent: list[Sent], seconds: float, deaths: Counter[str]) -> None:
    """See that no innocent was refused and every accepted message is there once."""
    told = Counter((one.sender.partition("@")[2], one.code) for one in sent)
    show(f"right again after {seconds:.2f} s; deaths {dict(deaths)}; {dict(told)}")
    innocent = [one for one in sent if one.sender.endswith((ALLOWED, JUNKED))] + sent[1::ROUND]
    assert {one.code for one in innocent} <= {250, 451}
    assert arrived(host) == {(box, one.id): 1 for one in sent for box in one.accepted_for}
    assert wrongly_allowed(host, sent) == []
    assert is_decided_as_usual(host)


def wrongly_allowed(host: PrivateHost, sent: list[Sent]) -> list[str]:
    """List the messages that say they are allowed although no rule allows their sender."""
    allowed = {one.id for one in sent if one.sender.endswith(ALLOWED)}
    headed = [m.message for m in stored(host, ANN) if "; allow;" in str(m.message[HEADER])]
    return [str(message["Subject"]) for message in headed if message["Subject"] not in allowed]


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_while_all_run(host: PrivateHost, damage: Callable[[Path], None]) -> None:
    assert is_decided_as_usual(host)
    empty(host)
    with Keeper(host.agent, host.policyd, host.milter) as keeper:
        generation = in_force(host)
        damage(generation)
        sent, seconds = send_until_well(host)
    check(host, sent, seconds, keeper.deaths)
    assert in_force(host) != generation


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_before_all_start(host: PrivateHost, damage: Callable[[Path], None]) -> None:
    for daemon in (host.agent, host.policyd, host.milter):
        daemon.stop()
    empty(host)
    damage(in_force(host))
    with Keeper(host.policyd, host.milter, host.agent) as keeper:
        sent, seconds = send_until_well(host)
    check(host, sent, seconds, keeper.deaths)


@pytest.mark.parametrize("name", ["policyd", "milter"])
def test_a_daemon_that_crashes_has_the_agent_look(host: PrivateHost, name: str) -> None:
    """Whatever ended it, a page that nobody else reads may be to blame."""
    generation = in_force(host)
    zero_an_unread_page(generation)
    assert is_decided_as_usual(host)
    with Keeper(host.milter):
        os.kill(children(host.policyd.pid)[0] if name == "policyd" else host.milter.pid or 0, signal.SIGBUS)
        wait_until(lambda: generation.with_name(f"{generation.name}.bad").exists(), 5, "the agent to look")
    assert happens(lambda: is_decided_as_usual(host), 5)


def test_without_a_snapshot_mail_is_accepted(host: PrivateHost) -> None:
    remove_snapshot(host)
    sent = [send(host, domain) for domain in (BLOCKED, UNKNOWN)]
    assert [one.code for one in sent] == [250, 250]
    host.agent.start()
    assert happens(lambda: is_decided_as_usual(host), 5)


def test_without_a_snapshot_mail_is_put_off_if_so_configured(host: PrivateHost) -> None:
    with put_off_without_snapshot(host):
        remove_snapshot(host)
        empty(host)
        sent = [send(host, domain) for domain in (BLOCKED, ALLOWED, UNKNOWN)]
        for daemon in (host.policyd, host.milter):
            daemon.kill()
            sent += [send(host, domain) for domain in (BLOCKED, ALLOWED, UNKNOWN)]
            daemon.start()
        assert [one.code for one in sent] == [451] * 9
        assert not arrived(host)
        host.agent.start()
        assert happens(lambda: is_decided_as_usual(host), 5)


def test_a_damaged_snapshot_lets_nobody_in_if_so_configured(host: PrivateHost) -> None:
    with put_off_without_snapshot(host):
        empty(host)
        zero(in_force(host))
        sent, seconds = send_until_well(host)
        check(host, sent, seconds, Counter())
    assert 250 not in {one.code for one in sent if one.sender.endswith(BLOCKED)}


@contextmanager
def put_off_without_snapshot(host: PrivateHost) -> Iterator[None]:
    """Configure on_missing_snapshot = "defer" for a while."""
    reconfigure(host, 'snapshot = "open"', 'snapshot = "defer"')
    restart(host.policyd, host.milter)
    yield
    reconfigure(host, 'snapshot = "defer"', 'snapshot = "open"')
    restart(host.policyd, host.milter)


def remove_snapshot(host: PrivateHost) -> None:
    """Stop the agent, remove what it made, and wait until it is missed."""
    host.agent.stop()
    (host.folder / "state/snapshot/current").unlink()
    wait_until(lambda: send(host, BLOCKED).code != 550, 5, "the daemons to miss the snapshot")
