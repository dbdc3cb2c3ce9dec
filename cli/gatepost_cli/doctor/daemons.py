"""The sockets of policyd and milter: there, answered, and within Postfix's reach."""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from gatepost.config import Config
from gatepost_cli.doctor.finding import Finding, error
from gatepost_cli.probes import ask_milter, ask_policyd

_POSTFIX = "postfix"
_ENTER = stat.S_IXOTH
_USE = stat.S_IROTH | stat.S_IWOTH


def examine(config: Config) -> Iterator[Finding]:
    """Check all sockets."""
    for address in (*config.policyd.listen, *config.policyd.relay_listen):
        why = "Postfix takes the default action for every recipient, and nothing is refused at RCPT"
        yield from _socket(address, ask_policyd, "policyd", why)
    why = "the header From is not judged, and mail is not filed into Junk"
    yield from _socket(config.milter.listen, ask_milter, "milter", why)


def _socket(address: str, ask: Callable[[str], str], name: str, why: str) -> Iterator[Finding]:
    wrong = ask(address)
    if wrong:
        yield error(
            f"{name} on {address}: {wrong}", why, f"gatepost {name}"
        )
    if address.startswith("unix:"):
        yield from _reach(Path(address.removeprefix("unix:")), why)


def _reach(path: Path, why: str) -> Iterator[Finding]:
    try:
        entry = pwd.getpwnam(_POSTFIX)
    except KeyError:
        return
    groups = set(os.getgrouplist(_POSTFIX, entry.pw_gid))
    for part, bits in (*((folder, _ENTER) for folder in reversed(path.parents)), (path, _USE)):
        if part.exists() and not _may(part.stat(), bits, entry.pw_uid, groups):
            mend = f"chgrp postfix {part} && chmod g+{'x' if bits == _ENTER else 'rw'} {part}"
            yield error(f"Postfix's user may not use {part}", why, mend)
            return


def _may(found: os.stat_result, bits: int, uid: int, groups: set[int]) -> bool:
    """Whether a user has the rights that `bits` name for others."""
    if found.st_uid == uid:
        bits <<= 6
    elif found.st_gid in groups:
        bits <<= 3
    return found.st_mode & bits == bits
