"""The command line on a database of its own."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gatepost_cli.main import run


@dataclass(frozen=True, slots=True)
class Said:
    """What a command said, and its exit status."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # whatever the command prints
        """Read the output as JSON."""
        return json.loads(self.out)


@dataclass(frozen=True, slots=True)
class Cli:
    """`gatepost --config FILE …` without a new process for each."""

    folder: Path
    capsys: pytest.CaptureFixture[str]

    @property
    def config_file(self) -> Path:
        """Where the configuration lies."""
        return self.folder / "gatepost.toml"

    def configure(self, url: str, domains: str = "[]") -> None:
        """Write the configuration; whoever runs the tests stays who they are."""
        site = f'[site]\nuser = ""\ndomains = {domains}\n'
        self.config_file.write_text(f'[database]\nurl = "{url}"\n{site}', encoding="utf-8")

    def __call__(self, *words: str) -> Said:
        """Run a command."""
        self.capsys.readouterr()
        status = run(["--config", str(self.config_file), *words])
        said = self.capsys.readouterr()
        return Said(status, said.out, said.err)

    def done(self, *words: str) -> Said:
        """Run a command that has to work."""
        said = self(*words)
        assert said.status == 0, said.err
        return said

    def patterns(self) -> list[str]:
        """List the patterns of the rules in force."""
        return [rule["pattern"] for rule in self.done("rules", "list", "--json").json]
