"""What is wanted of Dovecot, without saying how either version spells it.

Entry points: `DovecotModel`, and `Places` for where its files are.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Listener:
    """An address and TCP port."""

    port: int
    address: str = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class User:
    """A mailbox, named by its address; `password` is as Dovecot's scheme stores it."""

    address: str
    password: str
    scheme: str = "PLAIN"


@dataclass(frozen=True, slots=True)
class DovecotModel:
    """Mailboxes that get their mail over LMTP, filtered by Sieve, and are read over IMAP.

    All mail belongs to one system user, given by number. `lmtp_user` is who may deliver.
    """

    imap: Listener
    users: tuple[User, ...]
    mail_uid: int = 5000
    mail_gid: int = 5000
    lmtp_user: str = "postfix"


@dataclass(frozen=True, slots=True)
class Places:
    """Where the files are that the configuration names."""

    lmtp_socket: Path
    passwd_file: Path
    mail_root: Path
    verdict_script: Path


def make_users(addresses: Iterable[str], password: str) -> tuple[User, ...]:
    """Give every address a mailbox, all with the same plain password: for tests."""
    return tuple(User(address, password) for address in addresses)
