"""Render a `PostfixModel` as the services of master.cf. Pure.

Entry point: `services`. Source: master(5), and Debian's master.cf for what is chrooted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from gatepost_postfix_conf.model import Listener, PostfixModel, Setting


@dataclass(frozen=True, slots=True)
class Service:
    """One line of master.cf; `-` means the default of master(5)."""

    name: str
    type: str
    private: str
    chroot: bool
    command: str
    wakeup: str = "-"
    maxproc: str = "-"
    options: tuple[Setting, ...] = ()


_INTERNAL = (
    Service("pickup", "unix", "n", True, "pickup", wakeup="60", maxproc="1"),
    Service("cleanup", "unix", "n", True, "cleanup", maxproc="0"),
    Service("qmgr", "unix", "n", False, "qmgr", wakeup="300", maxproc="1"),
    Service("tlsmgr", "unix", "-", True, "tlsmgr", wakeup="1000?", maxproc="1"),
    Service("rewrite", "unix", "-", True, "trivial-rewrite"),
    Service("bounce", "unix", "-", True, "bounce", maxproc="0"),
    Service("defer", "unix", "-", True, "bounce", maxproc="0"),
    Service("trace", "unix", "-", True, "bounce", maxproc="0"),
    Service("verify", "unix", "-", True, "verify", maxproc="1"),
    Service("flush", "unix", "n", True, "flush", wakeup="1000?", maxproc="0"),
    Service("proxymap", "unix", "-", False, "proxymap"),
    Service("proxywrite", "unix", "-", False, "proxymap", maxproc="1"),
    Service("smtp", "unix", "-", True, "smtp"),
    Service("relay", "unix", "-", True, "smtp"),
    Service("showq", "unix", "n", True, "showq"),
    Service("error", "unix", "-", True, "error"),
    Service("retry", "unix", "-", True, "error"),
    Service("discard", "unix", "-", True, "discard"),
    Service("anvil", "unix", "-", True, "anvil", maxproc="1"),
    Service("scache", "unix", "-", True, "scache", maxproc="1"),
    Service("postlog", "unix-dgram", "n", False, "postlogd", maxproc="1"),
)


def services(model: PostfixModel) -> tuple[Service, ...]:
    """Say which daemons master(8) runs for this model, in the order of the file."""
    listed = (*map(_smtpd, model.listeners), *_INTERNAL, _lmtp(model.lmtp))
    if model.chroot:
        return listed
    return tuple(replace(service, chroot=False) for service in listed)


def _smtpd(listener: Listener) -> Service:
    address = f"[{listener.address}]" if ":" in listener.address else listener.address
    return Service(f"{address}:{listener.port}", "inet", "n", True, "smtpd")


def _lmtp(destination: str) -> Service:
    """Leave lmtp(8) outside the chroot when its socket is there."""
    return Service("lmtp", "unix", "-", not destination.startswith("unix:/"), "lmtp")
