"""Reading a mailbox as its owner does, over IMAP."""

from __future__ import annotations

import imaplib
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message

from gatepost.verdict import HEADER
from gatepost_cli.demo.steps import INBOX, JUNK, NOTHING, marked

_FOLDERS = (INBOX, JUNK)
_WANTED = f"(BODY.PEEK[HEADER.FIELDS (SUBJECT {HEADER})])"


def where_lies(port: int, mailbox: str, password: str, subject: str) -> str:
    """Say in which folders a message lies, with its verdict headers."""
    with imaplib.IMAP4("127.0.0.1", port) as imap:
        imap.login(mailbox, password)
        found = [
            _copy(mailbox, folder, message)
            for folder in _FOLDERS
            for message in _messages(imap, folder)
            if message["Subject"] == subject
        ]
    return " and ".join(found) or NOTHING


def _messages(imap: imaplib.IMAP4, folder: str) -> Iterator[Message]:
    if imap.select(folder, readonly=True)[1] == [b"0"]:
        return
    for part in imap.fetch("1:*", _WANTED)[1]:
        if isinstance(part, tuple):
            yield message_from_bytes(part[1])


def _copy(mailbox: str, folder: str, message: Message) -> str:
    """Say where a copy lies; the mailbox that its header names is left out if it is the reader's own."""
    verdicts = [str(value).removeprefix(f"{mailbox}; ") for value in message.get_all(HEADER, [])]
    return marked(folder, " and ".join(verdicts)) if verdicts else folder
