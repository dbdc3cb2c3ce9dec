"""What every private server needs: a folder of its own, commands, a banner, and an end.

Entry point: `PrivateServer`, which a component fills in for its own server. A private server lives
in one folder and on loopback, and touches nothing of the host's own mail system.

DIAGNOSTICS
    Every failure is an UnavailableError that ends with the server's own last log lines.
SECURITY
    Needs root, because mail servers give up their rights by themselves. Only processes of this
    folder's own server are ever signalled: the one its pid file names, and its process group.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Self

from gatepost.errors import UnavailableError

_POLL_SECONDS = 0.005
_COMMAND_SECONDS = 30
_START_SECONDS = 10.0
_STOP_SECONDS = 10.0
_LOG_LINES = 20
_UNSAFE = re.compile(r"[^A-Za-z0-9_./-]")
_LONGEST_FOLDER = 70  # a unix socket's path has 107 bytes, and servers add up to 35 of their own


class PrivateServer(ABC):
    """One server in one folder, from start to stop, also as a context manager.

    `prefix` goes before every command, such as the runner of another root where `folder` has the
    same path.
    """

    name: str
    greeting: bytes

    def __init__(self, folder: Path, prefix: tuple[str, ...] = ()) -> None:
        """Keep where the server is to live; nothing is made before `start`."""
        self.folder = folder.absolute()
        self.prefix = prefix

    def __enter__(self) -> Self:
        """Start, and stop again if that fails half way."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop, whatever happened."""
        self.stop()

    def start(self) -> None:
        """Start afresh and wait until every port answers; what a killed run left is ended first."""
        self._check_place()
        self.stop()
        self._pid_file().unlink(missing_ok=True)  # Dovecot believes it if the pid is in use again
        self._check_ports()
        try:
            self._prepare()
            self._launch()
            for address, port in self._ports():
                self._await_greeting(address, port)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the server and every process of its group; do nothing if none runs."""
        leader = self._leader()
        if leader is None:
            return
        _end(leader)
        try:
            self._wait(lambda: not _members(leader), _STOP_SECONDS, "to end")
        except UnavailableError:
            os.killpg(leader, signal.SIGKILL)
            self._wait(lambda: not _members(leader), _STOP_SECONDS, "to be killed")

    @property
    def log(self) -> str:
        """What the server has written to its log so far."""
        path = self._log_path()
        return path.read_text(errors="replace") if path.exists() else ""

    def wait_for_log(self, text: str, seconds: float = 10.0) -> None:
        """Wait until the log holds this text."""
        self._wait(lambda: text in self.log, seconds, f"to log {text!r}")

    @abstractmethod
    def _log_path(self) -> Path: ...

    @abstractmethod
    def _ports(self) -> tuple[tuple[str, int], ...]: ...

    @abstractmethod
    def _prepare(self) -> None:
        """Write everything that the server reads."""

    @abstractmethod
    def _launch(self) -> None:
        """Start the server as a daemon."""

    @abstractmethod
    def _pid_file(self) -> Path:
        """Name the file that holds the first process, which leads its process group."""

    @abstractmethod
    def _working_directory(self) -> Path:
        """Name the folder that the server's processes change to."""

    def _leader(self) -> int | None:
        """Believe the pid file only if one of that group is in our folder, for pids are used again."""
        try:
            leader = int(self._pid_file().read_text())
        except (FileNotFoundError, ValueError):
            return None
        ours = any(map(self._works_here, _members(leader)))
        return leader if ours else None

    def _works_here(self, pid: int) -> bool:
        try:
            return Path(f"/proc/{pid}/cwd").samefile(self._working_directory())
        except OSError:
            return False

    def _run(self, *command: str) -> str:
        """Run a command; its output goes to a file, for a daemon would hold a pipe open."""
        with tempfile.TemporaryFile("w+", errors="replace") as output:
            try:
                status = subprocess.run(
                    [*self.prefix, *command],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    timeout=_COMMAND_SECONDS,
                    check=False,
                ).returncode
            except (OSError, subprocess.TimeoutExpired) as error:
                raise self._failure(f"cannot run {command[0]}: {error}") from error
            output.seek(0)
            said = output.read()
        if status != 0:
            raise self._failure(f"{' '.join(command)} ended with status {status}", said)
        return said

    def _failure(self, what: str, said: str = "") -> UnavailableError:
        last = self.log.splitlines()[-_LOG_LINES:]
        lines = [f"{self.name} in {self.folder}: {what}", *said.splitlines(), *last]
        return UnavailableError("\n".join(lines), hint=f"the whole log is {self._log_path()}")

    def _wait(self, condition: Callable[[], bool], seconds: float, what: str) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise self._failure(f"waited {seconds:g} s for it {what}")
            time.sleep(_POLL_SECONDS)

    def _await_greeting(self, address: str, port: int) -> None:
        def greets() -> bool:
            return _first_bytes(address, port).startswith(self.greeting)

        self._wait(greets, _START_SECONDS, f"to answer on {address}:{port}")

    def _check_place(self) -> None:
        if os.geteuid() != 0:
            message = f"a private {self.name} can only be started by root"
            raise UnavailableError(message, hint="run the same command with sudo")
        if _UNSAFE.search(str(self.folder)):
            message = f"{self.folder} holds characters that configuration files give a meaning"
            raise UnavailableError(message, hint="use letters, digits, dots, dashes and slashes")
        if len(os.fsencode(self.folder)) > _LONGEST_FOLDER:
            message = f"{self.folder} is too long a path for the unix sockets of {self.name}"
            raise UnavailableError(message, hint=f"use one of at most {_LONGEST_FOLDER} bytes")
        for parent in self.folder.parents:
            if parent.exists() and not parent.stat().st_mode & 0o001:
                message = f"the processes of {self.name} cannot enter {parent}"
                raise UnavailableError(message, hint=f"use another folder, or chmod o+x {parent}")

    def _check_ports(self) -> None:
        """Refuse a port in use: Postfix would share it with another Postfix (SO_REUSEPORT)."""
        for address, port in self._ports():
            try:
                _bind(address, port)
            except OSError as error:
                message = f"{self.name} cannot listen on {address}:{port}: {error.strerror}"
                raise UnavailableError(message, hint="choose another port") from error


def free_port(address: str = "127.0.0.1") -> int:
    """Choose a TCP port that nobody listens on now."""
    return _bind(address, 0)


def _bind(address: str, port: int) -> int:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((address, port))
        return int(probe.getsockname()[1])


def _first_bytes(address: str, port: int) -> bytes:
    try:
        with socket.create_connection((address, port), timeout=_START_SECONDS) as client:
            return client.recv(1024)
    except OSError:
        return b""


def _end(leader: int) -> None:
    """Ask a group's leader to end it, or all of the group if the leader was killed."""
    with contextlib.suppress(ProcessLookupError):
        if leader in _members(leader):
            os.kill(leader, signal.SIGTERM)
        else:
            os.killpg(leader, signal.SIGTERM)


def _members(group: int) -> set[int]:
    """Find the processes of a group; one that has ended and is only unreaped does not count."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return set()
    return {int(path.parent.name) for path in Path("/proc").glob("[0-9]*/stat") if _runs_in(group, path)}


def _runs_in(group: int, stat: Path) -> bool:
    """Read the state and process group of proc(5)'s stat file, past a name that may hold spaces."""
    try:
        state, _parent, own_group = stat.read_text().rpartition(")")[2].split()[:3]
    except (OSError, ValueError):
        return False
    return int(own_group) == group and state != "Z"
