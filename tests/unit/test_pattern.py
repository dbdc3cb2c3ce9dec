"""Patterns: one canonical text each, and errors that name the place and the way out."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.strategies import patterns

from gatepost.network import parse_network
from gatepost.pattern import Pattern, PatternError, PatternKind, network_pattern, parse_pattern

near_patterns = st.text(st.sampled_from(list('jo.@+*"\\/:<> x1234\u3002\uff0eü\ud800\x00,-_')), max_size=14)


@given(patterns)
def test_every_pattern_reads_as_itself(pattern: Pattern) -> None:
    assert parse_pattern(str(pattern)) == pattern


@given(st.text(st.characters(), max_size=40) | near_patterns)
def test_any_text_is_a_pattern_that_reads_as_itself_or_a_pattern_error(text: str) -> None:
    with contextlib.suppress(PatternError):
        pattern = parse_pattern(text)
        assert parse_pattern(pattern.text) == pattern
        assert pattern.text.encode()


@pytest.mark.parametrize(
    ("written", "kind", "text"),
    [
        (" Joe@X.ORG ", PatternKind.ADDRESS, "joe@x.org"),
        ("<joe@x.org>", PatternKind.ADDRESS, "joe@x.org"),
        ('"joe"@x.org.', PatternKind.ADDRESS, "joe@x.org"),
        ('"two words"@x.org', PatternKind.ADDRESS, '"two words"@x.org'),
        ("jörg@BÜCHER.example", PatternKind.ADDRESS, "jörg@xn--bcher-kva.example"),
        ("joe+list@x.org", PatternKind.ADDRESS, "joe+list@x.org"),
        ("bücher.example", PatternKind.DOMAIN, "xn--bcher-kva.example"),
        (".Bücher.example", PatternKind.SUBTREE, ".xn--bcher-kva.example"),
        (".org", PatternKind.SUBTREE, ".org"),
        ("JOE@", PatternKind.LOCAL_PART, "joe@"),
        ("joe+list@", PatternKind.LOCAL_PART, "joe+list@"),
        ("::ffff:192.0.2.7", PatternKind.NETWORK, "192.0.2.7"),
        ("192.0.2.7/24", PatternKind.NETWORK, "192.0.2.0/24"),
        ("2001:0DB8::/32", PatternKind.NETWORK, "2001:db8::/32"),
    ],
)
def test_spellings(written: str, kind: PatternKind, text: str) -> None:
    pattern = parse_pattern(written)
    assert (pattern.kind, str(pattern)) == (kind, text)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("", "bounces (<>) have no sender to match"),
        ("<>", "bounces (<>) have no sender to match"),
        ("joe", "did you mean the address joe@…, the local part joe@ or everything below .joe?"),
        ("*.x.org", "did you mean .x.org"),
        ("x.*", "there are no wildcards"),
        ("*@x.org", "did you mean the domain x.org?"),
        ("joe@*", "did you mean joe@"),
        ("j*@x.org", "there are no wildcards"),
        ("@x.org", "did you mean the domain x.org?"),
        ("@", "did you mean the domain x.org?"),
        ("two words@x.org", 'quoted: "two words"@x.org'),
        ("joe@x..org", "'x..org' is no domain"),
        ("joe@192.0.2.1", "'192.0.2.1' is no domain"),
        ("192.0.2.0/33", "write an address like 192.0.2.1"),
        ("192.0.2", "write an address like 192.0.2.1"),
        ("1。2。3。4", "a pattern is joe@x.org"),
        ("x org", "a pattern is joe@x.org"),
        ("l" * 65 + "@x.org", "1 to 64 octets"),
        ('"a\udcff"@x.org', "1 to 64 octets"),
    ],
)
def test_errors_show_the_way_out(text: str, hint: str) -> None:
    with pytest.raises(PatternError) as caught:
        parse_pattern(text)
    assert hint in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize(
    ("text", "place"), [("x*y.org", 2), ("joe@x..org", 5), ("a;b.org", 2), ("j*@x.org", 2)]
)
def test_errors_name_the_place(text: str, place: int) -> None:
    with pytest.raises(PatternError, match=f"at character {place} of"):
        parse_pattern(text)


def test_only_networks_need_no_proof() -> None:
    assert not network_pattern(parse_network("::/0")).needs_proof
    assert all(parse_pattern(text).needs_proof for text in ("joe@x.org", "x.org", ".x.org", "joe@"))
