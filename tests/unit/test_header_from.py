"""From: headers as spammers and broken programs write them."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.address import is_address, parse_address
from gatepost.header_from import MAX_ADDRESSES, parse_from

pieces = st.lists(
    st.sampled_from(
        [
            "joe@x.org",
            "bob@y.org",
            "<",
            ">",
            "(",
            ")",
            '"',
            ",",
            ";",
            ":",
            " ",
            "\\",
            "@",
            "Joe",
            "[",
            "]",
            "\r\n\t",
            "\x00",
            "=?utf-8?q?",
            "?=",
            "ü",
            "\udcff",
        ]
    ),
    max_size=8,
).map("".join)


@given(
    st.lists(st.binary(max_size=60).map(lambda b: b.decode("utf-8", "surrogateescape")) | pieces, max_size=3)
)
def test_any_header_is_read_and_certain_only_of_one_good_address(fields: list[str]) -> None:
    authors = parse_from(fields)
    assert not authors.certain or (len(fields) == 1 and [is_address(a) for a in authors.addresses] == [True])


@given(pieces)
def test_certain_only_when_no_other_address_is_written(field: str) -> None:
    if parse_from([field]).certain:
        outside_quotes = "".join(field.split('"')[::2])
        assert outside_quotes.count("@") == 1


@given(before=pieces, after=pieces)
def test_an_address_in_plain_angle_brackets_cannot_be_hidden(before: str, after: str) -> None:
    authors = parse_from([f"{before} <evil@z.org> {after}"])
    assert parse_address("evil@z.org") in authors.addresses


@pytest.mark.parametrize(
    "field",
    [
        "joe@x.org",
        "JOE@X.ORG",
        '"joe"@x.org',
        "<joe@x.org>",
        "Joe <joe@x.org>",
        "J. Smith <joe@x.org>",
        '"Smith, Joe" <joe@x.org>',
        '"evil@y.org" <joe@x.org>',
        "=?utf-8?q?J=C3=B6?= <joe@x.org>",
        "Jö <joe@x.org>",
        "joe@x.org (Joe)",
        "Joe (Sales) <joe@x.org>",
        "Joe\r\n\t<joe@x.org>",
        "  < joe@x.org >  ",
    ],
)
def test_certain(field: str) -> None:
    authors = parse_from([field])
    assert ([str(a) for a in authors.addresses], authors.certain) == (["joe@x.org"], True)


@pytest.mark.parametrize(
    ("field", "addresses"),
    [
        ("", []),
        ("Joe", []),
        ("Joe <>", []),
        ("undisclosed-recipients:;", []),
        ("joe@x.org, bob@y.org", ["joe@x.org", "bob@y.org"]),
        ("joe@x.org;bob@y.org", ["joe@x.org", "bob@y.org"]),
        ("joe@x.org <bob@y.org>", ["joe@x.org", "bob@y.org"]),
        ("<joe@x.org> <bob@y.org>", ["joe@x.org", "bob@y.org"]),
        ("<joe@x.org> bob@y.org", ["joe@x.org", "bob@y.org"]),
        ("Friends: joe@x.org, bob@y.org;", ["joe@x.org", "bob@y.org"]),
        ("Friends: joe@x.org;", ["joe@x.org"]),
        ("Smith, Joe <joe@x.org>", ["joe@x.org"]),
        ("Joe <joe@x.org", ["joe@x.org"]),
        ('"Joe <joe@x.org>', ['"joe <joe"@x.org>', "joe@x.org"]),
        ("Joe <joe@x.org>,", ["joe@x.org"]),
        ("joe(that's me)@x.org", ["joe@x.org"]),
        ("joe@[192.0.2.9]", ["joe@[192.0.2.9]"]),
        ("joe@x.org@y.org", ['"joe@x.org"@y.org']),
        ("=?utf-8?q?joe=40x.org?=", ["joe@x.org"]),
        ("=?utf-8?b?am9lQHgub3Jn?=", ["joe@x.org"]),
        ("joe@" + "d" * 64 + ".org", ["joe@" + "d" * 64 + ".org"]),
    ],
)
def test_doubtful(field: str, addresses: list[str]) -> None:
    authors = parse_from([field])
    assert ([str(a) for a in authors.addresses], authors.certain) == (addresses, False)


@pytest.mark.parametrize("fields", [["joe@x.org", "joe@x.org"], ["", "joe@x.org"], ["joe@x.org", ""]])
def test_two_fields_are_doubtful(fields: list[str]) -> None:
    authors = parse_from(fields)
    assert ([str(a) for a in authors.addresses], authors.certain) == (["joe@x.org"], False)


def test_no_field_no_author() -> None:
    assert parse_from([]).addresses == ()


@pytest.mark.parametrize(
    "field",
    [
        "(" * 1_000_000,
        "," * 1_000_000,
        "a@b.c," * 170_000,
        "<a@" * 300_000,
        "a" * 1_000_000,
        '"' * 1_000_000,
        "\\" * 1_000_000,
        "=?utf-8?q?" * 100_000,
        "a@" + "ü" * 1_000_000,
        "@" * 1_000_000,
        ("(" * 90 + ")" * 90) * 5_000,
    ],
    ids=lambda field: field[:10],
)
def test_a_megabyte_of_anything_takes_no_time(field: str) -> None:
    start = time.process_time()
    authors = parse_from([field])
    assert time.process_time() - start < 1
    assert not authors.certain
    assert len(authors.addresses) <= MAX_ADDRESSES


def test_thousands_of_fields_take_no_time_and_the_first_hundred_are_read() -> None:
    start = time.process_time()
    authors = parse_from([f"a{n}@x.org" + " " * 1_000 for n in range(5_000)])
    assert time.process_time() - start < 1
    assert len(authors.addresses) == MAX_ADDRESSES
