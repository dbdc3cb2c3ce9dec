"""Run as root, the command line acts as the site's user."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

NOBODY = "nobody"
PROGRAM = "import sys; from gatepost_cli.main import main; sys.exit(main())"
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


@pytest.fixture
def state() -> Iterator[Path]:
    """Make a folder that belongs to the user."""
    folder = Path(tempfile.mkdtemp(prefix="gatepost-"))
    shutil.chown(folder, NOBODY)
    yield folder
    shutil.rmtree(folder)


def block(state: Path, user: str) -> subprocess.CompletedProcess[str]:
    config = state / "gatepost.toml"
    config.write_text(f'[database]\nurl = "sqlite:///{state}/gatepost.db"\n[site]\nuser = "{user}"\n')
    command = [sys.executable, "-c", PROGRAM, "--config", str(config), "block", "x.org", "--json"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_no_file_ends_up_as_roots(state: Path) -> None:
    ended = block(state, NOBODY)
    assert ended.returncode == 0, ended.stderr
    assert '"author": "root"' in ended.stdout
    assert (state / "gatepost.db").stat().st_uid == pwd.getpwnam(NOBODY).pw_uid


def test_without_such_a_user_it_goes_on_as_root(state: Path) -> None:
    assert block(state, "no-such-user").returncode == 0
    assert (state / "gatepost.db").stat().st_uid == 0
