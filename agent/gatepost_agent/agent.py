"""The agent's loop: feed the snapshot, drain the journal, keep aliases fresh, forget old events.

DIAGNOSTICS: `status.json` in the state folder says what the agent did last and what troubles it; an
alarm is logged when it begins and when it ends.
SECURITY: the only daemon that talks to the database; listens on nothing.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import signal
import socket
import threading
import time
from pathlib import Path
from types import FrameType

from gatepost.atomic import write_atomically
from gatepost.config import Config
from gatepost.errors import UnavailableError
from gatepost.store.database import make_engine
from gatepost.store.journaled import forget_events
from gatepost_agent.alias_sync import AliasSync
from gatepost_agent.drainer import Drainer
from gatepost_agent.duty import Beside, Duty
from gatepost_agent.feeder import Feeder

LOG = logging.getLogger("gatepost.agent")
STATUS_FILE = "status.json"
LOCK_FILE = "agent.lock"
_MINUTE, _DAY = 60.0, 86400.0
_STATUS_FORMAT = 1
_STATUS_SECONDS = 5.0
"""how often an unchanged status is written again, as a sign of life"""
_LOCK_SECONDS = 1.0
"""how long the lock is tried for: `gatepost status` holds it for a moment when it looks whether an agent runs"""
_LAST_SECONDS = 5.0
"""how long the end waits for Postfix's programs"""


class Agent:
    """All duties of one host's agent."""

    def __init__(self, config: Config) -> None:
        """Take the host's lock and open journal and snapshot; the database may be down."""
        self._config = config
        self._state = Path(config.paths.state)
        self._state.mkdir(parents=True, exist_ok=True)
        self._lock = _take_lock(self._state / LOCK_FILE)
        engine = make_engine(config.database, for_daemon=True, may_create=False)
        self._feeder = Feeder(engine, config.snapshot_folder, gib=config.agent.snapshot_gib)
        self._feeder.open()
        self._drainer = Drainer(engine, config.journal_folder)
        aliases = AliasSync(
            engine, config.aliases.postfix_config, self._drainer.journal, socket.gethostname()
        )
        self._aliases = aliases
        self._stop = threading.Event()
        self._feed = Duty("feed", config.agent.poll_seconds, self._feeder.step)
        self._others = [
            Duty("journal", config.agent.drain_seconds, self._drain),
            Duty("readers", _MINUTE, self._feeder.check_readers),
            Duty(
                "events", _DAY, lambda: forget_events(engine, time.time() - config.agent.events_days * _DAY)
            ),
        ]
        of_aliases = [
            Duty("aliases", config.aliases.sync_seconds, aliases.sync),
            Duty("asked aliases", config.agent.drain_seconds, aliases.answer),
        ]
        self._beside = Beside(of_aliases if config.aliases.sync_seconds else (), config.agent.poll_seconds)
        self._telling = Duty("status", 0.0, self._tell)
        self._told = ""
        self._told_at = 0.0

    def run(self) -> None:
        """Work until SIGTERM or SIGINT."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        self._beside.start()
        while not self._stop.wait(self._config.agent.poll_seconds):
            self.step(time.monotonic())
        if self._beside.stop(_LAST_SECONDS):
            self._feeder.close()
            self._drainer.close()

    def step(self, now: float) -> None:
        """Do what is due; nothing goes into a database that is not the snapshot's."""
        if self._feed.run(now):
            self._beside.allowed.set()
            for duty in self._others:
                duty.run(now)
        else:
            self._beside.allowed.clear()
        self._telling.run(now)

    def _drain(self) -> None:
        self._drainer.step()
        self._aliases.settle(self._feeder)

    def _tell(self) -> None:
        """Write the status when it changed, and now and then."""
        now = time.monotonic()
        duties = [self._feed, *self._others, *self._beside.duties]
        position = self._feeder.position()
        status = {
            "format": _STATUS_FORMAT,
            "pid": os.getpid(),
            "feed": position.number if position else None,
            "database": position.uuid if position else None,
            "epoch": position.epoch if position else None,
            "generation": self._feeder.generation.name if self._feeder.generation else None,
            "waiting": self._drainer.journal.waiting(),
            "trouble": {duty.name: duty.trouble for duty in duties if duty.trouble},
        }
        text = json.dumps(status)
        if text != self._told or now - self._told_at >= _STATUS_SECONDS:
            self._told = ""
            write_atomically(self._state / STATUS_FILE, json.dumps(status | {"at": time.time()}) + "\n")
            self._told, self._told_at = text, now

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self._stop.set()


def _take_lock(file: Path) -> int:
    """Be the only agent of this state folder until this process ends."""
    descriptor = os.open(file, os.O_CREAT | os.O_RDWR, 0o644)
    last = time.monotonic() + _LOCK_SECONDS
    while not _is_locked(descriptor):
        if time.monotonic() >= last:
            os.close(descriptor)
            raise UnavailableError(
                f"another agent works on {file.parent}", "one agent a host; see: gatepost status"
            )
        time.sleep(_LOCK_SECONDS / 20)
    return descriptor


def _is_locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def run(config: Config) -> None:
    """Work until told to stop."""
    Agent(config).run()
