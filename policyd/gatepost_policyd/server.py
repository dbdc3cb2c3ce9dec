"""A worker's event loop: connections, limits, and a clean end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Callable, Iterable
from functools import partial
from typing import cast

from gatepost.sockets import BACKLOG
from gatepost_policyd.policy import DUNNO, Policy
from gatepost_policyd.protocol import Malformed, RequestParser

LOG = logging.getLogger("gatepost.policyd")
_SWEEP_SECONDS = 5.0
_SWEEPS_OF_SHORT_TIMES = 4
_READ_ON_SECONDS = 0.05
"""after SIGTERM, so that what was sent before it is answered"""
_LAST_LOOKS = 10
"""so many times longer, for clients to take their last answers"""


class Connection(asyncio.Protocol):
    """One Postfix smtpd that asks."""

    def __init__(self, policy: Policy, limit: int, open_ones: set[Connection]) -> None:
        """Answer by a policy; requests have up to `limit` octets."""
        self._policy = policy
        self._parser = RequestParser(limit)
        self._open_ones = open_ones
        self._transport: asyncio.Transport | None = None
        self.idle_sweeps = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's have no common base with asyncio's
        self._open_ones.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        """End."""
        del error
        self._open_ones.discard(self)

    def data_received(self, data: bytes) -> None:
        """Answer every request that ends in this portion, in order."""
        self.idle_sweeps = 0
        answers = []
        close = False
        for item in self._parser.feed(data):
            if isinstance(item, Malformed):
                LOG.warning("malformed request: %s", item.reason)
                answers.append(DUNNO)
                close = close or item.fatal
            else:
                answers.append(self._answer(item))
        transport = self._transport
        if transport is not None and answers:
            transport.write(answers[0] if len(answers) == 1 else b"".join(answers))
            if close:
                transport.close()

    def pause_writing(self) -> None:
        """Read no more from a client that does not take its answers."""
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Read on."""
        if self._transport is not None:
            self._transport.resume_reading()

    def close(self) -> None:
        """Close after what is written already."""
        if self._transport is not None:
            self._transport.close()

    def drop(self) -> None:
        """Close at once, whatever the client has not taken yet."""
        if self._transport is not None:
            self._transport.abort()

    def _answer(self, item: dict[bytes, bytes]) -> bytes:
        try:
            return self._policy.answer(item)
        except Exception:
            LOG.exception("a request could not be judged")
            return DUNNO


async def serve(
    listeners: Iterable[tuple[socket.socket, Policy]],
    *,
    limit: int,
    idle_seconds: float,
    at_leisure: Callable[[], None],
) -> None:
    """Answer on some sockets until SIGTERM or SIGINT; `at_leisure` is called every few seconds."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    open_ones: set[Connection] = set()
    servers = [
        await loop.create_server(partial(Connection, policy, limit, open_ones), sock=sock, backlog=BACKLOG)
        for sock, policy in listeners
    ]
    pause = min(_SWEEP_SECONDS, idle_seconds / _SWEEPS_OF_SHORT_TIMES)
    while not stop.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), pause)
        _sweep(open_ones, idle_seconds / pause)
        at_leisure()
    await asyncio.sleep(_READ_ON_SECONDS)
    for server in servers:
        server.close()
    await _end(open_ones)


def _sweep(open_ones: set[Connection], sweeps: float) -> None:
    for connection in list(open_ones):
        connection.idle_sweeps += 1
        if connection.idle_sweeps > sweeps:
            connection.drop()


async def _end(open_ones: set[Connection]) -> None:
    for connection in list(open_ones):
        connection.close()
    for _ in range(_LAST_LOOKS):
        if open_ones:
            await asyncio.sleep(_READ_ON_SECONDS)
    for connection in list(open_ones):
        connection.drop()
