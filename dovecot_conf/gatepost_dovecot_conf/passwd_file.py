"""The passwd-file that names the mailboxes: who they are, where they live. Pure.

Entry point: `passwd_file`. Source: doc.dovecot.org, "Passwd-file".
"""

from __future__ import annotations

import re
from pathlib import Path

from gatepost.address import parse_address
from gatepost.errors import DataError
from gatepost_dovecot_conf.model import DovecotModel, User

# Both versions look a name up as they would write it into a string: o'neil as o\'neil.
_ESCAPED_BY_DOVECOT = re.compile(r"[\\'\"]")
_NOT_FOR_A_NAME = re.compile(r"[^a-z0-9@._-]")


def passwd_file(model: DovecotModel, mail_root: Path) -> str:
    """Write one line a mailbox; DataError where an address or password would break the line."""
    owner = f"{model.mail_uid}:{model.mail_gid}"
    users = sorted(model.users, key=login_name)
    return "".join(f"{_login(user)}:{owner}::{home(mail_root, user)}::\n" for user in users)


def home(mail_root: Path, user: User) -> Path:
    """Say where a mailbox lives, by a folder name that no local part can escape from."""
    address = parse_address(user.address)
    return mail_root / _safe(address.domain) / _safe(address.local)


def login_name(user: User) -> str:
    """Spell an address as Dovecot names the mailbox: lower case, and without quotes."""
    address = parse_address(user.address)
    return f"{address.local}@{address.domain}"


def _login(user: User) -> str:
    name = _ESCAPED_BY_DOVECOT.sub(r"\\\g<0>", login_name(user))
    login = f"{name}:{{{user.scheme}}}{user.password}"
    if login.count(":") > 1 or not login.isprintable():
        message = f"a passwd-file cannot hold {user.address!r} with such a password"
        raise DataError(message)
    return login


def _safe(name: str) -> str:
    r"""Write what is unusual as =XX, a leading dot too: `../x` becomes `=2e.=2fx`; nothing becomes `=`."""
    coded = _NOT_FOR_A_NAME.sub(lambda found: _hex(found.group()), name) or "="
    return f"=2e{coded[1:]}" if coded.startswith(".") else coded


def _hex(character: str) -> str:
    return "".join(f"={byte:02x}" for byte in character.encode())
