"""A policyd by itself, with a snapshot and no Postfix, and how Postfix would talk to it."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from tests.unit.snapshots import write

from gatepost.pattern import parse_pattern
from gatepost.private_server import free_port
from gatepost.rule import Action, Rule, Terms
from gatepost.scope import SITE
from gatepost.sockets import is_answered
from gatepost_cli.demo.daemons import Daemon

BLOCKED, INNOCENT = b"joe@blocked.example", b"bob@innocent.example"
REFUSED, DUNNO = b"action=550 5.7.1", b"action=DUNNO"
_CONFIG = """\
[paths]
state = "{folder}"
[site]
mynetworks = ["127.0.0.1/32"]
[policyd]
listen = ["unix:{folder}/policyd.sock", "inet:127.0.0.1:{port}"]
relay_listen = ["unix:{folder}/relay.sock"]
idle_timeout_seconds = {idle}
workers = 2
"""


class Policyd:
    """One policyd in one folder."""

    def __init__(self, folder: Path, idle: float) -> None:
        self.folder = folder
        self.unix = str(folder / "policyd.sock")
        self.port = free_port()
        self.config = folder / "gatepost.toml"
        self.config.write_text(_CONFIG.format(folder=folder, port=self.port, idle=idle))
        self.daemon = Daemon("policyd", self.config, folder / "log", lambda: is_answered(self.unix))

    def connect(self, family: int = socket.AF_UNIX) -> socket.socket:
        """Connect as smtpd does."""
        client = socket.socket(family)
        client.settimeout(10)
        try:
            client.connect(self.unix if family == socket.AF_UNIX else ("127.0.0.1", self.port))
        except OSError:
            client.close()
            raise
        return client

    def ask(self, sender: bytes, family: int = socket.AF_UNIX) -> bytes:
        """Ask one thing on a connection of its own."""
        with closing(self.connect(family)) as client:
            return ask(client, sender)

    def is_right(self) -> bool:
        """Whether new connections are told the truth."""
        return self.ask(BLOCKED).startswith(REFUSED) and self.ask(INNOCENT) == DUNNO

    @property
    def workers(self) -> list[int]:
        """The processes that answer."""
        pid = self.daemon.pid
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def block_list() -> list[Rule]:
    """Block one domain for all."""
    return [Rule(1, Terms(Action.BLOCK, parse_pattern("blocked.example"), SITE))]


@contextmanager
def policyd_folder() -> Iterator[Path]:
    """Make a folder whose path is short enough for sockets."""
    folder = Path(tempfile.mkdtemp(prefix="gatepost-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def running(folder: Path, idle: float = 600) -> Iterator[Policyd]:
    """Run one with a snapshot that blocks one domain."""
    write(folder / "snapshot", block_list())
    policyd = Policyd(folder, idle)
    policyd.daemon.start()
    try:
        yield policyd
    finally:
        policyd.daemon.stop()


def request(sender: bytes) -> bytes:
    """Write a request as Postfix does."""
    return (
        b"request=smtpd_access_policy\nprotocol_state=RCPT\nclient_address=192.0.2.7\n"
        b"recipient=ann@example.com\nsender=" + sender + b"\n\n"
    )


def ask(client: socket.socket, sender: bytes) -> bytes:
    """Ask one thing and take one answer, exactly."""
    client.sendall(request(sender))
    return answers(client, 1)[0]


def answers(client: socket.socket, count: int) -> Sequence[bytes]:
    """Read as many answers."""
    said = b""
    while said.count(b"\n\n") < count:
        portion = client.recv(65536)
        assert portion, "the connection was closed"
        said += portion
    assert said.endswith(b"\n\n")
    return said.split(b"\n\n")[:-1]


def all_answers(client: socket.socket) -> Sequence[bytes]:
    """Say that nothing more comes, and read what is answered until the end."""
    client.shutdown(socket.SHUT_WR)
    said = b"".join(iter(lambda: client.recv(65536), b""))
    return said.split(b"\n\n")[:-1]


def is_alive(pid: int) -> bool:
    """Whether a process runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
