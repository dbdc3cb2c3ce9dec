"""Run as root, the command line acts as the site's user."""

from __future__ import annotations

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
CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def python() -> Iterator[list[str]]:
    """Install Gatepost where anybody may read it: a checkout may lie below /root."""
    folder = Path(tempfile.mkdtemp(prefix="gatepost-"))
    folder.chmod(0o755)
    shutil.copytree(Path(sys.prefix), folder / "venv", symlinks=True)
    for package in ("core/gatepost", "cli/gatepost_cli"):
        shutil.copytree(CHECKOUT / package, folder / "lib" / Path(package).name)
    yield ["env", f"PYTHONPATH={folder}/lib", str(folder / "venv/bin/python")]
    shutil.rmtree(folder)


@pytest.fixture
def state() -> Iterator[Path]:
    """Make a folder that belongs to the user."""
    folder = Path(tempfile.mkdtemp(prefix="gatepost-"))
    shutil.chown(folder, NOBODY)
    yield folder
    shutil.rmtree(folder)


def block(python: list[str], state: Path, user: str) -> subprocess.CompletedProcess[str]:
    config = state / "gatepost.toml"
    config.write_text(f'[database]\nurl = "sqlite:///{state}/gatepost.db"\n[site]\nuser = "{user}"\n')
    command = [*python, "-c", PROGRAM, "--config", str(config), "block", "x.org", "--json"]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")


def test_no_file_ends_up_as_roots(python: list[str], state: Path) -> None:
    ended = block(python, state, NOBODY)
    assert ended.returncode == 0, ended.stderr
    assert '"author": "root"' in ended.stdout
    assert (state / "gatepost.db").stat().st_uid == pwd.getpwnam(NOBODY).pw_uid


def test_without_such_a_user_it_goes_on_as_root(python: list[str], state: Path) -> None:
    assert block(python, state, "no-such-user").returncode == 0
    assert (state / "gatepost.db").stat().st_uid == 0
