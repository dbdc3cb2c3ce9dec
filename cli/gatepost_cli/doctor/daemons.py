"""The sockets of policyd and milter: there, answered, and within Postfix's reach."""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from gatepost.config import Config
from gatepost_cli.doctor.finding import Finding, error, warning
from gatepost_cli.probes import ask_milter, ask_policyd

_POSTFIX = "postfix"
_ENTER = stat.S_IXOTH
_USE = stat.S_IROTH | stat.S_IWOTH
_LEAST_IDLE = 310


def examine(config: Config) -> Iterator[Finding]:
    """Check all sockets, and what keeps connections to them open."""
    sockets = (*config.policyd.listen, *config.policyd.relay_listen, config.milter.listen)
    yield from _places(sockets, config.site.user)
    for address in (*config.policyd.listen, *config.policyd.relay_listen):
        why = "Postfix takes the default action for every recipient, and nothing is refused at RCPT"
        yield from _answers(address, ask_policyd, "policyd", why)
    why = "the header From is not judged, and mail is not filed into Junk"
    yield from _answers(config.milter.listen, ask_milter, "milter", why)
    yield from _idle(config.policyd.idle_timeout_seconds)


def _answers(address: str, ask: Callable[[str], str], name: str, why: str) -> Iterator[Finding]:
    wrong = ask(address)
    if wrong:
        yield error(f"{name} on {address}: {wrong}", why, f"gatepost {name}")


def _places(sockets: Iterable[str], user: str) -> Iterator[Finding]:
    """Check each socket's way there; what several have in common is said once."""
    paths = [Path(name.removeprefix("unix:")) for name in sockets if name.startswith("unix:")]
    for folder in sorted({path.parent for path in paths}):
        if _stat(folder) is None:
            mend = f"install -d -o {user} -g {_POSTFIX} -m 2750 {folder}"
            yield error(f"there is no folder {folder}", "the sockets have no place", mend)
    yield from dict.fromkeys(finding for path in paths for finding in _reach(path))


def _reach(path: Path) -> Iterator[Finding]:
    try:
        entry = pwd.getpwnam(_POSTFIX)
    except KeyError:
        return
    groups = set(os.getgrouplist(_POSTFIX, entry.pw_gid))
    for part, bits in (*((folder, _ENTER) for folder in reversed(path.parents)), (path, _USE)):
        found = _stat(part)
        if found is not None and not _may(found, bits, entry.pw_uid, groups):
            mend = f"chgrp {_POSTFIX} {part} && chmod g+{'x' if bits == _ENTER else 'rw'} {part}"
            why = "Postfix takes the default action every time, as if nothing listened"
            yield error(f"Postfix's user may not use {part}", why, mend)
            return


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None


def _idle(seconds: float) -> Iterator[Finding]:
    if seconds < _LEAST_IDLE:
        what = f"policyd.idle_timeout_seconds is {seconds:g}, less than {_LEAST_IDLE}"
        why = "Postfix keeps connections for 300 s (smtpd_policy_service_max_idle): one that policyd closes first costs an answer"
        yield warning(what, why, f"set it to {_LEAST_IDLE} or more")


def _may(found: os.stat_result, bits: int, uid: int, groups: set[int]) -> bool:
    """Whether a user has the rights that `bits` name for others."""
    if found.st_uid == uid:
        bits <<= 6
    elif found.st_gid in groups:
        bits <<= 3
    return found.st_mode & bits == bits
