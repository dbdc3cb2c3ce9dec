"""Postfix in front of Dovecot, and what a test wants to do with them."""

from __future__ import annotations

import imaplib
import shutil
import smtplib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import SMTP
from pathlib import Path

from gatepost.private_server import free_port
from gatepost_dovecot_conf import model as dovecot_model
from gatepost_dovecot_conf.private import PrivateDovecot
from gatepost_postfix_conf import model as postfix_model
from gatepost_postfix_conf.private import PrivatePostfix

PASSWORD = "secret"
STRANGER = "127.0.0.2"
VERDICT = "X-Gatepost-Verdict"
HOSTILE = (
    "*@example.com",
    "a?b@example.com",
    "o'neil@example.com",
    "..@example.com",
    "a/b@example.com",
    "back\\slash@example.com",
    'quo"te@example.com',
    "sp ace@example.com",
    "a;b@example.com",
)
MAILBOXES = ("ann@example.com", "bob@example.com", "carl@example.com", *HOSTILE)


@dataclass(frozen=True, slots=True)
class MailHost:
    """Both servers, running."""

    dovecot: PrivateDovecot
    postfix: PrivatePostfix

    @classmethod
    @contextmanager
    def start(cls, folder: Path, prefix: tuple[str, ...]) -> Iterator[MailHost]:
        """Start both below `folder`, Gatepost's hooks left on with nobody behind them."""
        users = dovecot_model.make_users(MAILBOXES, PASSWORD)
        imap = dovecot_model.Listener(free_port())
        with PrivateDovecot(folder / "dovecot", dovecot_model.DovecotModel(imap, users), prefix) as dovecot:
            wanted = postfix_wanted(dovecot.lmtp_destination)
            with PrivatePostfix(folder / "postfix", wanted, prefix) as postfix:
                yield cls(dovecot, postfix)

    @property
    def smtp_port(self) -> int:
        """Where Postfix listens."""
        return self.postfix.model.listeners[0].port

    def smtp(self, client: str = STRANGER) -> smtplib.SMTP:
        """Connect to Postfix from another loopback address."""
        return smtplib.SMTP("127.0.0.1", self.smtp_port, "client.example", source_address=(client, 0))

    def send(self, text: str, *to: str, sender: str = "joe@x.example") -> None:
        """Send a message as a stranger, and wait until it has been delivered."""
        with self.smtp() as client:
            client.sendmail(sender, to, text.replace("\n", "\r\n").encode())
        self.postfix.wait_until_queue_is_empty()

    def deliver(self, text: str, *to: str) -> None:
        """Hand a message to Dovecot as Postfix does, with quoted local parts as they are given."""
        with smtplib.LMTP(str(self.dovecot.places.lmtp_socket)) as client:
            client.ehlo()
            client.mail("joe@x.example")
            for address in to:
                code, answer = client.docmd(f"RCPT TO:<{address}>")
                assert code == 250, answer
            client.docmd("DATA")
            client.send(text.replace("\n", "\r\n").encode() + b"\r\n.\r\n")
            for _ in to:
                code, answer = client.getreply()
                assert code == 250, answer

    def read(self, user: str, mailbox: str = "INBOX") -> Sequence[EmailMessage]:
        """Fetch all messages of a mailbox over IMAP; none if there is no such mailbox."""
        with imaplib.IMAP4("127.0.0.1", self.dovecot.model.imap.port) as imap:
            imap.login(f'"{imap_quoted(user)}"', PASSWORD)
            if imap.select(mailbox, readonly=True)[0] != "OK":
                return ()
            numbers = imap.search(None, "ALL")[1][0].split()
            fetched = [imap.fetch(number.decode(), "(BODY.PEEK[])")[1][0] for number in numbers]
        parse = BytesParser(EmailMessage, policy=SMTP).parsebytes
        return tuple(parse(part[1]) for part in fetched if isinstance(part, tuple))

    def processes(self) -> set[int]:
        """Find the servers' processes by where they stand: below the folders of this host."""
        folders = (self.dovecot.folder, self.postfix.folder)
        ours = {key for folder in folders for key in map(inode, (folder, *folder.rglob("*/")))}
        return {int(cwd.parent.name) for cwd in Path("/proc").glob("[0-9]*/cwd") if inode(cwd) in ours}

    def empty_mailboxes(self) -> None:
        """Remove all mail and all Sieve scripts."""
        for user in self.dovecot.model.users:
            shutil.rmtree(self.dovecot.home(user), ignore_errors=True)


def postfix_wanted(lmtp: str) -> postfix_model.PostfixModel:
    """Say what the tests want of Postfix, on a port that is free now."""
    return postfix_model.PostfixModel(
        hostname="mail.example.com",
        listeners=(postfix_model.Listener(free_port()),),
        domains=("example.com",),
        mailboxes=MAILBOXES,
        aliases=(("sales@example.com", ("ann@example.com", "bob@example.com")),),
        lmtp=lmtp,
        xclient_hosts=("127.0.0.1",),
    )


def inode(path: Path) -> tuple[int, int]:
    """Tell a file from all others, from within any root; (0, 0) if it is gone."""
    try:
        found = path.stat()
    except OSError:
        return (0, 0)
    return (found.st_dev, found.st_ino)


def imap_quoted(text: str) -> str:
    r"""Escape what a quoted string of IMAP cannot hold as it is: `\` and `"`."""
    return text.replace("\\", "\\\\").replace('"', '\\"')
