"""A private PostgreSQL on a unix socket, for tests: started once, killed and restarted at will, always stopped."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

USER = "postgres"
_START_SECONDS = 60
_SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "16MB",
    "max_connections": "50",
    "autovacuum": "off",
}


@dataclass
class Postgres:
    """One server in a folder of its own under /tmp, which the server's user can enter."""

    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="gatepost-pg-")))
    _process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The postmaster's process id."""
        assert self._process is not None
        return self._process.pid

    def url(self, database: str = "postgres") -> str:
        """Give a database's URL as gatepost.toml has it."""
        return f"postgresql+psycopg://{USER}@/{database}?host={self.folder}"

    def create(self) -> None:
        """Make the cluster."""
        if os.geteuid() == 0:
            shutil.chown(self.folder, USER, USER)
        initdb = [_program("initdb"), "-D", str(self._data), "-U", USER, "-A", "trust", "-E", "UTF8"]
        subprocess.run([*_as_user(), *initdb, "--locale=C", "--no-sync"], check=True, capture_output=True)

    def start(self) -> None:
        """Start the server and wait until it answers; it dies with the process that started it."""
        options = [f"--{name}={value}" for name, value in _SETTINGS.items()]
        command = [_program("postgres"), "-D", str(self._data), "-k", str(self.folder), *options]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen([*_as_user(), *command], stdout=log, stderr=log, cwd="/")
        self._wait_until_it_answers()

    def stop(self) -> None:
        """Stop the server at once, connections or not."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(_START_SECONDS)
            self._process = None

    def kill(self) -> None:
        """Kill the postmaster with SIGKILL and wait until all of its children are gone too."""
        assert self._process is not None
        children = _open_children(self.pid)
        self._process.kill()
        self._process.wait()
        self._process = None
        for child in children:
            select.select([child], [], [], _START_SECONDS)
            os.close(child)

    def remove(self) -> None:
        """Stop the server and delete all of it."""
        self.stop()
        shutil.rmtree(self.folder)

    def new_database(self) -> str:
        """Make an empty database and give its URL."""
        name = f"t{uuid.uuid4().hex}"
        with self.connect() as connection:
            connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        return self.url(name)

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        """Connect to the server's own database."""
        return psycopg.connect(host=str(self.folder), user=USER, dbname="postgres", autocommit=True)

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _wait_until_it_answers(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + _START_SECONDS
        while self._process.poll() is None and time.monotonic() < deadline:
            with suppress(psycopg.OperationalError), self.connect():
                return
            time.sleep(0.02)
        raise RuntimeError(f"PostgreSQL did not start:\n{(self.folder / 'log').read_text()}")


def _program(name: str) -> str:
    """Find a program of the newest PostgreSQL; Debian keeps them out of PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    return str(found[-1]) if found else name


def _as_user() -> list[str]:
    """Give the prefix under which the server runs: never as root, and never longer than its parent."""
    user = [f"--reuid={USER}", f"--regid={USER}", "--clear-groups"] if os.geteuid() == 0 else []
    return ["setpriv", *user, "--pdeathsig=QUIT", "--"]


def _open_children(pid: int) -> list[int]:
    """Open the children of a process, so that their end can be waited for."""
    children = []
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        with suppress(ProcessLookupError):
            children.append(os.pidfd_open(int(child)))
    return children
