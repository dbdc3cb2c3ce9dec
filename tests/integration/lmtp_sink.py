"""An LMTP server that keeps what it gets, octet by octet (RFC 2033)."""

from __future__ import annotations

import queue
import socketserver
import threading
from dataclasses import dataclass, field
from typing import Self, cast

_EXTENSIONS = b"250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n"


@dataclass(frozen=True, slots=True)
class Delivered:
    """A message as Postfix handed it over, without the lines that Postfix put before it."""

    recipients: tuple[str, ...]
    content: bytes

    @property
    def header(self) -> bytes:
        """The header, with all line ends as they came."""
        return self.content.partition(b"\r\n\r\n")[0] + b"\r\n"

    @property
    def body(self) -> bytes:
        """The body."""
        return self.content.partition(b"\r\n\r\n")[2]

    @property
    def verdicts(self) -> list[str]:
        """The verdict headers' values; also those that only a careless reader would take for one."""
        lines = self.header.replace(b"\r\n ", b" ").replace(b"\r\n\t", b" ").split(b"\r\n")
        named = (line.partition(b":") for line in lines)
        return [
            value.strip().decode()
            for name, _, value in named
            if name.strip().lower() == b"x-gatepost-verdict"
        ]


@dataclass(slots=True)
class _Envelope:
    recipients: list[str] = field(default_factory=list)


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self.wfile.write(b"220 sink LMTP\r\n")
        envelope = _Envelope()
        for line in self.rfile:
            verb = line[:4].upper()
            if verb == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                cast("LmtpSink", self.server).keep(envelope, self._content())
                self.wfile.write(b"250 kept\r\n" * len(envelope.recipients))
                envelope = _Envelope()
            elif verb == b"QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            else:
                if verb == b"RCPT":
                    envelope.recipients.append(line.partition(b"<")[2].partition(b">")[0].decode())
                self.wfile.write(_EXTENSIONS if verb == b"LHLO" else b"250 ok\r\n")

    def _content(self) -> bytes:
        lines = []
        for line in self.rfile:
            if line == b".\r\n":
                break
            lines.append(line.removeprefix(b"."))
        return b"".join(lines)


class LmtpSink(socketserver.ThreadingTCPServer):
    """The server, on a port of its own, as a context manager."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self._kept: queue.Queue[Delivered] = queue.Queue()
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()

    @property
    def destination(self) -> str:
        """Where it is, for Postfix."""
        return f"inet:127.0.0.1:{self.server_address[1]}"

    def keep(self, envelope: _Envelope, content: bytes) -> None:
        """Take a message."""
        self._kept.put(Delivered(tuple(envelope.recipients), content))

    def take(self) -> Delivered:
        """Wait for the next message."""
        return self._kept.get(timeout=20)

    def forget(self) -> None:
        """Drop what nobody asked for."""
        while not self._kept.empty():
            self._kept.get()
