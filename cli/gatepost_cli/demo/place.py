"""Where a demonstration lives: what must be there first, its folder, and what a killed one has left.

DIAGNOSTICS
    Everything that stands in the way is an UnavailableError with the way out.
SECURITY
    Of the folders with our name only those of this user are looked at, and only if no demonstration
    holds their lock; only processes that were started with the folder's own gatepost.toml are ended.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from gatepost.errors import UnavailableError
from gatepost_cli.demo.host import HostPlan, PrivateHost, remove_folder
from gatepost_cli.demo.processes import all_pids, command_of

_PREFIX = "gatepost-demo-"
_LOCK = "lock"
_LONGEST = 60  # a unix socket's path has 107 bytes, and the servers add up to 45 of their own
_UNSAFE = re.compile(r"[^A-Za-z0-9_./-]")
_SYSTEM_FOLDERS = ("/usr/sbin", "/usr/bin", "/sbin", "/bin")
_DOVECOT_FOLDERS = ("/usr/lib/dovecot", "/usr/libexec/dovecot", "/usr/local/libexec/dovecot")
_NEEDED = {
    "postfix": "postfix",
    "dovecot": "dovecot-core",
    "imap": "dovecot-imapd",
    "lmtp": "dovecot-lmtpd",
    "sievec": "dovecot-sieve",
}
"""programs, and the Debian packages that they are in"""
_LMDB_PACKAGE = "postfix-lmdb"


def check_machine() -> None:
    """Make sure that servers can be started at all."""
    if os.geteuid() != 0:
        raise UnavailableError(
            "gatepost demo starts a real Postfix and Dovecot, which only root can do",
            "say: sudo gatepost demo",
        )
    _find_system_programs()
    missing = [package for program, package in _NEEDED.items() if not _is_installed(program)]
    if missing:
        raise _not_installed(missing)


def check_lmdb(folder: Path) -> None:
    """Make sure that Postfix has LMDB tables; it is asked with an empty configuration in a folder of ours."""
    (folder / "main.cf").touch()
    asked = subprocess.run(
        ["postconf", "-c", str(folder), "-m"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    (folder / "main.cf").unlink()
    if "lmdb" not in asked.stdout.split():
        raise _not_installed([_LMDB_PACKAGE])


def choose_folder() -> Path:
    """Name a folder that the servers can live in; nothing is made yet."""
    folder = Path(tempfile.gettempdir()).absolute() / f"{_PREFIX}{secrets.token_hex(4)}"
    hint = "choose another place: TMPDIR=/tmp gatepost demo"
    if len(os.fsencode(folder)) > _LONGEST:
        raise UnavailableError(f"TMPDIR is too long for the servers' sockets: {folder.parent}", hint)
    if _UNSAFE.search(str(folder)):
        raise UnavailableError(
            f"TMPDIR has characters that mail servers give a meaning: {folder.parent}", hint
        )
    for parent in folder.parents:
        if not parent.stat().st_mode & 0o001:
            message = f"TMPDIR is {folder.parent}, and the servers' own users cannot enter {parent}"
            raise UnavailableError(message, hint)
    return folder


@contextmanager
def make_folder(folder: Path) -> Iterator[None]:
    """Make the folder, and hold a lock that shows that it is in use."""
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)  # whatever the umask
    with (folder / _LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def remove_leftovers() -> None:
    """End and remove what demonstrations have left that were killed with SIGKILL."""
    for folder in Path(tempfile.gettempdir()).absolute().glob(f"{_PREFIX}*"):
        with suppress(OSError):
            if _is_abandoned(folder):
                _end(folder)
                remove_folder(folder)


def _is_abandoned(folder: Path) -> bool:
    if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
        return False
    with (folder / _LOCK).open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def _end(folder: Path) -> None:
    host = PrivateHost(folder, HostPlan((), ()))
    ours = ["-m", "gatepost_cli", "--config", str(host.config_file)]
    for pid in all_pids():
        if command_of(pid)[1:-1] == ours:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    host.dovecot.stop()
    host.postfix.stop()


def _not_installed(packages: Sequence[str]) -> UnavailableError:
    return UnavailableError(
        f"gatepost demo runs a real Postfix and Dovecot, of which this is not installed: {', '.join(packages)}",
        f"on Debian: apt-get install --no-install-recommends {' '.join(packages)}",
    )


def _find_system_programs() -> None:
    """Look where root's programs are too: `su` keeps the PATH of the user before."""
    path = os.environ.get("PATH", os.defpath)
    missing = [folder for folder in _SYSTEM_FOLDERS if folder not in path.split(os.pathsep)]
    os.environ["PATH"] = os.pathsep.join((path, *missing))


def _is_installed(program: str) -> bool:
    path = os.pathsep.join((os.environ["PATH"], *_DOVECOT_FOLDERS))
    return shutil.which(program, path=path) is not None
