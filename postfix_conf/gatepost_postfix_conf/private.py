"""A Postfix of one's own in a folder, on loopback ports, for tests and the demonstration.

Entry point: `PrivatePostfix`. It sends nothing away: what is not for its own domains is discarded,
unless the model's relayhost is a loopback address. smtpd(8) is chrooted as Debian has it; it needs
no file in its chroot, because every table is opened before and no name is looked up in the DNS.
"""

from __future__ import annotations

import os
import pwd
import shutil
import time
from pathlib import Path

from gatepost.private_server import PrivateServer
from gatepost_postfix_conf.model import PostfixModel, Setting
from gatepost_postfix_conf.render import COMMAND, main_cf, master_cf
from gatepost_postfix_conf.tables import (
    VERDICT_CHECKS,
    lookup_tables,
    table_text,
    verdict_checks_text,
)

_QUEUES = ("maildrop", "incoming", "active", "deferred")


class PrivatePostfix(PrivateServer):
    """Postfix with its configuration, queue and log below `folder`."""

    name = "Postfix"
    greeting = b"220 "

    def __init__(
        self,
        folder: Path,
        model: PostfixModel,
        prefix: tuple[str, ...] = (),
        gatepost_user: str = "root",
    ) -> None:
        """Keep the model; `gatepost_user` is who may make sockets in `gatepost_dir`."""
        super().__init__(folder, prefix)
        self.model = model
        self._gatepost_user = gatepost_user

    @property
    def etc(self) -> Path:
        """The configuration folder, as for `postfix -c`."""
        return self.folder / "etc"

    @property
    def queue_directory(self) -> Path:
        """The queue, which is also the chroot."""
        return self.folder / "spool"

    @property
    def gatepost_dir(self) -> Path:
        """Where Gatepost's sockets belong: `unix:gatepost/…` to a chrooted smtpd(8)."""
        return self.queue_directory / "gatepost"

    def version(self) -> str:
        """Ask Postfix for its version, such as 3.7.11."""
        return self._run("postconf", "-dh", "mail_version").strip()

    def reload(self, model: PostfixModel | None = None) -> None:
        """Read the configuration again, or another model's; the listeners must stay the same."""
        self.model = model or self.model
        self._write_configuration()
        self._run("postfix", "-c", str(self.etc), "reload")
        for address, port in self._ports():
            self._await_greeting(address, port)

    def update_tables(self, model: PostfixModel) -> None:
        """Bring another model's domains, mailboxes and aliases into force, without a reload."""
        self.model = model
        self._write_tables()

    def wait_until_queue_is_empty(self, seconds: float = 10.0) -> None:
        """Wait until every message is delivered, bounced or discarded."""
        self._wait(lambda: not self.queued(), seconds, "to empty its queue")

    def queued(self) -> tuple[str, ...]:
        """List the queue files, in the order that a message passes the queues."""
        found = (self.queue_directory.glob(f"{queue}/**/*") for queue in _QUEUES)
        return tuple(path.name for files in found for path in files if len(path.name) > 1)

    def _prepare(self) -> None:
        for path in (self.folder, self.etc, self.queue_directory, self._data_directory):
            path.mkdir(parents=True, exist_ok=True)
            path.chmod(0o755)
        shutil.chown(self._data_directory, "postfix")
        self._make_gatepost_dir()
        self._write_configuration()

    def _make_gatepost_dir(self) -> None:
        """Let sockets made here belong to group postfix (set-group-ID), so that smtpd connects."""
        self.gatepost_dir.mkdir(exist_ok=True)
        shutil.chown(self.gatepost_dir, self._gatepost_user, pwd.getpwnam("postfix").pw_gid)
        self.gatepost_dir.chmod(0o2750)

    def _write_configuration(self) -> None:
        main = self.etc / "main.cf"
        main.write_text(main_cf(self.model, self._private_settings()))
        _cool_down(main)
        (self.etc / "master.cf").write_text(master_cf(self.model))
        (self.etc / VERDICT_CHECKS).write_text(verdict_checks_text(COMMAND))
        self._write_tables()

    def _write_tables(self) -> None:
        tables = lookup_tables(self.model)
        for table in tables:
            (self.etc / table.name).write_text(table_text(table, COMMAND))
        names = (f"lmdb:{self.etc / table.name}" for table in tables)
        self._run("postmap", "-c", str(self.etc), *names)

    def _private_settings(self) -> tuple[Setting, ...]:
        away = "smtp" if self.model.relayhost.startswith("[127.") else "discard"
        return (
            Setting("queue_directory", str(self.queue_directory), "its own queue"),
            Setting("data_directory", str(self._data_directory), "its own caches"),
            Setting("maillog_file", str(self._log_path()), "its own log"),
            Setting("maillog_file_prefixes", str(self.folder), "where a log may be"),
            Setting("default_transport", away, "a private instance sends nothing away"),
            Setting("smtpd_peername_lookup", "no", "loopback addresses have no names to look up"),
            Setting("smtpd_error_sleep_time", "0", "tests make errors on purpose"),
            Setting("smtpd_client_connection_count_limit", "0", "every client is on loopback"),
        )

    def _launch(self) -> None:
        self._run("postconf", "-c", str(self.etc), "-n")
        self._run("postfix", "-c", str(self.etc), "start")

    def _pid_file(self) -> Path:
        return self.queue_directory / "pid/master.pid"

    def _working_directory(self) -> Path:
        return self.queue_directory

    def _ports(self) -> tuple[tuple[str, int], ...]:
        return tuple((listener.address, listener.port) for listener in self.model.listeners)

    def _log_path(self) -> Path:
        return self.folder / "postfix.log"

    @property
    def _data_directory(self) -> Path:
        return self.folder / "lib"


def _cool_down(path: Path) -> None:
    """Date a file back: Postfix waits up to 2 s for one that was changed just now (dict.c)."""
    past = time.time() - 10
    os.utime(path, (past, past))
