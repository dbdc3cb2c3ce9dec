"""Terms: what contradicts itself is refused, what means nothing is dropped."""

from __future__ import annotations

import pytest
from hypothesis import given
from tests.unit.strategies import terms

from gatepost.pattern import parse_pattern
from gatepost.rule import Action, Demand, Effect, RuleError, Terms, make_terms
from gatepost.scope import SITE, parse_scope

X = parse_pattern("x.org")


@given(terms())
def test_normal_form_is_normal(one: Terms) -> None:
    assert make_terms(one) == one


def test_a_mailbox_rule_cannot_be_enforced() -> None:
    with pytest.raises(RuleError, match=r"a mailbox rule cannot be enforced: x\.org for ann@example\.com"):
        make_terms(Terms(Action.BLOCK, X, parse_scope("ann@example.com"), enforced=True))


def test_a_block_asks_for_no_proof() -> None:
    assert make_terms(Terms(Action.BLOCK, X, SITE, demand=Demand.REQUIRED)).demand is Demand.NONE


def test_an_allow_has_no_effect() -> None:
    assert make_terms(Terms(Action.ALLOW, X, SITE, effect=Effect.JUNK)).effect is Effect.REJECT


@pytest.mark.parametrize(
    ("pattern", "demand"), [("192.0.2.7", Demand.NONE), ("::/0", Demand.NONE), ("x.org", Demand.AUTO)]
)
def test_an_allow_by_ip_asks_for_no_proof(pattern: str, demand: Demand) -> None:
    assert make_terms(Terms(Action.ALLOW, parse_pattern(pattern), SITE)).demand is demand
