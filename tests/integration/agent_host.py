"""An agent as a process of its own, with a state folder and a database under the test's folder."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy.engine import Engine

from gatepost.address import parse_address
from gatepost.config import Database
from gatepost.errors import GatepostError
from gatepost.journal.journal import Journal
from gatepost.pattern import parse_pattern
from gatepost.probe import sender_probes
from gatepost.rule import Action, Terms, make_terms
from gatepost.scope import SITE
from gatepost.snapshot.reader import SnapshotReader
from gatepost.store.changes import Author
from gatepost.store.database import make_engine
from gatepost.store.rules import NewRule, add_rule
from gatepost.store.schema import upgrade

GATEPOST = Path(sys.executable).parent / "gatepost"
AUTHOR = Author("test", "test")
_PATIENCE_SECONDS = 30


def wait_until(what: str, is_so: Callable[[], object], seconds: float = _PATIENCE_SECONDS) -> float:
    """Wait for something that another process brings about; gives how long it took, in seconds."""
    start = time.monotonic()
    while not is_so():
        assert time.monotonic() - start < seconds, f"after {seconds} s still not: {what}"
        time.sleep(0.01)
    return time.monotonic() - start


@dataclass
class AgentHost:
    """Settings, database and state of one host, and its agent."""

    folder: Path
    url: str
    aliases: str = "sync_seconds = 0"
    agent: subprocess.Popen[bytes] | None = None
    engine: Engine = field(init=False)

    def __post_init__(self) -> None:
        """Create the schema and write the settings."""
        self.use(self.url)
        upgrade(self.engine)

    @property
    def config(self) -> Path:
        """The settings."""
        return self.folder / "gatepost.toml"

    @property
    def state(self) -> Path:
        """The state folder."""
        return self.folder / "state"

    @property
    def snapshot(self) -> Path:
        """The snapshot's folder."""
        return self.state / "snapshot"

    def close(self) -> None:
        """End everything."""
        self.kill()
        self.engine.dispose()

    def use(self, url: str) -> None:
        """Name a database in the settings; its schema is not touched."""
        if url != self.url:
            self.engine.dispose()
        self.url = url
        self.engine = make_engine(Database(url=url))
        self.config.write_text(
            f'[database]\nurl = "{url}"\n[paths]\nstate = "{self.state}"\n[site]\nuser = "{NOBODY}"\n'
            f"[agent]\npoll_seconds = 0.05\ndrain_seconds = 0.05\nsnapshot_gib = 1\n[aliases]\n{self.aliases}\n"
        )

    def start(self) -> None:
        """Start the agent; what it logs is appended to a file."""
        with (self.folder / "log").open("ab") as log:
            self.agent = subprocess.Popen([GATEPOST, "--config", self.config, "agent"], stderr=log)

    def kill(self) -> None:
        """End the agent with SIGKILL."""
        if self.agent is not None:
            self.agent.kill()
            self.agent.wait()
            self.agent = None

    def stop(self) -> int:
        """End the agent with SIGTERM; gives its exit status."""
        assert self.agent is not None
        self.agent.terminate()
        status = self.agent.wait(_PATIENCE_SECONDS)
        self.agent = None
        return status

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command."""
        return subprocess.run(
            [GATEPOST, "--config", self.config, *arguments], capture_output=True, text=True, check=False
        )

    def status(self) -> dict[str, Any]:
        """Read the agent's status; empty before there is one."""
        file = self.state / "status.json"
        return dict(json.loads(file.read_text())) if file.exists() else {}

    def trouble(self, name: str) -> str:
        """Tell what troubles a duty of the agent."""
        return str(self.status().get("trouble", {}).get(name, ""))

    def log(self) -> str:
        """Read what the agent logged."""
        return (self.folder / "log").read_text()

    def block(self, pattern: str) -> int:
        """Add a rule for the site and give its number."""
        terms = make_terms(Terms(Action.BLOCK, parse_pattern(pattern), SITE))
        return add_rule(self.engine, AUTHOR, NewRule(terms))[0].rule.id

    def is_blocked(self, sender: str) -> bool:
        """Whether the snapshot has a rule for a sender."""
        reader = SnapshotReader(self.snapshot)
        try:
            with reader.view() as view:
                return bool(view.matches("", sender_probes(sender), None))
        except GatepostError:
            return False
        finally:
            reader.close()

    def alias(self, address: str) -> tuple[str, ...] | None:
        """Tell what the snapshot makes of an address; None when it knows nothing of it."""
        reader = SnapshotReader(self.snapshot)
        try:
            with reader.view() as view:
                key = str(parse_address(address))
                found = view.alias(key)
                return found.targets if found else (() if view.knows(key) else None)
        except GatepostError:
            return None
        finally:
            reader.close()

    def asks_on_demand(self) -> bool:
        """Whether the snapshot says that aliases have to be asked about one by one."""
        reader = SnapshotReader(self.snapshot)
        try:
            with reader.view() as view:
                return view.aliases_on_demand
        except GatepostError:
            return False
        finally:
            reader.close()

    @contextmanager
    def journal(self) -> Iterator[Journal]:
        """Open the journal as another daemon of the host does."""
        journal = Journal(self.state / "journal")
        try:
            yield journal
        finally:
            journal.close()

    def damage(self, hurt: Callable[[Path], object]) -> None:
        """Spoil the file of the generation in force while nobody has it open."""
        name = (self.snapshot / "current").read_text().strip()
        hurt(self.snapshot / name / "data.mdb")


NOBODY = "no-such-user"
"""so that the agent stays who the test is"""
