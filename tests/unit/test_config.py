"""gatepost.toml: found, read, and complete by defaults."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from gatepost.config import DEFAULT_FILE, Config, config_file, load_config, parse_config
from gatepost.errors import ConfigError


def test_an_empty_file_is_all_defaults() -> None:
    assert parse_config("") == Config()


def test_every_setting_says_what_it_means() -> None:
    settings = [setting for section in fields(Config) for setting in fields(getattr(Config(), section.name))]
    assert [setting.name for setting in settings if not setting.metadata.get("help")] == []


def test_values_are_taken_and_numbers_may_be_whole() -> None:
    config = parse_config(
        '[policyd]\nworkers = 4\nidle_timeout_seconds = 60\n[paths]\nstate = "/srv/gatepost"'
    )
    assert (config.policyd.workers, config.policyd.idle_timeout_seconds) == (4, 60.0)
    assert config.snapshot_folder == Path("/srv/gatepost/snapshot")
    assert config.journal_folder == Path("/srv/gatepost/journal")


def test_the_command_line_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEPOST_CONFIG", "/from/environment")
    assert config_file("/named") == Path("/named")
    assert config_file(None) == Path("/from/environment")
    monkeypatch.delenv("GATEPOST_CONFIG")
    assert config_file(None) == DEFAULT_FILE


def test_a_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "gatepost.toml"
    file.write_text("[policyd]\nworkers = 7\n")
    assert load_config(file).policyd.workers == 7


def test_a_missing_file_shows_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no configuration at") as caught:
        load_config(tmp_path / "gatepost.toml")
    assert caught.value.hint == "write one with: gatepost init"


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_an_unreadable_file_is_told(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "gatepost.toml"
    if content is None:
        file.mkdir()
    else:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match="cannot read"):
        load_config(file)
