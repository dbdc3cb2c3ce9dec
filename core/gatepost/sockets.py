"""Listening sockets: made here, or handed over by systemd (sd_listen_fds(3))."""

from __future__ import annotations

import contextlib
import os
import socket
from dataclasses import dataclass
from pathlib import Path

from gatepost.errors import ConfigError

_FIRST_PASSED = 3
_BACKLOG = 1024


@dataclass(frozen=True, slots=True)
class SocketAddress:
    """Where a daemon listens: a unix path, or host and port."""

    path: str = ""
    host: str = ""
    port: int = 0

    def __str__(self) -> str:
        """Write it as gatepost.toml has it."""
        return f"unix:{self.path}" if self.path else f"inet:{self.host}:{self.port}"


def parse_socket_address(text: str) -> SocketAddress:
    """Read `unix:PATH` or `inet:HOST:PORT`; an IPv6 host may stand in brackets."""
    kind, _, rest = text.partition(":")
    if kind == "unix" and rest.startswith("/"):
        return SocketAddress(path=rest)
    host, _, port = rest.rpartition(":")
    if kind == "inet" and host and port.isdigit() and int(port) < 65536:
        return SocketAddress(host=host.strip("[]"), port=int(port))
    raise ConfigError(f"not a socket: {text!r}", "write unix:/path or inet:127.0.0.1:10045")


def listen(address: SocketAddress, mode: int) -> socket.socket:
    """Listen on an address; a socket that systemd passed for it is used instead of a new one."""
    passed = _passed().get(_bound_name(address))
    if passed is not None:
        return passed
    try:
        return _listen_unix(address.path, mode) if address.path else _listen_inet(address)
    except OSError as error:
        raise ConfigError(
            f"cannot listen on {address}: {error.strerror or error}", _way_out(address)
        ) from error


def _listen_unix(path: str, mode: int) -> socket.socket:
    if is_answered(path):
        raise ConfigError(
            f"another process listens on unix:{path} already", "stop it first; see: gatepost status"
        )
    Path(path).unlink(missing_ok=True)
    made = socket.socket(socket.AF_UNIX)
    made.bind(path)
    Path(path).chmod(mode)
    made.listen(_BACKLOG)
    return made


def _listen_inet(address: SocketAddress) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    made = socket.socket(family)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((address.host, address.port))
    made.listen(_BACKLOG)
    return made


def is_answered(path: str) -> bool:
    """Whether somebody listens on a unix socket."""
    with socket.socket(socket.AF_UNIX) as probe, contextlib.suppress(OSError):
        probe.connect(path)
        return True
    return False


def _way_out(address: SocketAddress) -> str:
    if address.path:
        return f"is {Path(address.path).parent} there, and may this user write to it?"
    return f"is port {address.port} taken? see: ss -ltnp"


def _passed() -> dict[object, socket.socket]:
    """Collect the sockets that systemd passed to this very process."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return {}
    count = int(os.environ.get("LISTEN_FDS", "0"))
    sockets = [socket.socket(fileno=os.dup(n)) for n in range(_FIRST_PASSED, _FIRST_PASSED + count)]
    return {s.getsockname() if s.family == socket.AF_UNIX else s.getsockname()[:2]: s for s in sockets}


def _bound_name(address: SocketAddress) -> object:
    return address.path or (address.host, address.port)
