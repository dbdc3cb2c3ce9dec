"""The story that `gatepost demo` tells. Each chapter uses senders of its own, so that none disturbs another."""

from __future__ import annotations

from gatepost_cli.demo.host import PrivateHost
from gatepost_cli.demo.mail import STRANGER
from gatepost_cli.demo.story_messages import MESSAGES
from gatepost_cli.demo.story_operation import OPERATION
from gatepost_cli.demo.story_rules import PATTERNS, SCOPES

CHAPTERS = (*PATTERNS, *SCOPES, *MESSAGES, *OPERATION)


def introduction(host: PrivateHost) -> tuple[str, ...]:
    """Say what runs, and where."""
    postfix, dovecot = host.postfix.version(), host.dovecot.version().split(" ")[0]
    return (
        f"""A Postfix {postfix} and a Dovecot {dovecot} of our own run in {host.folder}, on loopback only, and
        Gatepost beside them: policyd answers Postfix at each RCPT TO, the milter judges at the end of each
        message, and the agent brings the rules of an SQLite database to both. This machine's own mail is not
        touched.""",
        f"""All that follows is real: the commands are run, the messages are sent over SMTP by a stranger
        ({STRANGER}), and the mailboxes of ann and bob at example.com are read over IMAP. A tick stands where
        what was seen is what must be.""",
    )
