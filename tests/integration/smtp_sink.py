"""An SMTP server on loopback that takes every message and keeps it (RFC 5321, the least of it)."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import Message


class _Session(socketserver.StreamRequestHandler):
    server: Sink

    def handle(self) -> None:
        self.wfile.write(b"220 sink\r\n")
        for line in self.rfile:
            verb = line[:4].upper()
            if verb == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                content = b"".join(iter(self.rfile.readline, b".\r\n"))
                self.server.messages.append(message_from_bytes(content))
            self.wfile.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 sink\r\n")


class Sink(socketserver.ThreadingTCPServer):
    """Keeps what it was given in `messages`."""

    daemon_threads = True

    def __init__(self) -> None:
        self.messages: list[Message] = []
        super().__init__(("127.0.0.1", 0), _Session)

    @property
    def next_hop(self) -> str:
        """Itself, as Postfix's relayhost."""
        return f"[127.0.0.1]:{self.server_address[1]}"


@contextmanager
def running_sink() -> Iterator[Sink]:
    """Serve from a thread until the block ends."""
    with Sink() as sink:
        thread = threading.Thread(target=sink.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield sink
        finally:
            sink.shutdown()
            thread.join()
