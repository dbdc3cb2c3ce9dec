"""What the demonstration needs, where it lives, and what it says when that is not there."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatepost.errors import UnavailableError
from gatepost_cli.demo import place


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Put TMPDIR where everybody can enter, unlike pytest's folders."""
    with tempfile.TemporaryDirectory(prefix="gp-") as name:
        Path(name).chmod(0o755)
        monkeypatch.setattr(tempfile, "tempdir", name)
        yield Path(name)


def problem_of(action: object) -> UnavailableError:
    assert callable(action)
    with pytest.raises(UnavailableError) as caught:
        action()
    return caught.value


def test_only_root_can_start_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "sudo gatepost demo" in problem_of(place.check_machine).hint


def test_missing_servers_are_named_by_their_debian_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(place, "_SYSTEM_FOLDERS", ())
    monkeypatch.setattr(place, "_DOVECOT_FOLDERS", ())
    packages = "postfix dovecot-core dovecot-imapd dovecot-lmtpd dovecot-sieve"
    assert problem_of(place.check_machine).hint.endswith(f"install --no-install-recommends {packages}")


def test_postfix_without_lmdb_is_not_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "postconf").write_text("#!/bin/sh\necho btree\n")
    (tmp_path / "postconf").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert problem_of(lambda: place.check_lmdb(tmp_path)).message.endswith(": postfix-lmdb")


def test_a_folder_is_chosen_and_not_yet_made(temporary: Path) -> None:
    folder = place.choose_folder()
    assert folder.parent == temporary
    assert not folder.exists()


def test_a_long_tmpdir_is_refused(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(temporary / ("long" * 12)))
    error = problem_of(place.choose_folder)
    assert "too long" in error.message
    assert "TMPDIR=/tmp gatepost demo" in error.hint


def test_a_tmpdir_with_spaces_is_refused(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(temporary / "a b"))
    assert "characters" in problem_of(place.choose_folder).message


def test_a_tmpdir_that_the_servers_cannot_enter_is_refused(temporary: Path) -> None:
    temporary.chmod(0o700)
    assert f"cannot enter {temporary}" in problem_of(place.choose_folder).message


def test_an_abandoned_folder_is_removed_and_one_in_use_is_not(temporary: Path) -> None:
    abandoned, used = temporary / "gatepost-demo-a", temporary / "gatepost-demo-b"
    for folder in (abandoned, used):
        folder.mkdir()
        (folder / "lock").touch()
    with (used / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        place.remove_leftovers()
    assert list(temporary.iterdir()) == [used]


def test_a_folder_that_is_no_demonstrations_stays(temporary: Path) -> None:
    (temporary / "gatepost-demo-notes").mkdir()
    (temporary / "gatepost-demo-link").symlink_to("/")
    place.remove_leftovers()
    assert len(list(temporary.iterdir())) == 2
