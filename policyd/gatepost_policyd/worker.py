"""One worker process: everything it opens is opened after the fork."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import time
from collections.abc import Sequence

import uvloop

from gatepost.config import Config
from gatepost.decision_log import DecisionLog
from gatepost.journal.recorder import Recorder
from gatepost.mailpath import MailPath
from gatepost.network import parse_network
from gatepost.snapshot.generation import SnapshotError
from gatepost.snapshot.reader import SnapshotReader
from gatepost_policyd.policy import InboundPolicy, Policy, RelayPolicy
from gatepost_policyd.server import serve

_OBJECTS_BETWEEN_COLLECTIONS = 50_000
"""a request makes some dozens and leaves no cycles; the default of 700 has the collector run all the time"""


def work(config: Config, inbound: Sequence[socket.socket], relay: Sequence[socket.socket]) -> None:
    """Answer on the sockets until told to stop."""
    recorder = Recorder(config.journal_folder)
    recorder.start()
    decisions = DecisionLog("gatepost.policyd")
    decisions.start()
    reader = SnapshotReader(config.snapshot_folder)
    settings = config.policyd
    policy = InboundPolicy(
        MailPath(reader, recorder),
        tuple(map(parse_network, config.site.mynetworks)),
        settings.on_missing_snapshot,
        time.monotonic,
        decisions.note,
    )
    listeners: list[tuple[socket.socket, Policy]] = [(sock, policy) for sock in inbound]
    listeners += [(sock, RelayPolicy()) for sock in relay]
    limit, idle = settings.max_request_bytes, settings.idle_timeout_seconds
    gc.freeze()
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(listeners, limit=limit, idle_seconds=idle, at_leisure=lambda: _let_go(reader)))
    finally:
        recorder.stop()
        decisions.stop()


def _let_go(reader: SnapshotReader) -> None:
    """Hold no old generation while nobody asks, so that the agent can remove it."""
    with contextlib.suppress(SnapshotError):  # whoever asks is told
        reader.follow()
