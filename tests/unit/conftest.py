"""Fixtures for the tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.cli_host import Cli


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Configure a SQLite database that does not exist yet."""
    found = Cli(tmp_path, capsys)
    found.configure(f"sqlite:///{tmp_path / 'gatepost.db'}")
    return found
