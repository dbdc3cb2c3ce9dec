"""Throughput of Postfix with and without policy servers and milters; entry points: `Mode`, `rounds`.

Each mode has a Postfix of its own, all of which run all the time and take turns: smtp-source sends
a round of messages to one of them, in 20 sessions at once, one session a message, and the clock
stops when that Postfix has delivered the last one to discard(8).
"""

from __future__ import annotations

import contextlib
import re
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gatepost_postfix_conf.model import Listener, Milter, PolicyService, PostfixModel, Setting
from gatepost_postfix_conf.private import PrivatePostfix

from . import build, processes
from .processes import BenchError

SESSIONS = 20
MESSAGE_BYTES = 4096
SENDER = "joe@outside.example"
STRANGER = "ann@example.com"  # nobody has a rule for mail to her
ACQUAINTED = "bob@example.com"  # he has a rule that allows SENDER
NO_CLIENT_IS_OURS = ("192.0.2.1/32",)  # Gatepost does not judge those that are
_GONE = re.compile(
    r"warning: (connect to|problem talking to|milter|unreachable|cannot connect)", re.IGNORECASE
)
_DELIVERY_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Mode:
    """What a Postfix asks: addresses as unix:/PATH or inet:HOST:PORT, or nothing."""

    name: str
    policy: str | None = None
    milter: str | None = None
    recipient: str = STRANGER


class DiscardingPostfix(PrivatePostfix):
    """A private Postfix that delivers nothing; the bare one is without Gatepost's header_checks."""

    def _private_settings(self) -> tuple[Setting, ...]:
        bare = self.model.policy is None and self.model.milter is None
        checks = (Setting("header_checks", "", "as before Gatepost"),) if bare else ()
        return (
            *super()._private_settings(),
            Setting("virtual_transport", "discard:", "delivery is not what is measured"),
            *checks,
        )


def model(mode: Mode, port: int) -> PostfixModel:
    """The configuration of a mode; not chrooted, so that sockets may be anywhere."""
    return PostfixModel(
        hostname="mx.example.com",
        listeners=(Listener(port),),
        domains=("example.com",),
        mailboxes=(STRANGER, ACQUAINTED),
        lmtp="unix:/nowhere",
        mynetworks=NO_CLIENT_IS_OURS,
        policy=PolicyService(mode.policy, "DUNNO") if mode.policy else None,
        relay_policy=None,
        milter=Milter(mode.milter) if mode.milter else None,
        chroot=False,
    )


@contextlib.contextmanager
def milter_noop(folder: Path, *, header: bool) -> Iterator[str]:
    """Run the C milter that decides nothing and give its address; with `header` it adds one."""
    what = "header" if header else "none"
    address, log = f"unix:{folder}/milter-{what}.sock", folder / f"milter-{what}.log"
    with processes.running([str(build.program("milter_noop")), address, what], log, address):
        processes.open_to_all(address)
        yield address


def rounds(modes: Sequence[Mode], folder: Path, count: int, messages: int) -> dict[str, list[float]]:
    """Messages per second of each mode, round by round; one round goes before, to warm up.

    Each round begins with another mode, because what a mode leaves to write slows the next one.
    """
    speeds: dict[str, list[float]] = {mode.name: [] for mode in modes}
    with contextlib.ExitStack() as running:
        servers = [(mode, running.enter_context(_postfix(mode, folder))) for mode in modes]
        for turn in range(count + 1):
            for mode, postfix in servers[turn % len(servers) :] + servers[: turn % len(servers)]:
                speed = _send(postfix, mode.recipient, messages)
                speeds[mode.name] += [speed] if turn else []
        for mode, postfix in servers:
            _check_log(mode, postfix.log)
    return speeds


def _check_log(mode: Mode, log: str) -> None:
    """Refuse figures of a Postfix that went on without its policy server or milter."""
    complaints = [line for line in log.splitlines() if _GONE.search(line)]
    if complaints:
        raise BenchError(f"Postfix, {mode.name}: {complaints[0]}")


def _postfix(mode: Mode, folder: Path) -> DiscardingPostfix:
    port = processes.free_port()
    return DiscardingPostfix(folder / f"postfix-{port}", model(mode, port))


def _send(postfix: DiscardingPostfix, recipient: str, messages: int) -> float:
    """Messages per second from the first connection to the last delivery."""
    program = processes.installed("smtp-source")
    if program is None:
        raise BenchError("smtp-source is not installed (Debian package postfix)")
    load = ["-s", str(SESSIONS), "-m", str(messages), "-l", str(MESSAGE_BYTES)]
    envelope = ["-f", SENDER, "-t", recipient]
    target = f"inet:127.0.0.1:{postfix.model.listeners[0].port}"
    start = time.monotonic()
    subprocess.run([program, *load, *envelope, target], check=True)
    postfix.wait_until_queue_is_empty(_DELIVERY_SECONDS)
    return messages / (time.monotonic() - start)
