"""A Dovecot of one's own in a folder, on a loopback port, for tests and the demonstration.

Entry point: `PrivateDovecot`. The installed version decides the dialect of its configuration.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from gatepost.private_server import PrivateServer
from gatepost_dovecot_conf.model import DovecotModel, Places, User
from gatepost_dovecot_conf.passwd_file import home, passwd_file
from gatepost_dovecot_conf.render import COMMAND, dovecot_conf
from gatepost_dovecot_conf.tree import Setting
from gatepost_dovecot_conf.verdict_script import verdict_script


class PrivateDovecot(PrivateServer):
    """Dovecot with its configuration, mail, sockets and log below `folder`."""

    name = "Dovecot"
    greeting = b"* OK"

    def __init__(self, folder: Path, model: DovecotModel, prefix: tuple[str, ...] = ()) -> None:
        """Keep the model; nothing is made before `start`."""
        super().__init__(folder, prefix)
        self.model = model

    @property
    def configuration(self) -> Path:
        """The configuration file, as for `dovecot -c` and `doveadm -c`."""
        return self.folder / "dovecot.conf"

    @property
    def places(self) -> Places:
        """Where everything is."""
        return Places(
            lmtp_socket=self.folder / "lmtp",
            passwd_file=self.folder / "users",
            mail_root=self.folder / "mail",
            verdict_script=self.folder / "sieve/verdict.sieve",
        )

    @property
    def lmtp_destination(self) -> str:
        """The LMTP socket as Postfix's lmtp: transport names it."""
        return f"unix:{self.places.lmtp_socket}"

    def version(self) -> str:
        """Ask Dovecot for its version, such as 2.3.19.1 (9b53102964)."""
        return self._run("dovecot", "--version").strip()

    def home(self, user: User) -> Path:
        """Say where a mailbox lives."""
        return home(self.places.mail_root, user)

    def _prepare(self) -> None:
        places = self.places
        for path in (self.folder, places.mail_root, places.verdict_script.parent):
            path.mkdir(parents=True, exist_ok=True)
            path.chmod(0o755)
        os.chown(places.mail_root, self.model.mail_uid, self.model.mail_gid)
        self._write_users()
        self.configuration.write_text(self._configuration_text())
        places.verdict_script.write_text(verdict_script(COMMAND))
        self._run("sievec", "-c", str(self.configuration), str(places.verdict_script))

    def _write_users(self) -> None:
        """Let only Dovecot's authentication read the passwords."""
        path = self.places.passwd_file
        path.touch(mode=0o600)
        path.write_text(passwd_file(self.model, self.places.mail_root))
        shutil.chown(path, "root", "dovecot")
        path.chmod(0o640)

    def _configuration_text(self) -> str:
        extra = (
            Setting("base_dir", str(self._working_directory()), "its own sockets"),
            Setting("state_dir", str(self.folder / "state"), "its own state"),
            Setting("log_path", str(self._log_path()), "its own log"),
            Setting("ssl", "no", "nothing leaves loopback"),
        )
        return dovecot_conf(self.model, self.places, self.version(), extra)

    def _launch(self) -> None:
        self._run("dovecot", "-c", str(self.configuration))

    def _pid_file(self) -> Path:
        return self._working_directory() / "master.pid"

    def _working_directory(self) -> Path:
        return self.folder / "run"

    def _ports(self) -> tuple[tuple[str, int], ...]:
        return ((self.model.imap.address, self.model.imap.port),)

    def _log_path(self) -> Path:
        return self.folder / "dovecot.log"
