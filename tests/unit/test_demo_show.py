"""How the demonstration's story looks."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from gatepost_cli.demo.results import Kind, Result, Row, Told, begins, equals, holds, told_json
from gatepost_cli.demo.show import Show
from gatepost_cli.demo.steps import Chapter

REFUSAL = (
    "550 5.7.1 <ann@example.com>: Recipient address rejected: Not accepted by the recipient's mail policy"
)
CHAPTER = Chapter("A title", "Some words.", ())


def shown(*results: Result, width: int = 80, terminal: bool = False) -> str:
    printed = io.StringIO()
    console = Console(
        file=printed, width=width, force_terminal=terminal, color_system=None, highlight=False, markup=False
    )
    show = Show(console)
    show.chapter(1, CHAPTER)
    for result in results:
        show.result(result)
    return printed.getvalue()


def test_a_failed_check_shows_what_was_expected_and_seen() -> None:
    row = equals("mailbox ann@example.com", "INBOX", "Junk")
    text = shown(Result(Kind.MAIL, "", rows=(row,)))
    assert "✗ mailbox ann@example.com            INBOX\n" in text
    assert " expected: Junk\n" in text


def test_what_is_as_it_must_be_and_of_no_interest_is_left_out() -> None:
    rows = (equals("exit status", "0", "0", shown=False), holds("its output", "rule 1: …", "rule 1"))
    assert "exit status" not in shown(Result(Kind.COMMAND, "", "gatepost block x.org", rows=rows))


def test_the_reply_is_shown_without_postfixs_preface() -> None:
    text = shown(Result(Kind.MAIL, "", rows=(begins("RCPT TO:<ann@example.com>", REFUSAL, "550"),)))
    assert "✓ RCPT TO:<ann@example.com>          550 5.7.1 Not accepted by the recipient's\n" in text


@pytest.mark.parametrize("width", [60, 80, 100, 120])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    long = Result(
        Kind.MAIL, "A sentence. " * 20, "gatepost block", "  word" * 40, (Row("RCPT", "word " * 40),)
    )
    assert max(map(len, shown(long, width=width, terminal=True).splitlines())) <= width


def test_nothing_is_cut_or_folded_on_a_pipe() -> None:
    line = "a column  " * 30
    assert line.strip() in shown(Result(Kind.COMMAND, "", "gatepost events", line))


def test_no_line_ends_with_spaces() -> None:
    result = Result(Kind.MAIL, "A sentence. " * 20, "gatepost block", "out  \n", (Row("MAIL FROM:<>"),))
    assert all(line == line.rstrip() for line in shown(result, terminal=True).splitlines())


def test_programs_get_what_was_seen_and_expected() -> None:
    result = Result(Kind.MAIL, "", rows=(equals("mailbox", "INBOX", "Junk"), Row("MAIL FROM:<>")))
    (step,) = told_json(Told(CHAPTER, (result,)))["steps"]  # type: ignore[misc]  # it is a list of objects
    assert [row["ok"] for row in step["rows"]] == [False, None]
