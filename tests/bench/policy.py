"""Policy servers under load; entry points: `noop`, `rounds`, `ask`.

The load generator has one CPU and the server another, so that requests per second are per core. On
one connection both share a CPU: nothing runs at the same time there, and waking another CPU of a
virtual machine costs more than the answer.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import build, processes, rule_list
from .processes import LOAD_CPU, SERVER_CPU, BenchError

CONNECTIONS = (1, 10, 50)
WARMUP_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Server:
    """A policy server that runs: its name in tables, its address, its pid."""

    name: str
    address: str
    pid: int
    requests: Path
    any_answer: bool = False


@dataclass(frozen=True, slots=True)
class Load:
    """What policy_load saw in one run, and the CPU time that the server took meanwhile."""

    connections: int
    per_second: float
    p50_us: float
    p95_us: float
    p99_us: float
    replies: int
    errors: int
    answers: dict[str, int]
    server_cpu_seconds: float

    @property
    def per_cpu_second(self) -> float:
        """Answers in a second of the server's CPU time, warm-up included: speed per core.

        The load generator cannot be the limit of this one, nor do other processes disturb it much.
        """
        return sum(self.answers.values()) / self.server_cpu_seconds


Runs = dict[tuple[str, int], list[Load]]  # by the server's name and the connections


@contextlib.contextmanager
def noop(folder: Path, requests: Path) -> Iterator[Server]:
    """The C server that parses nothing."""
    address, log = f"unix:{folder}/noop.sock", folder / "policy_noop.log"
    command = [str(build.program("policy_noop")), address]
    with processes.running(command, log, address, SERVER_CPU) as pid:
        processes.open_to_all(address)
        yield Server("C no-op", address, pid, requests, any_answer=True)


def load(server: Server, connections: int, seconds: float) -> Load:
    """Put a server under load; a lost, doubled or wrong reply is an error."""
    cpu_before = processes.cpu_seconds(server.pid)
    output = subprocess.run(
        _command(server, connections, seconds), check=True, capture_output=True, text=True
    )
    seen = json.loads(output.stdout)
    if seen["errors"]:
        raise BenchError(f"{server.name} at {connections} connections: {output.stdout}")
    names = ("connections", "per_second", "p50_us", "p95_us", "p99_us", "replies", "errors", "answers")
    used = processes.cpu_seconds(server.pid) - cpu_before
    return Load(**{name: seen[name] for name in names}, server_cpu_seconds=used)


def rounds(servers: Sequence[Server], count: int, seconds: float) -> Runs:
    """Load all servers in turn, `count` times over; the n-th loads of two servers are a pair."""
    runs: Runs = {}
    for _ in range(count):
        for connections in CONNECTIONS:
            for server in servers:
                run = load(server, connections, seconds)
                runs.setdefault((server.name, connections), []).append(run)
    return runs


def ask(address: str, request: rule_list.Request) -> str:
    """The first word that a policy server answers to one request."""
    text = (
        "request=smtpd_access_policy\nprotocol_state=RCPT\nprotocol_name=ESMTP\n"
        f"client_address={request.client_address}\nsender={request.sender}\n"
        f"recipient={request.recipient}\nsasl_username=\npolicy_context=inbound\n\n"
    )
    with processes.connect(address) as client, client.makefile("rw", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        return stream.readline().removeprefix("action=").split()[0]


def _command(server: Server, connections: int, seconds: float) -> list[str]:
    options = ["-a"] if server.any_answer else []
    options += ["-c", str(connections), "-s", str(seconds), "-w", str(WARMUP_SECONDS)]
    cpu = SERVER_CPU if connections == 1 else LOAD_CPU
    program = str(build.program("policy_load"))
    return processes.on_cpu(cpu, [program, *options, server.address, str(server.requests)])
