"""A running policyd, and everything that could make it answer wrongly, late or not at all."""

from __future__ import annotations

import contextlib
import os
import random
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from tests.integration.running_policyd import (
    BLOCKED,
    DUNNO,
    INNOCENT,
    REFUSED,
    Policyd,
    all_answers,
    answers,
    ask,
    block_list,
    is_alive,
    policyd_folder,
    request,
    running,
)
from tests.unit.snapshots import write
from tests.unit.test_policyd_protocol import by_lines

from gatepost.errors import UnavailableError
from gatepost.snapshot.generation import remove_unread
from gatepost_cli.demo.host import wait_until

FAMILIES = [socket.AF_UNIX, socket.AF_INET]
ODD = [
    b"o'brien@innocent.example",
    b"a=b!c@innocent.example",
    b"nul\0@innocent.example",
    b"\xff\xfe\xc3@innocent.example",
    b"j" * 10_000,
    b"",
    b"<>",
    b"\r",
    b"x\ny@innocent.example",
    b"x\nsender=twice@innocent.example",
]
LAUNCHER = """
import os, sys
first, second, *command = sys.argv[1:]
os.dup2(int(first), 3)
os.dup2(int(second), 4)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "2"}
os.execv(command[0], command)
"""


@pytest.fixture(scope="module")
def policyd() -> Iterator[Policyd]:
    with policyd_folder() as folder, running(folder) as one:
        yield one


@pytest.fixture
def own_policyd() -> Iterator[Policyd]:
    """One that the test may kill."""
    with policyd_folder() as folder, running(folder) as one:
        yield one


@pytest.fixture(scope="module")
def hasty_policyd() -> Iterator[Policyd]:
    """One that closes idle connections after a second."""
    with policyd_folder() as folder, running(folder, idle=1) as one:
        yield one


def seconds_until(is_so: object) -> float:
    assert callable(is_so)
    return wait_until(is_so, 10, "what the test expects")


def fill(deaf: socket.socket) -> None:
    """Ask without reading until nothing more goes in."""
    deaf.settimeout(0.3)
    with contextlib.suppress(TimeoutError):
        while True:
            deaf.sendall(request(BLOCKED) * 1000)
    deaf.settimeout(5)


def is_closed(client: socket.socket, seconds: float = 5) -> bool:
    if not select.select([client], [], [], seconds)[0]:
        return False
    with contextlib.suppress(ConnectionResetError):
        return client.recv(1) == b""
    return True


@pytest.mark.parametrize("family", FAMILIES)
def test_as_many_answers_as_requests_whatever_the_octets(policyd: Policyd, family: int) -> None:
    chance = random.Random(family)  # noqa: S311  the same streams every time
    pieces = [
        *map(request, ODD),
        request(BLOCKED),
        b"\n",
        b"\n\n\n",
        b"\r\n",
        b"x",
        b"=\n",
        chance.randbytes(50),
    ]
    for _ in range(100):
        stream = b"".join(chance.choices(pieces, k=12))
        with closing(policyd.connect(family)) as client:
            send_in_portions(client, stream, chance)
            assert len(all_answers(client)) == len(list(by_lines(stream)))
    assert policyd.is_right()


def send_in_portions(client: socket.socket, stream: bytes, chance: random.Random) -> None:
    while stream:
        end = chance.choice([1, 7, 100, 5000])
        client.sendall(stream[:end])
        stream = stream[end:]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("sender", ODD, ids=lambda sender: repr(sender[:20]))
def test_no_sender_shifts_the_answers(policyd: Policyd, family: int, sender: bytes) -> None:
    with closing(policyd.connect(family)) as client:
        for _ in range(3):
            client.sendall(request(sender) + request(BLOCKED) + request(INNOCENT))
            odd, blocked, innocent = answers(client, 3)
            assert blocked.startswith(REFUSED)
            assert (odd, innocent) == (DUNNO, DUNNO)


