"""A Gatepost of its own in a folder, used only through its commands and sockets."""

from __future__ import annotations

import contextlib
import getpass
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from . import policy, processes, rule_list
from .policy import Server
from .processes import SERVER_CPU, BenchError

BUILD_SECONDS = 1800
CHANGE_SECONDS = 60


class GatepostHost:
    """One configuration with one worker, so that policyd can be compared per core."""

    def __init__(self, folder: Path) -> None:
        """Make the folder and write the configuration."""
        self.folder = folder
        self.config = folder / "gatepost.toml"
        self.policy_address = f"unix:{folder}/policyd.sock"
        self.milter_address = f"unix:{folder}/milter.sock"
        folder.mkdir()
        folder.chmod(0o755)  # Postfix's smtpd looks for the sockets here
        self.config.write_text(self._configuration())

    def command(self, *arguments: str) -> list[str]:
        """A gatepost command line for this host."""
        program = Path(sys.executable).with_name("gatepost")
        return [str(program), "--config", str(self.config), *arguments]

    def run(self, *arguments: str) -> float:
        """Run a command and say how many seconds it took."""
        start = time.monotonic()
        done = subprocess.run(self.command(*arguments), capture_output=True, text=True, check=False)
        if done.returncode:
            raise BenchError(f"gatepost {' '.join(arguments)}: status {done.returncode}\n{done.stderr}")
        return time.monotonic() - start

    def import_rules(self, rules: int) -> float:
        """Import the first `rules` rules of the list, in seconds."""
        file = self.folder / "rules.csv"
        rule_list.write_rules(file, rules)
        try:
            return self.run("rules", "import", str(file), "--yes")
        finally:
            file.unlink()

    @contextlib.contextmanager
    def daemon(self, name: str, address: str | None = None, cpu: int | None = None) -> Iterator[int]:
        """Run policyd, milter or agent for the time of the block; gives its pid."""
        log = self.folder / f"{name}.log"
        with processes.running(self.command(name), log, address, cpu) as pid:
            yield pid

    @contextlib.contextmanager
    def policyd(self, name: str, requests: Path) -> Iterator[Server]:
        """Run policyd on the servers' CPU."""
        with self.daemon("policyd", self.policy_address, SERVER_CPU) as pid:
            yield Server(name, self.policy_address, pid, requests)

    def wait_for_rule(self, request: rule_list.Request, seconds: float) -> float:
        """Wait until policyd gives the right answer to a request; in seconds."""

        def is_right() -> bool:
            return policy.ask(self.policy_address, request) == request.answer

        return processes.wait_until(is_right, f"{request} to be answered so", seconds)

    def change_seconds(self) -> float:
        """How long after the command's end a new rule is in force."""
        sender = f"probe{time.monotonic_ns()}@probe.example"
        self.run("block", sender)
        request = rule_list.Request("198.18.0.1", sender, rule_list.mailbox(0), "550")
        return self.wait_for_rule(request, CHANGE_SECONDS)

    def _configuration(self) -> str:
        relay = f"unix:{self.folder}/relay.sock"
        return f"""\
[database]
url = "sqlite:///{self.folder}/gatepost.db"
[paths]
state = "{self.folder}/state"
run = "{self.folder}/run"
[site]
mynetworks = ["192.0.2.1/32"]
user = "{getpass.getuser()}"
[policyd]
listen = ["{self.policy_address}"]
relay_listen = ["{relay}"]
workers = 1
[milter]
listen = "{self.milter_address}"
[aliases]
sync_seconds = 0
"""
