"""Sending as a stranger, and looking where a message lies."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from pathlib import Path

from gatepost.network import parse_network
from gatepost_cli.demo.host import PrivateHost

STRANGER = "127.0.0.2"
"""the loopback address from which strangers come; it is not in mynetworks"""


@dataclass(frozen=True, slots=True)
class Reply:
    """What an SMTP server said."""

    code: int
    text: str

    @property
    def is_ok(self) -> bool:
        """Whether it is a success (2xx or 3xx)."""
        return self.code < 400

    def __str__(self) -> str:
        """Show it as it came."""
        return f"{self.code} {self.text}"


@dataclass(frozen=True, slots=True)
class Dialogue:
    """The server's answers to one message."""

    mail: Reply
    rcpt: tuple[Reply, ...]
    end: Reply | None
    """the reply to the final dot; None when no recipient was left"""


def talk(
    host: PrivateHost, sender: str, recipients: Sequence[str], content: bytes, client: str = STRANGER
) -> Dialogue:
    """Send one message as a client of any address; one that is not loopback is announced by XCLIENT."""
    with session(host, client) as smtp:
        utf8 = not (sender + "".join(recipients)).isascii()
        mail = _said(smtp.docmd("MAIL", f"FROM:<{sender}>" + (" SMTPUTF8" if utf8 else "")))
        rcpt = tuple(_said(smtp.docmd("RCPT", f"TO:<{to}>")) for to in recipients)
        if not any(reply.is_ok for reply in rcpt):
            return Dialogue(mail, rcpt, None)
        return Dialogue(mail, rcpt, _said(smtp.data(content)))


def try_recipient(smtp: smtplib.SMTP, sender: str, recipient: str) -> Reply:
    """Ask whether a recipient would be taken, and send nothing."""
    smtp.docmd("MAIL", f"FROM:<{sender}>")
    reply = _said(smtp.docmd("RCPT", f"TO:<{recipient}>"))
    smtp.rset()
    return reply


@contextmanager
def session(host: PrivateHost, client: str = STRANGER) -> Iterator[smtplib.SMTP]:
    """Connect as a client of any address, and say hello."""
    with smtplib.SMTP("127.0.0.1", host.smtp_port, "client.example", source_address=(STRANGER, 0)) as smtp:
        smtp.command_encoding = "utf-8"
        smtp.ehlo()
        if not client.startswith("127."):
            family = "" if parse_network(client).version == 4 and ":" not in client else "IPV6:"
            smtp.docmd("XCLIENT", f"ADDR={family}{client} NAME=[UNAVAILABLE]")
            smtp.ehlo()
        yield smtp


def compose(header_from: Sequence[str], subject: str, extra: str = "") -> bytes:
    """Write a small message with any number of From: lines, which may be malformed."""
    lines = [
        *(f"From: {body}" for body in header_from),
        f"Subject: {subject}",
        "Message-ID: <m@client.example>",
    ]
    return ("\r\n".join(lines) + "\r\n" + extra + "\r\nHello.\r\n").encode("utf-8", "surrogateescape")


@dataclass(frozen=True, slots=True)
class Stored:
    """A message where Dovecot stored it."""

    folder: str
    message: Message


def stored(host: PrivateHost, mailbox: str) -> list[Stored]:
    """List all messages of a mailbox, INBOX first."""
    user = next(user for user in host.dovecot.model.users if user.address == mailbox)
    root = host.dovecot.home(user) / "Maildir"
    found = [*_messages(root, "INBOX")]
    for folder in sorted(root.glob(".?*")):
        found += _messages(folder, folder.name[1:])
    return found


def empty(host: PrivateHost) -> None:
    """Remove all mail."""
    for user in host.dovecot.model.users:
        for path in (host.dovecot.home(user) / "Maildir").glob("**/new/*"):
            path.unlink()


def _messages(maildir: Path, name: str) -> list[Stored]:
    paths = [path for part in ("new", "cur") for path in (maildir / part).glob("*")]
    return [Stored(name, message_from_bytes(path.read_bytes())) for path in sorted(paths)]


def _said(reply: tuple[int, bytes]) -> Reply:
    return Reply(reply[0], reply[1].decode("utf-8", "replace").replace("\n", " "))
