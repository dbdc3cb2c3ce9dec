"""How the demonstration's story looks."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from gatepost_cli.demo.cast import PLAN
from gatepost_cli.demo.host import PrivateHost
from gatepost_cli.demo.keep import how_to_use
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
    assert "✓ RCPT TO:<ann@example.com>          550 5.7.1 Not accepted by" in text


def test_letters_that_the_output_cannot_show_are_replaced() -> None:
    printed = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    show = Show(Console(file=printed))
    show.chapter(1, CHAPTER)
    show.result(Result(Kind.MAIL, "", rows=(equals("mailbox", "INBOX", "INBOX"),)))
    printed.flush()
    assert b"  + mailbox" in printed.buffer.getvalue()


def test_all_that_a_kept_host_can_be_used_for_is_told(tmp_path: Path) -> None:
    lines = [line for way in how_to_use(PrivateHost(tmp_path, PLAN)) for line in way.lines]
    for word in ("swaks --server", "python3 -c", "curl --user", "GATEPOST_CONFIG=", "postfix.log"):
        assert any(word in line for line in lines)


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
    result = Result(
        Kind.MAIL, "A sentence. " * 20, "gatepost block", "out  \n\n" + "word " * 50, (Row("MAIL FROM:<>"),)
    )
    assert all(line == line.rstrip() for line in shown(result, terminal=True).splitlines())


def test_programs_get_what_was_seen_and_expected() -> None:
    result = Result(Kind.MAIL, "", rows=(equals("mailbox", "INBOX", "Junk"), Row("MAIL FROM:<>")))
    assert told_json(Told(CHAPTER, (result,)))["steps"] == [
        {
            "kind": "mail",
            "text": "",
            "command": None,
            "output": None,
            "rows": [
                {"what": "mailbox", "seen": "INBOX", "expected": "Junk", "ok": False},
                {"what": "MAIL FROM:<>", "seen": "", "expected": None, "ok": None},
            ],
        }
    ]
