"""A private mail host in one folder: Dovecot, Postfix, and Gatepost's daemons between them.

The demonstration runs on it, and so do the integration tests. Everything is on loopback and in the
folder; nothing of the machine's own mail system is touched. `stop` ends all of it, always.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from sqlalchemy.engine import Engine

from gatepost.atomic import write_atomically
from gatepost.config import Config, load_config
from gatepost.errors import UnavailableError
from gatepost.private_server import free_port
from gatepost.snapshot.reader import SnapshotReader
from gatepost.sockets import is_answered
from gatepost.store.database import make_engine, reading
from gatepost.store.feed import read_position
from gatepost.store.schema import upgrade
from gatepost_cli.demo.daemons import Daemon
from gatepost_dovecot_conf import model as dovecot_model
from gatepost_dovecot_conf.private import PrivateDovecot
from gatepost_postfix_conf import model as postfix_model
from gatepost_postfix_conf.private import PrivatePostfix

PASSWORD = "secret"  # noqa: S105  of mailboxes that live for a minute on loopback
_CONFIG = """\
# Made by gatepost demo; it goes when the demo ends.
[database]
url = "{url}"
[paths]
state = "{folder}/state"
run = "{folder}/run"
[site]
mynetworks = ["127.0.0.1/32"]
domains = [{domains}]
user = "root"
[policyd]
listen = ["unix:{sockets}/policyd.sock"]
relay_listen = ["unix:{sockets}/relay.sock"]
on_missing_snapshot = "{on_missing_snapshot}"
[milter]
listen = "unix:{sockets}/milter.sock"
[agent]
poll_seconds = 0.05
drain_seconds = 0.2
[aliases]
sync_seconds = {sync_seconds}
postfix_config = "{postfix_config}"
"""


@dataclass(frozen=True, slots=True)
class HostPlan:
    """What the private host is to have."""

    domains: tuple[str, ...]
    mailboxes: tuple[str, ...]
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    database_url: str = ""
    """empty: SQLite in the folder"""
    on_missing_snapshot: str = "open"
    alias_sync_seconds: float = 0.5
    smtputf8: bool = False


class PrivateHost:
    """All servers of the private host."""

    def __init__(self, folder: Path, plan: HostPlan, prefix: tuple[str, ...] = ()) -> None:
        """Plan the host; `prefix` runs the servers of another root (see PrivateServer)."""
        self.folder = folder
        self.plan = plan
        self.config_file = folder / "gatepost.toml"
        users = dovecot_model.make_users(plan.mailboxes, PASSWORD)
        self.dovecot = PrivateDovecot(
            folder / "dovecot", dovecot_model.DovecotModel(dovecot_model.Listener(free_port()), users), prefix
        )
        self.postfix = PrivatePostfix(folder / "postfix", self._postfix_model(), prefix)
        sockets = self.postfix.gatepost_dir
        self.agent = self._daemon("agent", (folder / "state/snapshot/current").exists)
        self.policyd = self._daemon("policyd", lambda: is_answered(str(sockets / "policyd.sock")))
        self.milter = self._daemon("milter", lambda: is_answered(str(sockets / "milter.sock")))
        self._running = ExitStack()

    @property
    def smtp_port(self) -> int:
        """Where Postfix listens, on 127.0.0.1."""
        return self.postfix.model.listeners[0].port

    @property
    def config(self) -> Config:
        """The configuration that the daemons and the command line use here."""
        return load_config(self.config_file)

    @property
    def engine(self) -> Engine:
        """A new engine for the database."""
        return make_engine(self.config.database)

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()

    def start(self) -> None:
        """Start everything; what started is stopped again if one of them fails."""
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop everything that runs."""
        self._running.close()

    def set_aliases(self, aliases: Mapping[str, tuple[str, ...]]) -> None:
        """Give Postfix other aliases."""
        self.plan = replace(self.plan, aliases=aliases)
        self.postfix.update_tables(replace(self.postfix.model, aliases=tuple(aliases.items())))

    def wait_for_snapshot(self, seconds: float = 5.0) -> float:
        """Wait until the snapshot holds all that the database holds; gives the seconds it took."""
        engine, reader = self.engine, SnapshotReader(self.config.snapshot_folder)
        with reading(engine) as connection:
            wanted = read_position(connection)
        try:
            return wait_until(
                lambda: reader.position() == wanted, seconds, "the snapshot to follow the database"
            )
        finally:
            reader.close()
            engine.dispose()

    def _start(self) -> None:
        for path in (self.folder, self.folder / "state", self.folder / "run"):
            path.mkdir(parents=True, exist_ok=True)
        for server in (self.dovecot, self.postfix):
            self._running.callback(server.stop)
            server.start()
        write_atomically(self.config_file, self._config_text())
        engine = self.engine
        upgrade(engine)
        engine.dispose()
        for daemon in (self.agent, self.policyd, self.milter):
            self._running.callback(daemon.stop)
            daemon.start()

    def _daemon(self, name: str, is_ready: Callable[[], bool]) -> Daemon:
        return Daemon(name, self.config_file, self.folder / f"{name}.log", is_ready)

    def _postfix_model(self) -> postfix_model.PostfixModel:
        plan = self.plan
        return postfix_model.PostfixModel(
            hostname="mail.example.com",
            listeners=(postfix_model.Listener(free_port()),),
            domains=plan.domains,
            mailboxes=plan.mailboxes,
            aliases=tuple(plan.aliases.items()),
            lmtp=self.dovecot.lmtp_destination,
            xclient_hosts=("127.0.0.0/8",),
            smtputf8=plan.smtputf8,
        )

    def _config_text(self) -> str:
        return _CONFIG.format(
            url=self.plan.database_url or f"sqlite:///{self.folder}/state/gatepost.db",
            folder=self.folder,
            sockets=self.postfix.gatepost_dir,
            postfix_config=self.postfix.etc,
            domains=", ".join(f'"{domain}"' for domain in self.plan.domains),
            on_missing_snapshot=self.plan.on_missing_snapshot,
            sync_seconds=self.plan.alias_sync_seconds,
        )


def wait_until(is_so: Callable[[], bool], seconds: float, what: str) -> float:
    """Wait for something and give the seconds it took; UnavailableError when it does not come."""
    start = time.monotonic()
    while not is_so():
        if time.monotonic() - start > seconds:
            raise UnavailableError(f"waited {seconds:g} s for {what}")
        time.sleep(0.005)
    return time.monotonic() - start


def remove_folder(folder: Path) -> None:
    """Remove what a stopped host left."""
    shutil.rmtree(folder, ignore_errors=True)
