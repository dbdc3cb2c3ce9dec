"""The parent process: listens, forks the workers, replaces those that die, ends them when told.

DIAGNOSTICS: a worker that dies is logged and replaced at once; one that dies within a second of its
start is replaced after a second, so that a lasting fault does not burn the machine.
A worker that the kernel ended may have read a damaged snapshot: the agent is asked to look at it.
SECURITY: needs no privilege but to create its sockets and to read the snapshot; it opens no network
connection and no database.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

from gatepost.config import Config
from gatepost.snapshot.complaint import complain
from gatepost.sockets import allow_many_connections, listen, parse_socket_address
from gatepost_policyd.worker import work

LOG = logging.getLogger("gatepost.policyd")
_TOO_SOON_SECONDS = 1.0
_POLL_SECONDS = 0.05
_ENDING = (signal.SIGTERM, signal.SIGINT)
_CRASHES = (signal.SIGBUS, signal.SIGSEGV, signal.SIGABRT, signal.SIGILL, signal.SIGFPE)


def run(config: Config) -> None:
    """Serve until SIGTERM or SIGINT."""
    allow_many_connections()
    mode = int(config.policyd.socket_mode, 8)
    inbound = [listen(parse_socket_address(a), mode) for a in config.policyd.listen]
    relay = [listen(parse_socket_address(a), mode) for a in config.policyd.relay_listen]
    Supervisor(
        lambda: work(config, inbound, relay), config.policyd.workers, lambda: complain(config.snapshot_folder)
    ).run()


class Supervisor:
    """Keeps a number of worker processes alive."""

    def __init__(self, work: Callable[[], None], workers: int, on_crash: Callable[[], None]) -> None:
        """Run `work` in each of `workers` forked processes; `on_crash` hears of one that the kernel ended."""
        self._work = work
        self._on_crash = on_crash
        self._wanted = workers
        self._started: dict[int, float] = {}
        self._stopping = False

    def run(self) -> None:
        """Fork, watch, and end the workers when this process is told to end."""
        for number in _ENDING:
            signal.signal(number, self._stop)
        while not self._stopping:
            while len(self._started) < self._wanted and not self._stopping:
                self._fork()
            self._wait()
        self._end_workers()
        while self._started:
            self._wait()

    def _stop(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self._stopping = True
        self._end_workers()

    def _end_workers(self) -> None:
        for pid in list(self._started):
            with contextlib.suppress(ProcessLookupError):  # it ended by itself just now
                os.kill(pid, signal.SIGTERM)

    def _fork(self) -> None:
        """Start a worker; no signal comes through while only one of the two processes could act on it."""
        parent = os.getpid()
        signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
        pid = os.fork()
        if pid:
            self._started[pid] = time.monotonic()
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)
        else:
            self._be_worker(parent)

    def _be_worker(self, parent: int) -> NoReturn:
        status = 1
        try:
            for number in _ENDING:
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)
            end_with_parent(parent)
            self._work()
            status = 0
        except BaseException:
            LOG.exception("worker")
        finally:
            logging.shutdown()
            sys.stderr.flush()
            os._exit(status)

    def _wait(self) -> None:
        try:
            pid, status = os.wait()
        except InterruptedError:
            return
        except ChildProcessError:
            self._started.clear()
            return
        started = self._started.pop(pid, None)
        if started is None or self._stopping:
            return
        LOG.error("worker %d ended with status %d, starting another", pid, os.waitstatus_to_exitcode(status))
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) in _CRASHES:
            self._on_crash()
        if time.monotonic() - started < _TOO_SOON_SECONDS:
            self._pause(_TOO_SOON_SECONDS)

    def _pause(self, seconds: float) -> None:
        """Sleep, but not on after a signal to end (Python would, PEP 475)."""
        end = time.monotonic() + seconds
        while not self._stopping and time.monotonic() < end:
            time.sleep(_POLL_SECONDS)


def end_with_parent(parent: int) -> None:
    """Have the kernel end this process when its parent dies, kill -9 included (prctl(2))."""
    import ctypes  # noqa: PLC0415  only here

    set_death_signal = 1
    ctypes.CDLL(None).prctl(set_death_signal, signal.SIGTERM)
    if os.getppid() != parent:  # it died before that
        raise SystemExit
