"""Files that are replaced whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from gatepost.atomic import write_atomically


def test_content_and_mode(tmp_path: Path) -> None:
    write_atomically(tmp_path / "f", "größer\n", 0o600)
    assert (tmp_path / "f").read_bytes() == "größer\n".encode()
    assert stat.S_IMODE((tmp_path / "f").stat().st_mode) == 0o600


@pytest.mark.parametrize("step", ["os.fsync", "pathlib.Path.chmod", "pathlib.Path.replace"])
def test_a_failure_leaves_the_old_content_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / "f").write_text("old")
    monkeypatch.setattr(step, fail)
    with pytest.raises(OSError, match="No space"):
        write_atomically(tmp_path / "f", "new")
    assert os.listdir(tmp_path) == ["f"]  # noqa: PTH208  Path may be broken here
    assert (tmp_path / "f").read_text() == "old"


def test_a_text_that_cannot_be_written_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("old")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(tmp_path / "f", "\udcff")
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


def test_who_reads_meanwhile_keeps_the_old_content(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("old")
    with (tmp_path / "f").open() as reading:
        write_atomically(tmp_path / "f", "new")
        assert reading.read() == "old"
