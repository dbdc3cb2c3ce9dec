"""What Dovecot 2.3 and 2.4 spell differently, as one interface.

Entry point: `Dialect`; `v2_3.DIALECT` and `v2_4.DIALECT` are the two that there are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gatepost_dovecot_conf.model import Places
from gatepost_dovecot_conf.tree import Node


@dataclass(frozen=True, slots=True)
class Dialect:
    """One version's spelling of each subject; `listen` is the word for a listener's address."""

    head: tuple[Node, ...]
    listen: str
    auth: Callable[[Places], tuple[Node, ...]]
    mail: tuple[Node, ...]
    lmtp_plugins: Node
    sieve: Callable[[Places], tuple[Node, ...]]


WHY_ANY_USERNAME = "the passwd-file says who exists; a local part may hold what RFC 5321 allows"
WHY_LOWER_CASE = "addresses are the same in any case"
WHY_CLEARTEXT = "there is no TLS yet, so IMAP must stay on loopback"
WHY_USERS_FILE = "the passwd-file names the mailboxes, and LMTP refuses all others"
WHY_EDITHEADER = "the verdict script removes the lines of other mailboxes; users' scripts cannot"
WHY_VERDICT = "Gatepost's verdict, before the user's own script"
WHY_PERSONAL = "the user's own scripts, and which of them is active"
