"""Folders for the daemons, and who owns what: the site's user, and Postfix's group where Postfix has to enter."""

from __future__ import annotations

import grp
import os
import pwd
import shlex
from pathlib import Path

from gatepost.config import Config

_POSTFIX = "postfix"
_STATE_MODE = 0o750
_SOCKETS_MODE = 0o2750


def make_folders(settings: Config) -> None:
    """Make the folders for state and sockets; those for sockets only where Postfix's queue is."""
    user = settings.site.user
    state = Path(settings.paths.state)
    state.mkdir(mode=_STATE_MODE, parents=True, exist_ok=True)
    give(state, user, user)
    for folder in socket_folders(settings):
        if folder.parent.is_dir() and not folder.exists():
            folder.mkdir()
            give(folder, user, _POSTFIX)
            folder.chmod(_SOCKETS_MODE)


def socket_folders(settings: Config) -> list[Path]:
    """List the folders that sockets lie in."""
    names = (*settings.policyd.listen, *settings.policyd.relay_listen, settings.milter.listen)
    return sorted({Path(name.removeprefix("unix:")).parent for name in names if name.startswith("unix:")})


def give(path: Path, user: str, group: str) -> None:
    """Let a user and a group own a path, as far as there are such and we are root."""
    if os.geteuid() == 0:
        os.chown(path, _uid(user), _gid(group))


def advice(settings: Config, file: Path) -> str:
    """Say how to make the site's user, and to give it what root has made; nothing where there is one."""
    user, state = settings.site.user, Path(settings.paths.state)
    if os.geteuid() != 0 or _uid(user) != _KEEP:
        return ""
    commands = [
        ["adduser", "--system", "--group", "--home", str(state), "--no-create-home", user],
        ["chown", "-R", f"{user}:{user}", str(state)],
        *(["chown", user, str(folder)] for folder in socket_folders(settings) if folder.is_dir()),
        ["chgrp", user, str(file)],
    ]
    made = " &&\n  ".join(map(shlex.join, commands))
    return f"there is no user {user} yet, so root owns all of this; before you start a daemon:\n  {made}"


_KEEP = -1
"""to chown(2): as it is"""


def _uid(name: str) -> int:
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        return _KEEP


def _gid(name: str) -> int:
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return _KEEP
