"""Listening sockets: made here, or handed over by systemd (sd_listen_fds(3))."""

from __future__ import annotations

import os
import resource
import socket
import time
from dataclasses import dataclass
from pathlib import Path

from gatepost.errors import ConfigError

_FIRST_PASSED = 3
BACKLOG = 1024
"""connections that wait to be accepted"""
_PATIENCE_SECONDS = 1.0
"""how long a predecessor that was killed may take to let go of its sockets"""
_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class SocketAddress:
    """Where a daemon listens: a unix path, or host and port."""

    path: str = ""
    host: str = ""
    port: int = 0

    def connect(self) -> socket.socket:
        """Connect to it."""
        if not self.path:
            return socket.create_connection((self.host, self.port))
        made = socket.socket(socket.AF_UNIX)
        made.connect(self.path)
        return made

    def __str__(self) -> str:
        """Write it as gatepost.toml has it."""
        return f"unix:{self.path}" if self.path else f"inet:{self.host}:{self.port}"


def parse_socket_address(text: str) -> SocketAddress:
    """Read `unix:PATH` or `inet:HOST:PORT`; an IPv6 host may stand in brackets."""
    kind, _, rest = text.partition(":")
    if kind == "unix" and rest.startswith("/"):
        return SocketAddress(path=rest)
    host, _, port = rest.rpartition(":")
    if kind == "inet" and host and port.isascii() and port.isdigit() and int(port) < 65536:
        return SocketAddress(host=host.strip("[]"), port=int(port))
    raise ConfigError(f"not a socket: {text!r}", "write unix:/path or inet:127.0.0.1:10045")


def listen(address: SocketAddress, mode: int) -> socket.socket:
    """Listen on an address; a socket that systemd passed for it is used instead of a new one."""
    passed = _passed().get(_bound_name(address))
    if passed is not None:
        return socket.socket(fileno=os.dup(passed))
    try:
        return _listen_unix(address.path, mode) if address.path else _listen_inet(address)
    except OSError as error:
        raise ConfigError(
            f"cannot listen on {address}: {error.strerror or error}", _way_out(address)
        ) from error


def _listen_unix(path: str, mode: int) -> socket.socket:
    if not _is_let_go(path):
        raise ConfigError(
            f"another process listens on unix:{path} already", "stop it first; see: gatepost status"
        )
    if Path(path).exists() and not Path(path).is_socket():
        raise ConfigError(f"cannot listen on unix:{path}: it is no socket", "is the path a mistake?")
    Path(path).unlink(missing_ok=True)
    made = socket.socket(socket.AF_UNIX)
    try:
        made.bind(path)
        Path(path).chmod(mode)
        made.listen(BACKLOG)
    except OSError:
        made.close()
        raise
    return made


def _listen_inet(address: SocketAddress) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    made = socket.socket(family)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((address.host, address.port))
        made.listen(BACKLOG)
    except OSError:
        made.close()
        raise
    return made


def _is_let_go(path: str) -> bool:
    """Wait a moment until nobody listens any more."""
    end = time.monotonic() + _PATIENCE_SECONDS
    while is_answered(path):
        if time.monotonic() >= end:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def is_answered(path: str) -> bool:
    """Whether somebody listens on a unix socket, even if too busy to accept."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(0)
        try:
            probe.connect(path)
        except BlockingIOError:
            return True
        except OSError:
            return False
    return True


def allow_many_connections() -> None:
    """Raise the limit of open files to what this process may have (setrlimit(2))."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _way_out(address: SocketAddress) -> str:
    if address.path:
        return f"is {Path(address.path).parent} there, and may this user write to it?"
    return f"is port {address.port} taken? see: ss -ltnp"


def _passed() -> dict[object, int]:
    """List the descriptors of the sockets that systemd passed to this very process."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return {}
    count = int(os.environ.get("LISTEN_FDS", "0"))
    return {_name_of(number): number for number in range(_FIRST_PASSED, _FIRST_PASSED + count)}


def _name_of(descriptor: int) -> object:
    with socket.socket(fileno=os.dup(descriptor)) as passed:
        name = passed.getsockname()
        return name if passed.family == socket.AF_UNIX else name[:2]


def _bound_name(address: SocketAddress) -> object:
    return address.path or (address.host, address.port)
