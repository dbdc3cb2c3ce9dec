"""What must hold for every file of the tree, whoever wrote it."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
# In pieces, so that this file does not name them either.
REGISTRY_HOSTS = re.compile(
    "|".join(
        rf"{name}\.{top}"
        for name, top in [
            ("pypi", "org"),
            ("deb.debian", "org"),
            ("pypi", "python"),
            ("pythonhosted", "org"),
            ("npmjs", "(?:org|com)"),
        ]
    ).encode()
)
LOCKED = re.compile(r"^([a-z0-9-]+)==(\S+)", re.MULTILINE)


def tracked_files() -> list[Path]:
    """List what git tracks or would track; a tree that belongs to another user is read all the same."""
    git = ["git", "-c", "safe.directory=*", "-C", str(ROOT)]
    listing = subprocess.run(
        [*git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        check=True,
        capture_output=True,
    )
    return [path for name in listing.stdout.decode().split("\0") if (path := ROOT / name).is_file()]


def test_no_file_names_a_package_registry() -> None:
    assert not [path for path in tracked_files() if REGISTRY_HOSTS.search(path.read_bytes())]


@pytest.mark.parametrize("lock", ["build", "run", "dev"])
def test_every_locked_package_has_a_hash(lock: str) -> None:
    text = (ROOT / "requirements" / f"{lock}.txt").read_text()
    blocks = re.split(r"\n(?=[a-z])", text)[1:]
    assert blocks
    assert not [block for block in blocks if "--hash=sha256:" not in block]


def test_the_lock_satisfies_pyproject() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    locked = dict(LOCKED.findall((ROOT / "requirements/dev.txt").read_text()))
    wanted = [Requirement(line) for line in project["dependencies"] + project["optional-dependencies"]["dev"]]
    assert not [str(need) for need in wanted if not need.specifier.contains(locked.get(need.name, "0"))]
