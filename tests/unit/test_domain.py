"""Domains: A-labels in lower case, whatever comes in."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.domain import canonical_domain, display_domain, is_domain, with_parents

any_text = st.one_of(
    st.text(st.characters(), max_size=40),
    st.text(
        st.sampled_from(list("axAX-_.\u3002\uff0exnßüÜİ\u017f\u212a\ufb00①²\u0345\u200d\u05d0\u0660\ud800 ")),
        max_size=12,
    ),
)


@given(any_text)
def test_canonical_domain_never_fails_and_is_canonical(text: str) -> None:
    once = canonical_domain(text)
    assert canonical_domain(once) == once


@given(any_text)
def test_display_never_fails(text: str) -> None:
    display_domain(canonical_domain(text))
    display_domain(f"xn--{text}")


@pytest.mark.parametrize(
    "spelling", ["bücher.example", "BÜCHER.Example.", "XN--BCHER-KVA.example", "bücher。example"]
)
def test_spellings_of_one_domain(spelling: str) -> None:
    assert canonical_domain(spelling) == "xn--bcher-kva.example"


@pytest.mark.parametrize(
    "good", ["x.org", "localhost", "_dmarc.x.org", "d" * 63 + ".org", "1.2.3.in-addr.arpa", "3.x"]
)
def test_domains(good: str) -> None:
    assert is_domain(good)


@pytest.mark.parametrize(
    "bad",
    [
        "",
        ".",
        "x..org",
        "-x.org",
        "x-.org",
        "d" * 64 + ".org",
        "a." * 127 + "org",
        "192.0.2.1",
        "ü.org",
        "x.org\n",
    ],
)
def test_no_domains(bad: str) -> None:
    assert not is_domain(bad)


def test_parents_are_deepest_first_and_end() -> None:
    assert with_parents("a.x.org") == ("a.x.org", "x.org", "org")
    assert len(with_parents("a." * 5_000 + "org")) == 127


def test_display_is_for_people() -> None:
    assert display_domain("xn--bcher-kva.example") == "bücher.example"
    assert display_domain("xn--.example") == "xn--.example"


@pytest.mark.parametrize("text", ["ü" * 60_000, "ü." * 30_000, "\u0345" * 60_000, "a\u0301" * 30_000])
def test_long_names_take_no_time(text: str) -> None:
    start = time.process_time()
    canonical_domain(text)
    assert time.process_time() - start < 1
