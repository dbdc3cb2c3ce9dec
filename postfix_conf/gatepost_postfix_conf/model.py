"""What is wanted of Postfix, without saying how main.cf spells it.

Entry point: `PostfixModel`. Sockets are given as Postfix sees them: `unix:gatepost/policyd.sock` is
relative to the queue directory and so means the same inside and outside its chroot.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Setting:
    """One main.cf parameter, or one `-o` of a master.cf service, with the reason for it."""

    name: str
    value: str
    reason: str


@dataclass(frozen=True, slots=True)
class Table:
    """A look-up table that postmap(1) compiles: its name below the tables' folder, and its rows."""

    name: str
    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Listener:
    """An address and TCP port on which smtpd(8) accepts mail."""

    port: int
    address: str = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class PolicyService:
    """A policy delegation server (SMTPD_POLICY_README) and what holds when it is down."""

    socket: str
    default_action: str
    timeout_seconds: int = 3


INBOUND_POLICY = PolicyService("unix:gatepost/policyd.sock", "DUNNO")
RELAY_POLICY = PolicyService("unix:gatepost/relay.sock", "DEFER_IF_REJECT")


@dataclass(frozen=True, slots=True)
class Milter:
    """A milter (MILTER_README) and what holds when it is down."""

    socket: str = "unix:gatepost/milter.sock"
    default_action: str = "accept"
    command_timeout_seconds: int = 10
    content_timeout_seconds: int = 30


@dataclass(frozen=True, slots=True)
class PostfixModel:
    """A mail host whose mailboxes are all virtual and delivered over LMTP.

    `aliases` maps an address to its targets. `policy`, `relay_policy` and `milter` are None where
    Gatepost is switched off. `smtputf8` must stay off while the LMTP server does not know it, as
    Dovecot 2.3 does not.
    """

    hostname: str
    listeners: tuple[Listener, ...]
    domains: tuple[str, ...]
    mailboxes: tuple[str, ...]
    lmtp: str
    aliases: tuple[tuple[str, tuple[str, ...]], ...] = ()
    mynetworks: tuple[str, ...] = ("127.0.0.1/32", "[::1]/128")
    xclient_hosts: tuple[str, ...] = ()
    relayhost: str = ""
    policy: PolicyService | None = INBOUND_POLICY
    relay_policy: PolicyService | None = RELAY_POLICY
    milter: Milter | None = Milter()
    smtputf8: bool = False
    chroot: bool = True
    peername_lookup: bool = True
