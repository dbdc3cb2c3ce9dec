"""Addresses: one spelling for all that are the same, and never a failure."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gatepost.address import Address, base_local, is_address, parse_address, quote_local

any_text = st.one_of(
    st.text(st.characters(), max_size=60),
    st.text(
        st.sampled_from(list('ab+@.<>"\\ ,ßİ\u017fẞ\u212a\ufb00\u0345\u0301é\u3002\ud800\udcff\x00')),
        max_size=14,
    ),
)


@given(any_text)
@example("a" * 100_000 + "@" + "ü" * 5_000)
def test_reading_never_fails_and_its_text_reads_as_the_same(text: str) -> None:
    address = parse_address(text)
    assert parse_address(str(address)) == address


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20))
def test_local_parts_are_the_same_in_any_case(local: str) -> None:
    assert parse_address(f'"{local.upper()}"@X.ORG') == parse_address(f'"{local.upper().lower()}"@x.org')


@pytest.mark.parametrize(
    "spelling",
    [
        "joe@x.org",
        "<joe@x.org>",
        "JOE@X.Org",
        '"joe"@x.org',
        '"j\\oe"@x.org',
        "joe@x.org.",
        "joe@x.org..",
        "joe@x。org",
    ],
)
def test_spellings_of_one_address(spelling: str) -> None:
    assert str(parse_address(spelling)) == "joe@x.org"


@pytest.mark.parametrize(
    ("text", "local", "domain"),
    [
        ("", "", ""),
        ("<>", "", ""),
        ("root", "root", ""),
        ("@x.org", "", "x.org"),
        ('"joe@y.org"@x.org', "joe@y.org", "x.org"),
        ("a@b@x.org", "a@b", "x.org"),
        ("JÖRG@bücher.example", "jörg", "xn--bcher-kva.example"),
        ("jo\u0308rg@x.org", "jörg", "x.org"),
        ("joe@[192.0.2.9]", "joe", "[192.0.2.9]"),
    ],
)
def test_parts(text: str, local: str, domain: str) -> None:
    assert parse_address(text) == Address(local, domain)


@pytest.mark.parametrize(
    ("local", "base"), [("joe+a+b", "joe"), ("joe+", "joe"), ("+joe", "+joe"), ("joe", "joe")]
)
def test_detail(local: str, base: str) -> None:
    assert base_local(local) == base


@pytest.mark.parametrize(
    ("local", "written"),
    [
        ("o'brien", "o'brien"),
        ("a=b/{c}$#", "a=b/{c}$#"),
        ("two words", '"two words"'),
        ("a..b", '"a..b"'),
        (".a", '".a"'),
        ('q"\\', '"q\\"\\\\"'),
        ("", '""'),
        ("用户", "用户"),
    ],
)
def test_quotes_only_where_they_must_be(local: str, written: str) -> None:
    assert quote_local(local) == written


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("l" * 64 + "@x.org", True),
        ("l" * 65 + "@x.org", False),
        ("ü" * 33 + "@x.org", False),
        ("joe@" + "d" * 64 + ".org", False),
        ("joe@x..org", False),
        ("joe@192.0.2.1", False),
        ('"a\x00b"@x.org', False),
        ("a\udcff@x.org", False),
        ("@x.org", False),
        ("joe", False),
    ],
)
def test_limits(text: str, *, good: bool) -> None:
    assert is_address(parse_address(text)) is good
