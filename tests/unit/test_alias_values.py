"""What Postfix writes into parameters and tables, taken apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost_agent.postfix_values import (
    Name,
    Settings,
    canonical_key,
    direct,
    is_asked_whole,
    make_settings,
    names,
    parse_parameters,
    targets,
    words,
)

SETTINGS = Settings((), (), (), "example.com", "")
PARAMETERS = {
    "virtual_alias_maps": "proxy:hash:/v, inline:{a@b=c, {d@e = f g}}",
    "virtual_alias_domains": "",
    "virtual_mailbox_domains": "example.org hash:/domains",
    "mydestination": "Example.COM, localhost",
    "myorigin": "example.com",
    "mydomain": "example.com",
    "append_dot_mydomain": "yes",
    "recipient_delimiter": "+",
}


def no_file(name: str) -> str:
    raise AssertionError(name)


def test_parameters_are_read_one_a_line() -> None:
    assert parse_parameters("a = b = c\nempty =\n") == {"a": "b = c", "empty": ""}


def test_words_end_at_commas_and_blanks_but_not_inside_braces() -> None:
    assert words("hash:/a,  inline:{x=y, {a = b c}}\tpcre:/p") == (
        "hash:/a",
        "inline:{x=y, {a = b c}}",
        "pcre:/p",
    )


def test_settings_name_the_tables_behind_proxy() -> None:
    settings = make_settings(PARAMETERS, no_file)
    assert settings.alias_maps == ("hash:/v", "inline:{a@b=c, {d@e = f g}}")
    assert settings.delivered[1] == (
        Name("example.org", is_table=False),
        Name("hash:/domains", is_table=True),
    )


def test_proxy_is_taken_off_once() -> None:
    assert direct("proxy:mysql:/etc/postfix/v.cf") == "mysql:/etc/postfix/v.cf"


def test_tables_of_expressions_are_asked_whole_addresses() -> None:
    assert [table for table in ("pcre:/p", "regexp:/p", "hash:/p") if is_asked_whole(table)] == [
        "pcre:/p",
        "regexp:/p",
    ]


def test_a_list_may_name_files_which_may_have_comments() -> None:
    files = {"/a": "# no\nx.org !/b\n", "/b": "y.org"}
    assert names("/a", files.__getitem__) == (
        Name("x.org", is_table=False),
        Name("y.org", is_table=False, negated=True),
    )


@pytest.mark.parametrize(
    ("key", "canonical"),
    [
        ("Ann@Example.COM", "ann@example.com"),
        ("@MÜNCHEN.example", "@xn--mnchen-3ya.example"),
        ("a b@x.org", '"a b"@x.org'),
        ("root", "root"),
    ],
)
def test_keys_are_written_as_gatepost_writes_addresses(key: str, canonical: str) -> None:
    assert canonical_key(key) == canonical


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("bob@x.org, carl@x.org", ("bob@x.org", "carl@x.org")),
        ("bob@x.org carl@x.org", ("bob@x.org", "carl@x.org")),
        ('"a, b"@x.org, "c d"', ('"a, b"@x.org', '"c d"@example.com')),
        ("Bob the Man <bob@x.org>, carl", ("bob@x.org", "carl@example.com")),
        ('"Bob, <x>" <bob@x.org>', ("bob@x.org",)),
        ("bob@x.org (a, comment), bob@X.ORG", ("bob@x.org",)),
        ("@other.example, @third.example", ("ann@other.example",)),
        ("", ()),
        (", ,", ()),
    ],
)
def test_values_are_lists_of_addresses(value: str, expected: tuple[str, ...]) -> None:
    assert targets(value, "ann+x@example.com", SETTINGS) == expected


def test_a_whole_domain_may_become_another() -> None:
    assert targets("@other.example", "@example.com", SETTINGS) == ("@other.example",)


def test_a_short_domain_is_completed_where_postfix_does_so() -> None:
    assert targets("bob@mx", "a@x.org", Settings((), (), (), "x.org", ".x.org")) == ("bob@mx.x.org",)


@given(st.text())
def test_any_value_can_be_read(value: str) -> None:
    assert all(target.isprintable() or target for target in targets(value, "a@x.org", SETTINGS))
