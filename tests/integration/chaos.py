"""Killing Gatepost's daemons one after the other under a load of mail, and what may be claimed afterwards.

A daemon is killed only while all others run and no client still holds a connection to Postfix that began
before the last one came back: Postfix asks policyd nothing more in an SMTP session whose connection to
policyd was cut (attr_clnt.c, try_limit=1), so an older session has the milter alone.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from dataclasses import dataclass, field
from typing import Self

from tests.integration.failing import (
    ALLOWED,
    ANN,
    BLOCKED,
    BOB,
    JUNKED,
    UNKNOWN,
    Sent,
    children,
    send,
)

from gatepost_cli.demo.daemons import Daemon
from gatepost_cli.demo.host import PrivateHost, wait_until

KINDS = ((BLOCKED, None), (JUNKED, None), (ALLOWED, None), (UNKNOWN, None), (UNKNOWN, BLOCKED))
"""domains of envelope sender and From: header"""


@dataclass(frozen=True, slots=True)
class Kill:
    """When a daemon was killed and when it was there again."""

    name: str
    at: float
    """monotonic seconds"""
    back: float


@dataclass
class Load:
    """Some threads that send mail of all kinds until they are told to stop."""

    host: PrivateHost
    threads: int
    sent: list[list[Sent]] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _running: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Self:
        for number in range(self.threads):
            self.sent.append([])
            self._running.append(threading.Thread(target=self._run, args=(number,)))
        for thread in self._running:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._running:
            thread.join()

    def all_sent(self) -> list[Sent]:
        """Give everything that was sent."""
        return [one for of_thread in self.sent for one in of_thread]

    def wait_for_new_sessions(self, each: int = 3) -> None:
        """Wait until every thread has begun and ended some more sessions."""
        wanted = [len(of_thread) + each for of_thread in self.sent]
        wait_until(
            lambda: all(len(got) >= want for got, want in zip(self.sent, wanted, strict=True)),
            30,
            "mail to flow",
        )

    def _run(self, number: int) -> None:
        chance = random.Random(number)  # noqa: S311  no secret
        try:
            while not self._stop.is_set():
                domain, author = chance.choice(KINDS)
                to = (ANN, BOB) if chance.random() < 0.3 else (ANN,)
                self.sent[number].append(send(self.host, domain, *to, header_from=author))
        except BaseException as error:  # noqa: BLE001  the test looks at it
            self.errors.append(error)


def kill_at_random(host: PrivateHost, load: Load, seconds: float) -> list[Kill]:
    """Kill policyd, one of its workers, the milter or the agent again and again, one at a time."""
    chance = random.Random(1)  # noqa: S311  no secret
    kills, until = [], time.monotonic() + seconds
    while time.monotonic() < until:
        name = chance.choice(["policyd", "worker", "milter", "agent"])
        kills.append(kill(host, name, chance.random() * 0.3))
        load.wait_for_new_sessions()
    return kills


def kill(host: PrivateHost, name: str, pause: float) -> Kill:
    """Kill one and bring it back after a pause, in seconds."""
    at = time.monotonic()
    if name == "worker":
        _kill_worker(host.policyd)
    else:
        daemon: Daemon = getattr(host, name)
        daemon.kill()
        time.sleep(pause)
        daemon.start()
    return Kill("policyd" if name == "worker" else name, at, time.monotonic())


def _kill_worker(policyd: Daemon) -> None:
    """Kill one worker; its parent starts another."""
    before = set(children(policyd.pid))
    os.kill(min(before), signal.SIGKILL)
    wait_until(lambda: len(set(children(policyd.pid)) - {min(before)}) == len(before), 5, "another worker")
