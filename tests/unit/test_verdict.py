"""Verdicts and the header that carries them."""

from __future__ import annotations

import pytest

from gatepost.pattern import parse_pattern
from gatepost.rule import Action, Effect, Rule, Terms
from gatepost.scope import SITE
from gatepost.verdict import NO_VERDICT, Decider, Outcome, Proof, Verdict, header_value


def verdict(action: Action, effect: Effect = Effect.REJECT, proof: Proof = Proof.NONE) -> Verdict:
    rule = Rule(17, Terms(action, parse_pattern("x.org"), SITE, effect=effect))
    return Verdict(Outcome(action.value), rule, proof=proof)


def test_header() -> None:
    value = header_value("ann@example.com", verdict(Action.ALLOW, proof=Proof.DKIM))
    assert value == "ann@example.com; allow; rule=17; proof=dkim"


@pytest.mark.parametrize("mailbox", ["jörg@example.com", "a" * 321])
def test_what_does_not_fit_an_ascii_line_gets_no_header(mailbox: str) -> None:
    assert header_value(mailbox, verdict(Action.BLOCK)) is None


def test_no_verdict_no_header() -> None:
    assert header_value("ann@example.com", NO_VERDICT) is None


@pytest.mark.parametrize(
    ("one", "rejects"),
    [
        (verdict(Action.BLOCK), True),
        (verdict(Action.BLOCK, Effect.JUNK), False),
        (verdict(Action.ALLOW), False),
        (NO_VERDICT, False),
    ],
)
def test_only_a_block_with_reject_rejects(one: Verdict, *, rejects: bool) -> None:
    assert one.rejects is rejects


def test_who_decided() -> None:
    assert (verdict(Action.BLOCK).by, NO_VERDICT.by) == (Decider.RULE, Decider.NONE)
