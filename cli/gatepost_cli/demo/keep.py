"""What a person has to know to play with a host that stays (`gatepost demo --keep`)."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import NamedTuple

from gatepost_cli.demo.host import PASSWORD, PrivateHost
from gatepost_cli.demo.mail import STRANGER

_SENDER = "joe@friends.example"


class Way(NamedTuple):
    """Something that can be done, and the lines to type for it."""

    text: str
    lines: tuple[str, ...]


def how_to_use(host: PrivateHost) -> tuple[Way, ...]:
    """List what can be done with the running host."""
    ann, smtp, imap = host.plan.mailboxes[0], host.smtp_port, host.dovecot.model.imap.port
    logs = ("postfix/postfix.log", "dovecot/dovecot.log", "agent.log", "policyd.log", "milter.log")
    return (
        Way(
            f"Send mail to {' or '.join(host.plan.mailboxes)}. Strangers come from {STRANGER} (mail from 127.0.0.1"
            " is the host's own and is not judged):",
            (f"swaks --server 127.0.0.1:{smtp} --local-interface {STRANGER} --from {_SENDER} --to {ann}",),
        ),
        Way("Or without swaks:", (_without_swaks(smtp, ann),)),
        Way(
            f"Read it over IMAP on port {imap}; the password of every mailbox is {PASSWORD}:",
            (f"curl --user {ann}:{PASSWORD} 'imap://127.0.0.1:{imap}/INBOX;MAILINDEX=*'",),
        ),
        Way(
            "Change rules and ask about them:",
            (f"export GATEPOST_CONFIG={host.config_file}", f"{_gatepost()} rules list"),
        ),
        Way("Look into the logs:", (f"cd {host.folder}", f"tail -F {' '.join(logs)}")),
    )


def place_json(host: PrivateHost) -> dict[str, object]:
    """Give the same facts for programs."""
    return {
        "smtp_port": host.smtp_port,
        "imap_port": host.dovecot.model.imap.port,
        "client": STRANGER,
        "mailboxes": list(host.plan.mailboxes),
        "password": PASSWORD,
        "config": str(host.config_file),
        "folder": str(host.folder),
    }


def _without_swaks(port: int, to: str) -> str:
    program = (
        f"import smtplib; smtplib.SMTP('127.0.0.1', {port}, source_address=('{STRANGER}', 0))"
        f".sendmail('{_SENDER}', '{to}', 'Subject: hello')"
    )
    return f'python3 -c "{program}"'


def _gatepost() -> str:
    """Name the command so that a shell finds it, in a virtual environment too."""
    beside = Path(sys.executable).with_name("gatepost")
    return "gatepost" if shutil.which("gatepost") or not beside.exists() else str(beside)