def test_a_thousand_requests_in_one_packet_are_answered_in_order(policyd: Policyd) -> None:
    with closing(policyd.connect()) as client:
        client.sendall((request(BLOCKED) + request(INNOCENT)) * 500)
        said = answers(client, 1000)
    assert all(one.startswith(REFUSED) for one in said[::2])
    assert set(said[1::2]) == {DUNNO}


def test_too_long_a_request_is_answered_and_the_connection_closed(policyd: Policyd) -> None:
    with closing(policyd.connect()) as client:
        client.sendall(b"x" * 70_000)
        assert answers(client, 1) == [DUNNO]
        assert is_closed(client)


def test_carriage_returns_are_no_end_of_a_request(policyd: Policyd) -> None:
    with closing(policyd.connect()) as client:
        client.sendall(request(BLOCKED).replace(b"\n", b"\r\n"))
        assert all_answers(client) == []


def test_a_client_that_never_reads_holds_up_nobody(policyd: Policyd) -> None:
    with closing(policyd.connect()) as deaf:
        fill(deaf)
        for _ in range(8):
            assert policyd.is_right()


def test_many_idle_connections_hold_up_nobody(policyd: Policyd) -> None:
    with ExitStack() as stack:
        idle = [
            stack.enter_context(closing(policyd.connect(family))) for family in FAMILIES for _ in range(250)
        ]
        assert policyd.is_right()
        assert all(ask(client, BLOCKED).startswith(REFUSED) for client in idle)


def test_a_slow_client_holds_up_nobody_and_is_answered(policyd: Policyd) -> None:
    with closing(policyd.connect()) as slow:
        for octet in request(BLOCKED):
            slow.sendall(bytes((octet,)))
            if octet == ord("="):
                assert policyd.is_right()
        assert answers(slow, 1)[0].startswith(REFUSED)


def test_the_relay_socket_grants_nothing(policyd: Policyd) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(policyd.folder / "relay.sock"))
        assert ask(client, BLOCKED) == DUNNO


def test_an_idle_connection_is_closed_and_a_busy_one_is_not(hasty_policyd: Policyd) -> None:
    with ExitStack() as stack:
        idle, half, busy = (stack.enter_context(closing(hasty_policyd.connect())) for _ in range(3))
        half.sendall(b"request=")
        end = time.monotonic() + 2
        while time.monotonic() < end:
            assert ask(busy, BLOCKED).startswith(REFUSED)
        assert is_closed(idle)
        assert is_closed(half)


def test_a_client_that_never_reads_is_dropped(hasty_policyd: Policyd) -> None:
    with closing(hasty_policyd.connect()) as deaf:
        fill(deaf)
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            deaf.sendall(b"x" * 10_000_000)


def test_idle_workers_let_go_of_an_old_generation(hasty_policyd: Policyd) -> None:
    snapshots = hasty_policyd.folder / "snapshot"
    with ExitStack() as stack:
        for client in [stack.enter_context(closing(hasty_policyd.connect())) for _ in range(20)]:
            ask(client, BLOCKED)
    write(snapshots, block_list(), name="00000002")

    def is_gone() -> bool:
        remove_unread(snapshots, "00000002")
        return not (snapshots / "00000001").exists()

    assert seconds_until(is_gone) < 5
    assert hasty_policyd.is_right()


def test_a_killed_worker_is_replaced_and_others_answer(own_policyd: Policyd) -> None:
    seconds_until(lambda: len(own_policyd.workers) == 2)
    first, second = own_policyd.workers
    os.kill(first, signal.SIGKILL)
    assert own_policyd.is_right()
    seconds_until(lambda: len(set(own_policyd.workers) - {first}) == 2)
    assert second in own_policyd.workers
    assert own_policyd.is_right()


