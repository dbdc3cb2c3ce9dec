"""Times and spans on the command line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.errors import UsageError
from gatepost_cli.times import iso, parse_expiry, parse_span, parse_time, short

NOW = 1_750_000_000.5


@pytest.mark.parametrize(
    ("text", "seconds"), [("12h", 43_200), ("30d", 2_592_000), ("2w", 1_209_600), (" 1 D ", 86_400)]
)
def test_spans(text: str, seconds: int) -> None:
    assert parse_span(text) == seconds
    assert parse_time(text, NOW) == int(NOW) + seconds


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2026-12-31", "2026-12-31T00:00:00Z"),
        ("2026-12-31T18:00", "2026-12-31T18:00:00Z"),
        ("2026-12-31 18:00+02:00", "2026-12-31T16:00:00Z"),
        ("2026-12-31T00:00:00Z", "2026-12-31T00:00:00Z"),
    ],
)
def test_times_are_utc_unless_they_say_otherwise(text: str, shown: str) -> None:
    assert iso(parse_time(text, NOW)) == shown


@pytest.mark.parametrize("text", ["tomorrow", "30", "5m", "2026-02-30", "-3d"])
def test_what_is_no_time_is_refused_with_a_suggestion(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_time(text, NOW)
    assert "30d" in caught.value.hint


@pytest.mark.parametrize("text", ["0001-01-01T00:00+14:00", "1969-12-31", "999999w"])
def test_a_time_that_cannot_be_shown_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_time(text, NOW)


@pytest.mark.parametrize("text", ["never", "Never", "", " "])
def test_never(text: str) -> None:
    assert parse_expiry(text, NOW) is None


def test_a_rule_ends_after_the_first_second_of_1970() -> None:
    with pytest.raises(UsageError, match="first second of 1970"):
        parse_expiry("1970-01-01", NOW)
    assert parse_expiry("1970-01-01T00:00:01", NOW) == 1


def test_no_time_is_null_in_json_and_a_word_in_a_table() -> None:
    assert iso(None) is None
    assert short(None) == "never"


@given(st.integers(1, 253_402_300_799))
def test_what_is_written_reads_back(seconds: int) -> None:
    assert parse_expiry(iso(seconds) or "", NOW) == seconds
