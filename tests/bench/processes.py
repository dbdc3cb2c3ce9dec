"""Processes of a benchmark: start on a CPU, wait until they answer, look at them, end them by pid."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

_ALLOWED = sorted(os.sched_getaffinity(0))
LOAD_CPU, SERVER_CPU = _ALLOWED[0], _ALLOWED[-1]
_POLL_SECONDS = 0.005
_START_SECONDS = 60
_STOP_SECONDS = 10
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


class BenchError(Exception):
    """Something under measurement did not do its work; the text says what."""


def on_cpu(cpu: int | None, command: Sequence[str]) -> list[str]:
    """The command, kept with all its children on one CPU by taskset(1)."""
    return list(command) if cpu is None else ["taskset", "-c", str(cpu), *command]


@contextlib.contextmanager
def running(
    command: Sequence[str], log: Path, address: str | None = None, cpu: int | None = None
) -> Iterator[int]:
    """Run a server for the time of the block, once it answers at its address; gives its pid."""
    with log.open("ab") as output:
        child = subprocess.Popen(on_cpu(cpu, command), stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        if address:
            wait_until(lambda: answers(address, child), f"{address}; the log is {log}", _START_SECONDS)
        yield child.pid
    finally:
        child.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(_STOP_SECONDS)
        child.kill()
        child.wait()


def open_to_all(address: str) -> None:
    """Let every user connect to a unix socket, such as Postfix's."""
    Path(address.removeprefix("unix:")).chmod(0o666)


def connect(address: str) -> socket.socket:
    """A connection to unix:PATH or inet:HOST:PORT."""
    kind, _, place = address.partition(":")
    if kind == "unix":
        client = socket.socket(socket.AF_UNIX)
        client.connect(place)
        return client
    host, _, port = place.rpartition(":")
    return socket.create_connection((host, int(port)))


def answers(address: str, server: subprocess.Popen[bytes] | None = None) -> bool:
    """Whether the address takes connections; a server that has ended never will."""
    if server is not None and server.poll() is not None:
        raise BenchError(f"{server.args!r} ended with status {server.returncode} before it took connections")
    with contextlib.suppress(OSError), connect(address):
        return True
    return False


def wait_until(condition: Callable[[], bool], what: str, seconds: float) -> float:
    """Wait for a condition and say how many seconds that took."""
    start = time.monotonic()
    while not condition():
        if time.monotonic() - start > seconds:
            raise BenchError(f"waited {seconds:g} s for {what}")
        time.sleep(_POLL_SECONDS)
    return time.monotonic() - start


def free_port() -> int:
    """A TCP port on loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def installed(program: str) -> str | None:
    """The path of a program, also where only root's PATH looks."""
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


def family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    found = [pid]
    for parent in found:
        with contextlib.suppress(OSError):
            for children in Path(f"/proc/{parent}/task").glob("*/children"):
                found += map(int, children.read_text().split())
    return found


def private_bytes(pid: int) -> int:
    """The memory that ends with the process: its anonymous pages, proc(5).

    Private_Clean would count pages of the snapshot's file while no other process has them mapped; they are
    the page cache's, and the kernel takes them back at will.
    """
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    sizes = {name.rstrip(":"): int(kib) * 1024 for name, kib, *_ in map(str.split, lines)}
    return sizes["Anonymous"]


def cpu_seconds(pid: int) -> float:
    """The user and system time of a process and all that descend from it, ended ones included."""
    return sum(map(_own_cpu_seconds, family(pid)))


def _own_cpu_seconds(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / _TICKS_PER_SECOND


def terminate(pid: int) -> None:
    """End a daemon that is not a child of this process, and wait until it is gone."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: not Path(f"/proc/{pid}").exists(), f"process {pid} to end", _STOP_SECONDS)
