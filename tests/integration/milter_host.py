"""A real Postfix with Gatepost's milter before it and an LMTP server behind it that keeps every octet.

Nothing else stands in the way: no policyd, no Dovecot, no header_checks, so what arrives is the milter's work.
"""

from __future__ import annotations

import shutil
import smtplib
import socket
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.integration.lmtp_sink import Delivered, LmtpSink
from tests.unit.snapshots import write

from gatepost.private_server import free_port
from gatepost.rule import Rule
from gatepost.sockets import is_answered
from gatepost_cli.demo.daemons import Daemon
from gatepost_postfix_conf.model import Listener, PostfixModel, Setting
from gatepost_postfix_conf.private import PrivatePostfix

STRANGER, OURS = "127.0.0.2", "127.0.0.1"
SUNK = "sunk@example.com"
"""a recipient whose mail is discarded"""
_CONFIG = """\
[paths]
state = "{folder}/state"
[site]
mynetworks = ["127.0.0.1/32"]
[milter]
listen = "unix:{socket}"
"""


class BarePostfix(PrivatePostfix):
    """Postfix that leaves the header to the milter."""

    def _private_settings(self) -> tuple[Setting, ...]:
        return (
            *super()._private_settings(),
            Setting("header_checks", "", "the milter alone has to strip forgeries here"),
            Setting("transport_maps", f"inline:{{ {{ {SUNK} = discard: }} }}", "for mail in bulk"),
            Setting("default_process_limit", "250", "for many clients at once"),
            Setting("smtpd_forbid_bare_newline", "no", "bare newlines shall reach the milter"),
        )


@dataclass(frozen=True, slots=True)
class MilterHost:
    """All of it, running."""

    postfix: BarePostfix
    sink: LmtpSink
    milter: Daemon
    config: Path

    @property
    def socket(self) -> str:
        """Where the milter listens."""
        return str(self.postfix.gatepost_dir / "milter.sock")

    @property
    def port(self) -> int:
        """Where Postfix listens."""
        return self.postfix.model.listeners[0].port

    def smtp(self, client: str = STRANGER) -> smtplib.SMTP:
        """Connect and greet."""
        smtp = smtplib.SMTP("127.0.0.1", self.port, "client.example", source_address=(client, 0))
        smtp.ehlo()
        smtp.command_encoding = "utf-8"
        return smtp

    def send(self, content: bytes, *to: str, sender: str = "joe@x.org", client: str = STRANGER) -> Delivered:
        """Send one message and wait until it arrives."""
        with self.smtp(client) as smtp:
            said = transact(smtp, content, to or ("ann@example.com",), sender)
        assert said.startswith("250"), said
        return self.sink.take()


def transact(smtp: smtplib.SMTP, content: bytes, to: Sequence[str], sender: str) -> str:
    """Send one message; gives the reply to the final dot, or to the first recipient that is refused."""
    utf8 = "" if (sender + "".join(to)).isascii() else " SMTPUTF8"
    for command in (f"MAIL FROM:<{sender}>{utf8}", *(f"RCPT TO:<{one}>" for one in to)):
        code, text = smtp.docmd(command)
        if code >= 400:
            smtp.rset()
            return f"{code} {text.decode()}"
    code, text = smtp.data(content)
    return f"{code} {text.decode()}"


@contextmanager
def milter_host(mailboxes: Sequence[str], rules: Sequence[Rule]) -> Iterator[MilterHost]:
    """Start everything."""
    folder = Path(tempfile.mkdtemp(prefix="gatepost-"))
    folder.chmod(0o755)
    try:
        with LmtpSink() as sink, BarePostfix(folder / "postfix", _model(mailboxes, sink)) as postfix:
            config = folder / "gatepost.toml"
            config.write_text(_CONFIG.format(folder=folder, socket=postfix.gatepost_dir / "milter.sock"))
            write(folder / "state/snapshot", rules)
            milter = start_milter(postfix, config)
            try:
                yield MilterHost(postfix, sink, milter, config)
            finally:
                milter.stop()
    finally:
        shutil.rmtree(folder)


def start_milter(postfix: PrivatePostfix, config: Path) -> Daemon:
    """Start the milter where Postfix looks for it."""
    path = str(postfix.gatepost_dir / "milter.sock")
    milter = Daemon("milter", config, config.parent / "milter.log", lambda: is_answered(path))
    milter.start()
    return milter


def _model(mailboxes: Sequence[str], sink: LmtpSink) -> PostfixModel:
    return PostfixModel(
        hostname="mail.example.com",
        listeners=(Listener(free_port()),),
        domains=("example.com",),
        mailboxes=(*mailboxes, SUNK),
        lmtp=sink.destination,
        xclient_hosts=("127.0.0.0/8",),
        policy=None,
        relay_policy=None,
        smtputf8=True,
    )


def packet(client: socket.socket, command: bytes, data: bytes = b"") -> None:
    """Write a packet of the milter protocol."""
    client.sendall((len(data) + 1).to_bytes(4) + command + data)


def reply(client: socket.socket) -> tuple[bytes, bytes]:
    """Read a packet of the milter protocol."""
    stream = client.makefile("rb")
    length = int.from_bytes(stream.read(4))
    content = stream.read(length)
    return content[:1], content[1:]
