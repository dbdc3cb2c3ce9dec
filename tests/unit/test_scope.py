"""Scopes: site, domain, mailbox."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.scope import SITE, Scope, ScopeError, ScopeKind, parse_scope


@pytest.mark.parametrize(
    ("written", "scope"),
    [
        ("", SITE),
        (" Site ", SITE),
        ("Example.COM.", Scope(ScopeKind.DOMAIN, "example.com")),
        ("münchen.example", Scope(ScopeKind.DOMAIN, "xn--mnchen-3ya.example")),
        ("Ann+news@Example.com", Scope(ScopeKind.MAILBOX, "ann@example.com")),
        ('"ann"@example.com', Scope(ScopeKind.MAILBOX, "ann@example.com")),
    ],
)
def test_spellings(written: str, scope: Scope) -> None:
    assert parse_scope(written) == scope


@pytest.mark.parametrize(
    "text", ["example", ".example.com", "ann@", "@example.com", "ann@example..com", "192.0.2.1", "*"]
)
def test_what_is_no_scope(text: str) -> None:
    with pytest.raises(ScopeError) as caught:
        parse_scope(text)
    assert caught.value.hint


@given(st.text(st.characters(), max_size=30) | st.text(st.sampled_from(list("an+@.\ud800\x00")), max_size=10))
def test_any_text_is_a_scope_that_reads_as_itself_or_a_scope_error(text: str) -> None:
    with contextlib.suppress(ScopeError):
        scope = parse_scope(text)
        assert parse_scope(str(scope)) == scope