def test_the_end_is_quick_and_answers_what_was_sent(own_policyd: Policyd) -> None:
    pid = own_policyd.daemon.pid
    assert pid is not None
    with ExitStack() as stack:
        clients = [stack.enter_context(closing(own_policyd.connect())) for _ in range(20)]
        assert all(ask(client, INNOCENT) == DUNNO for client in clients)
        for client in clients:
            client.sendall(request(BLOCKED) * 3)
        os.kill(pid, signal.SIGTERM)
        for client in clients:
            assert [said[:16] for said in answers(client, 3)] == [REFUSED] * 3
        assert seconds_until(lambda: own_policyd.daemon.pid is None) < 1


def test_the_end_does_not_wait_for_a_client_that_never_reads(own_policyd: Policyd) -> None:
    pid = own_policyd.daemon.pid
    assert pid is not None
    with closing(own_policyd.connect()) as deaf:
        fill(deaf)
        os.kill(pid, signal.SIGTERM)
        assert seconds_until(lambda: own_policyd.daemon.pid is None) < 1


def test_the_end_does_not_wait_for_a_worker_to_be_replaced(own_policyd: Policyd) -> None:
    pid = own_policyd.daemon.pid
    assert pid is not None
    seconds_until(lambda: len(own_policyd.workers) == 2)
    os.kill(own_policyd.workers[0], signal.SIGKILL)
    os.kill(pid, signal.SIGTERM)
    assert seconds_until(lambda: own_policyd.daemon.pid is None) < 1


def test_workers_end_with_their_parent(own_policyd: Policyd) -> None:
    seconds_until(lambda: len(own_policyd.workers) == 2)
    pid, workers = own_policyd.daemon.pid, own_policyd.workers
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    seconds_until(lambda: not any(map(is_alive, workers)))


def test_after_a_kill_it_starts_again(own_policyd: Policyd) -> None:
    seconds_until(lambda: len(own_policyd.workers) == 2)
    workers = own_policyd.workers
    own_policyd.daemon.kill()
    seconds_until(lambda: not any(map(is_alive, workers)))
    assert Path(own_policyd.unix).is_socket()
    own_policyd.daemon.start()
    assert own_policyd.is_right()


def test_two_on_one_socket_is_a_clear_error_and_hurts_nobody(own_policyd: Policyd) -> None:
    other = Policyd(own_policyd.folder, 600)
    other.daemon._is_ready = lambda: False
    with pytest.raises(UnavailableError, match="another process listens on unix:"):
        other.daemon.start()
    assert own_policyd.is_right()


def test_without_a_snapshot_it_waits_for_one(own_policyd: Policyd) -> None:
    (own_policyd.folder / "snapshot/current").unlink()
    seconds_until(lambda: own_policyd.ask(BLOCKED) == DUNNO)
    (own_policyd.folder / "snapshot/current").write_text("00000001\n")
    seconds_until(own_policyd.is_right)


def test_sockets_of_systemd_outlive_it() -> None:
    with policyd_folder() as folder, ExitStack() as stack:
        write(folder / "snapshot", block_list())
        policyd = Policyd(folder, 600)
        made = [stack.enter_context(socket.socket(family)) for family in FAMILIES]
        made[0].bind(policyd.unix)
        made[1].bind(("127.0.0.1", policyd.port))
        for one in made:
            one.listen()
        for _ in range(2):
            with ExitStack() as clients:
                early = [clients.enter_context(closing(policyd.connect(family))) for family in FAMILIES]
                with activated(policyd, made):
                    assert all(ask(client, BLOCKED).startswith(REFUSED) for client in early)


@contextlib.contextmanager
def activated(policyd: Policyd, made: list[socket.socket]) -> Iterator[None]:
    """Run policyd as systemd does that holds its sockets."""
    numbers = [one.fileno() for one in made]
    command = [sys.executable, "-m", "gatepost_cli", "--config", str(policyd.config), "policyd"]
    launcher = [sys.executable, "-c", LAUNCHER, *map(str, numbers), *command]
    with (policyd.folder / "log").open("ab") as log:
        process = subprocess.Popen(launcher, pass_fds=numbers, stderr=log, close_fds=True)
    try:
        yield
    finally:
        process.terminate()
        assert process.wait(5) == 0
