"""Tables whose last column is prose."""

from __future__ import annotations

from gatepost_cli.output import Column, wrapped_table

COLUMNS = (Column("part"), Column("says"))
SOCKET = "unix:/srv/a/path/that-is-long/policyd.sock"


def test_the_last_column_goes_on_below_itself() -> None:
    lines = list(wrapped_table(COLUMNS, [("agent", "one two three four")], 20))
    assert lines == ["PART   SAYS", "agent  one two three", "       four"]


def test_what_has_no_spaces_stays_whole() -> None:
    lines = list(wrapped_table(COLUMNS, [("policyd", f"{SOCKET} answers")], 20))
    assert lines == ["PART     SAYS", "policyd", f"         {SOCKET}", "         answers"]
