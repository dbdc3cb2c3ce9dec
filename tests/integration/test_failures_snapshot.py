"""A snapshot that is missing or damaged, at the start of the daemons and while they run."""

from __future__ import annotations

import itertools
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.integration.failing import (
    ALLOWED,
    BLOCKED,
    JUNKED,
    UNKNOWN,
    Keeper,
    Sent,
    add,
    arrived,
    gatepost,
    happens,
    host_of_its_own,
    is_decided_as_usual,
    reconfigure,
    restart,
    send,
)

from gatepost_cli.demo.host import PrivateHost
from gatepost_cli.demo.mail import empty

_numbers = itertools.count(1)
DAMAGED_SECONDS = 15


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


def remove_lock(generation: Path) -> None:
    (generation / "lock.mdb").unlink()


DAMAGES = [cut_in_half, make_empty, scribble, zero, remove_lock]


def in_force(host: PrivateHost) -> Path:
    """Find the generation in force."""
    folder = host.folder / "state/snapshot"
    return folder / (folder / "current").read_text().strip()


def send_until_well(host: PrivateHost, *, add_rule: bool = True) -> tuple[list[Sent], float]:
    """Send mail of all kinds, until all of it is decided by the rules again and a new rule comes into force."""
    begun, sent, new = time.monotonic(), [], f"new{next(_numbers)}.example" if add_rule else BLOCKED
    if add_rule:
        add(host, "block", new)
    while time.monotonic() - begun < DAMAGED_SECONDS:
        round_ = [send(host, domain) for domain in (BLOCKED, UNKNOWN, JUNKED, ALLOWED, new)]
        by_from = send(host, UNKNOWN, header_from=BLOCKED)
        sent += [*round_, by_from]
        if [one.code for one in sent[-6:]] == [550, 250, 250, 250, 550, 550]:
            return sent, time.monotonic() - begun
    raise AssertionError([(one.sender, one.code) for one in sent[-6:]])


def check(host: PrivateHost, sent: list[Sent], seconds: float, deaths: Counter[str]) -> None:
    """See that no innocent was refused and every accepted message is there once."""
    told = Counter((one.sender.partition("@")[2], one.code) for one in sent)
    print(f"right again after {seconds:.2f} s; deaths {dict(deaths)}; {dict(told)}")
    innocent = [one for one in sent if one.sender.endswith((ALLOWED, JUNKED))]
    assert {one.code for one in innocent} <= {250, 451}
    copies = arrived(host)
    assert copies == {(box, one.id): 1 for one in sent for box in one.accepted_for}
    assert is_decided_as_usual(host)


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_while_all_run(host: PrivateHost, damage: Callable[[Path], None]) -> None:
    assert is_decided_as_usual(host)
    empty(host)
    with Keeper(host.agent, host.policyd, host.milter) as keeper:
        damage(in_force(host))
        sent, seconds = send_until_well(host)
    check(host, sent, seconds, keeper.deaths)


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_before_all_start(host: PrivateHost, damage: Callable[[Path], None]) -> None:
    for daemon in (host.agent, host.policyd, host.milter):
        daemon.stop()
    empty(host)
    damage(in_force(host))
    with Keeper(host.policyd, host.milter, host.agent) as keeper:
        sent, seconds = send_until_well(host)
    check(host, sent, seconds, keeper.deaths)


def test_damage_that_kills_whoever_reads_it(host: PrivateHost) -> None:
    """The octets of a rule are said to be more than the file has: reading them is a bus error."""
    empty(host)
    file = in_force(host) / "data.mdb"
    content = bytearray(file.read_bytes()); print([(i, bytes(content[i-8:i]).hex()) for i in _places(content, BLOCKED.encode())])
    for at in _places(content, BLOCKED.encode()):
        content[at - 8 : at - 4] = b"\xff\xff\xff\x00"  # mdb.c, MDB_node: mn_lo, mn_hi
    with file.open("r+b") as stream:
        stream.write(content)
    with Keeper(host.agent, host.policyd, host.milter) as keeper:
        sent, seconds = send_until_well(host, add_rule=False)
    assert "ended with status -7" in host.policyd.log.read_text()
    check(host, sent, seconds, keeper.deaths)


def _places(content: bytes | bytearray, text: bytes) -> Iterator[int]:
    at = content.find(text)
    while at >= 0:
        yield at
        at = content.find(text, at + 1)


def test_without_a_snapshot_mail_is_accepted(host: PrivateHost) -> None:
    remove_snapshot(host)
    sent = [send(host, domain) for domain in (BLOCKED, UNKNOWN)]
    assert [one.code for one in sent] == [250, 250]
    host.agent.start()
    assert happens(lambda: is_decided_as_usual(host), 5)


def test_without_a_snapshot_mail_is_put_off_if_so_configured(host: PrivateHost) -> None:
    reconfigure(host, 'snapshot = "open"', 'snapshot = "defer"')
    restart(host.policyd, host.milter)
    empty(host)
    remove_snapshot(host)
    sent = [send(host, domain) for domain in (BLOCKED, ALLOWED, UNKNOWN)]
    host.policyd.kill()
    sent += [send(host, domain) for domain in (BLOCKED, ALLOWED, UNKNOWN)]
    host.policyd.start()
    host.milter.kill()
    sent += [send(host, domain) for domain in (BLOCKED, ALLOWED, UNKNOWN)]
    host.milter.start()
    assert [one.code for one in sent] == [451] * 9
    assert not arrived(host)
    host.agent.start()
    assert happens(lambda: is_decided_as_usual(host), 5)
    reconfigure(host, 'snapshot = "defer"', 'snapshot = "open"')
    restart(host.policyd, host.milter)


def remove_snapshot(host: PrivateHost) -> None:
    """Stop the agent and remove what it made."""
    host.agent.stop()
    (host.folder / "state/snapshot/current").unlink()
    time.sleep(0.2)
