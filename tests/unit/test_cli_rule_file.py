"""Files of rules: what is read, what is refused, and that what is written reads back."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.strategies import terms

from gatepost.rule import Rule, Terms
from gatepost.store.rules import RuleRecord
from gatepost.store.staging import Staged
from gatepost_cli.rule_file import BadLine, read_csv, read_jsonl
from gatepost_cli.rule_writer import write_csv, write_jsonl

NOW = 1_750_000_000.0
notes = st.text(st.characters(codec="utf-8", exclude_characters="\0"))


def lines(text: str) -> io.StringIO:
    return io.StringIO(text, newline="")


def only_bad(text: str) -> BadLine:
    """Read a file whose only line is bad."""
    (found,) = read_csv(lines(text), NOW)
    assert isinstance(found, BadLine)
    return found


def test_columns_may_come_in_any_order_and_case() -> None:
    (found,) = read_csv(lines("Scope, PATTERN,action,enforced\nexample.com,X.ORG,Block,yes\n"), NOW)
    assert isinstance(found, Staged)
    assert (found.line, found.terms.pattern.text, found.terms.enforced) == (2, "x.org", True)


def test_empty_lines_count_but_say_nothing() -> None:
    (found,) = read_csv(lines("action,pattern\n\n\nblock,x.org\n"), NOW)
    assert found.line == 4


@pytest.mark.parametrize(
    ("text", "column", "suggestion"),
    [
        ("", "header", "action,pattern,scope"),
        ("block,x.org,site\n", "header", "action,pattern,scope"),
        ("action,patern\n", "header", "did you mean pattern?"),
        ("action,pattern,action\n", "header", "action,pattern,scope"),
        ("action,pattern\nblok,x.org\n", "action", "did you mean block?"),
        ("action,pattern\nblock,*.x.org\n", "pattern", "did you mean .x.org"),
        ("action,pattern,scope\nblock,x.org,ann@\n", "scope", "ann@example.com"),
        (
            "action,pattern,scope,enforced\nblock,x.org,ann@example.com,yes\n",
            "enforced",
            "site and domain rules",
        ),
        ("action,pattern,enforced\nblock,x.org,maybe\n", "enforced", "write yes"),
        ("action,pattern,effect\nblock,x.org,junkk\n", "effect", "did you mean junk?"),
        ("action,pattern,effect\nallow,x.org,junk\n", "effect", "leave it empty"),
        ("action,pattern,proof\nblock,x.org,auto\n", "proof", "leave it empty"),
        ("action,pattern,proof\nallow,192.0.2.1,required\n", "proof", "leave it empty"),
        ("action,pattern,expires\nblock,x.org,soon\n", "expires", "30d"),
        ("action,pattern\nblock\n", "line", "into quotes"),
        ('action,pattern\nblock,"x"y\n', "line", "doubled"),
        ("action,pattern\nblock,\udcff.org\n", "pattern", "UTF-8"),
        ("action,pattern,note\nblock,x.org,a\0b\n", "note", "UTF-8"),
    ],
)
def test_a_bad_line_names_its_column_and_a_way_out(text: str, column: str, suggestion: str) -> None:
    found = only_bad(text)
    assert found.column == column
    assert suggestion in found.shown("f.csv")


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("{", "line"),
        ("[]", "line"),
        ('{"action": "block"}', "pattern"),
        ('{"action": "block", "patern": "x.org"}', "patern"),
        ('{"action": "block", "pattern": 7}', "pattern"),
    ],
)
def test_bad_json_names_its_key(text: str, column: str) -> None:
    (found,) = read_jsonl(lines(text), NOW)
    assert isinstance(found, BadLine)
    assert found.column == column


def test_reading_goes_on_after_a_bad_line() -> None:
    found = list(read_csv(lines('action,pattern\nblock,"x"y\nblok,x\nblock,x.org\n'), NOW))
    assert [type(line) for line in found] == [BadLine, BadLine, Staged]


@given(st.lists(st.tuples(terms(), notes)))
def test_what_is_exported_reads_back(rules: list[tuple[Terms, str]]) -> None:
    records = [RuleRecord(Rule(1, term), note, "cli", "ann", NOW) for term, note in rules]
    as_csv, as_jsonl = lines(""), lines("")
    write_csv(records, as_csv)
    write_jsonl(records, as_jsonl)
    for found in (read_csv(lines(as_csv.getvalue()), NOW), read_jsonl(lines(as_jsonl.getvalue()), NOW)):
        assert [(line.terms, line.note) for line in found if isinstance(line, Staged)] == rules
