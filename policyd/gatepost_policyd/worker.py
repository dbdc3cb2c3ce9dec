"""One worker process: everything it opens is opened after the fork."""

from __future__ import annotations

import asyncio
import signal
import socket
import time
from collections.abc import Sequence

import uvloop

from gatepost.config import Config
from gatepost.journal.recorder import Recorder
from gatepost.mailpath import MailPath
from gatepost.network import parse_network
from gatepost.snapshot.reader import SnapshotReader
from gatepost_policyd.policy import InboundPolicy, Policy, RelayPolicy
from gatepost_policyd.server import serve


def work(config: Config, inbound: Sequence[socket.socket], relay: Sequence[socket.socket]) -> None:
    """Answer on the sockets until told to stop."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    recorder = Recorder(config.journal_folder)
    recorder.start()
    settings = config.policyd
    policy = InboundPolicy(
        MailPath(SnapshotReader(config.snapshot_folder), recorder),
        tuple(map(parse_network, config.site.mynetworks)),
        settings.on_missing_snapshot,
        time.monotonic,
    )
    listeners: list[tuple[socket.socket, Policy]] = [(sock, policy) for sock in inbound]
    listeners += [(sock, RelayPolicy()) for sock in relay]
    limit, idle = settings.max_request_bytes, settings.idle_timeout_seconds
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(listeners, limit=limit, idle_seconds=idle))
    finally:
        recorder.stop()
