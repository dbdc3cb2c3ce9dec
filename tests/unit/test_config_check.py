"""Bad configurations as data: bad_configs/*.toml, each with the lines that are expected of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.config import parse_config
from gatepost.config_check import problems
from gatepost.errors import ConfigError

FILES = sorted((Path(__file__).parent / "bad_configs").glob("*.toml"))
EXPECT = "# expect: "
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.datetimes(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)
keys = st.sampled_from(
    ["url", "listen", "workers", "socket_mode", "mynetworks", "poll_seconds", "on_missing_snapshot"]
)
sections = st.sampled_from(["database", "policyd", "milter", "agent", "site", "aliases", "paths", "x"])


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_everything_wrong_is_told_at_once(file: Path) -> None:
    text = file.read_text()
    expected = {line.removeprefix(EXPECT) for line in text.splitlines() if line.startswith(EXPECT)}
    with pytest.raises(ConfigError) as caught:
        parse_config(text, "bad.toml")
    assert {line.strip() for line in caught.value.message.splitlines()} - {"bad.toml:"} == expected


@given(st.dictionaries(sections, values | st.dictionaries(keys, values, max_size=3), max_size=3))
def test_any_values_are_listed_problems_or_a_configuration(raw: dict[str, object]) -> None:
    assert all(": " in problem and "\n" not in problem for problem in problems(raw))
