"""Listening: on what, in whose place, and on sockets that systemd made."""

from __future__ import annotations

import os
import socket
import stat
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gatepost.errors import ConfigError
from gatepost.sockets import SocketAddress, allow_many_connections, is_answered, listen, parse_socket_address

MODE = 0o660


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("unix:/run/a:b.sock", SocketAddress(path="/run/a:b.sock")),
        ("inet:127.0.0.1:10045", SocketAddress(host="127.0.0.1", port=10045)),
        ("inet:[::1]:10045", SocketAddress(host="::1", port=10045)),
    ],
)
def test_addresses(text: str, address: SocketAddress) -> None:
    assert parse_socket_address(text) == address


@pytest.mark.parametrize(
    "text", ["", "unix:relative", "inet:1", "inet::1", "inet:h:65536", "inet:h:²", "tcp:h:1"]
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ConfigError, match="not a socket"):
        parse_socket_address(text)


def test_a_unix_socket_gets_its_mode(tmp_path: Path) -> None:
    address = SocketAddress(path=str(tmp_path / "s"))
    with closing(listen(address, MODE)):
        assert stat.S_IMODE((tmp_path / "s").stat().st_mode) == MODE
        assert is_answered(address.path)


def test_a_stale_socket_is_replaced(tmp_path: Path) -> None:
    address = SocketAddress(path=str(tmp_path / "s"))
    listen(address, MODE).close()
    assert not is_answered(address.path)
    with closing(listen(address, MODE)):
        assert is_answered(address.path)


def test_a_killed_predecessor_may_take_a_moment_to_let_go(tmp_path: Path) -> None:
    address = SocketAddress(path=str(tmp_path / "s"))
    threading.Timer(0.1, listen(address, MODE).close).start()
    with closing(listen(address, MODE)):
        assert is_answered(address.path)


def test_a_socket_in_use_is_not_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatepost.sockets._PATIENCE_SECONDS", 0.1)
    address = SocketAddress(path=str(tmp_path / "s"))
    with closing(listen(address, MODE)):
        with pytest.raises(ConfigError, match="another process listens"):
            listen(address, MODE)
        assert is_answered(address.path)


def test_a_busy_socket_is_in_use(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as busy, socket.socket(socket.AF_UNIX) as waiting:
        busy.bind(path)
        busy.listen(0)
        waiting.connect(path)
        assert is_answered(path)


def test_a_file_that_is_no_socket_stays(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("precious")
    with pytest.raises(ConfigError, match="it is no socket"):
        listen(SocketAddress(path=str(tmp_path / "s")), MODE)
    assert (tmp_path / "s").read_text() == "precious"


@pytest.mark.parametrize("path", ["/nowhere/s", "/tmp/" + "x" * 200])
def test_a_path_that_cannot_be_is_a_clear_error(path: str) -> None:
    with pytest.raises(ConfigError, match=f"cannot listen on unix:{path[:20]}"):
        listen(SocketAddress(path=path), MODE)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_port_in_use_is_a_clear_error(host: str) -> None:
    with closing(listen(SocketAddress(host=host), MODE)) as first:
        taken = SocketAddress(host=host, port=first.getsockname()[1])
        with pytest.raises(ConfigError, match="Address already in use"):
            listen(taken, MODE)


@pytest.fixture
def passed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[socket.socket]]:
    """Sockets at the place where systemd's begin."""
    made = [socket.socket(socket.AF_UNIX), socket.socket()]
    made[0].bind(str(tmp_path / "passed"))
    made[1].bind(("127.0.0.1", 0))
    first = made[0].fileno()
    consecutive = (
        socket.socket(fileno=os.dup2(made[1].fileno(), first + 1)) if made[1].fileno() != first + 1 else None
    )
    monkeypatch.setattr("gatepost.sockets._FIRST_PASSED", first)
    monkeypatch.setenv("LISTEN_PID", str(os.getpid()))
    monkeypatch.setenv("LISTEN_FDS", "2")
    yield made
    for one in [*made, *([consecutive] if consecutive else [])]:
        one.close()


def test_sockets_of_systemd_are_used(passed: list[socket.socket]) -> None:
    for one in passed:
        name = one.getsockname()
        address = SocketAddress(path=name) if isinstance(name, str) else SocketAddress("", *name)
        with closing(listen(address, MODE)) as taken:
            assert (taken.getsockname(), taken.family) == (name, one.family)
            assert os.fstat(taken.fileno()).st_ino == os.fstat(one.fileno()).st_ino


def test_sockets_passed_to_another_process_are_not(
    passed: list[socket.socket], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LISTEN_PID", "1")
    with closing(listen(SocketAddress(path=str(tmp_path / "passed")), MODE)) as own:
        assert os.fstat(own.fileno()).st_ino != os.fstat(passed[0].fileno()).st_ino


def test_the_limit_of_open_files_goes_up_to_what_is_allowed() -> None:
    import resource  # noqa: PLC0415  only here

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 1024), hard))
    allow_many_connections()
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)
