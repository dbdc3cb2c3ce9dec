"""Whose files these are: run as root, the command line becomes the site's user before it opens any state."""

from __future__ import annotations

import os
import pwd


def act_as(user: str) -> bool:
    """Become a user for the rest of the process; False if that is not for us to do, or there is no such user.

    Without such a user (a private host, the demo) the work goes on as root.
    """
    if os.geteuid() != 0:
        return False
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        return False
    os.initgroups(entry.pw_name, entry.pw_gid)
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)
    os.environ["HOME"] = entry.pw_dir
    return True


def login_name() -> str:
    """Tell who runs this: the user behind sudo, else the owner of the process."""
    return os.environ.get("SUDO_USER") or _name_of(os.getuid())


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
