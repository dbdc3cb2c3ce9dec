"""What several verdicts come to."""

from __future__ import annotations

import pytest

from gatepost.decision import RcptAnswer, at_rcpt, header_values, rejects_message
from gatepost.judge import Target
from gatepost.pattern import parse_pattern
from gatepost.rule import Action, Effect, Rule, Terms
from gatepost.scope import SITE
from gatepost.verdict import NO_VERDICT, Outcome, Verdict


def verdict(number: int, action: Action, effect: Effect = Effect.REJECT) -> Verdict:
    return Verdict(
        Outcome(action.value), Rule(number, Terms(action, parse_pattern("x.org"), SITE, effect=effect))
    )


REJECT, JUNK = verdict(1, Action.BLOCK), verdict(2, Action.BLOCK, Effect.JUNK)
ALLOW = verdict(3, Action.ALLOW)
ANN, BOB = (Target(f"{name}@example.com", ("example.com",)) for name in ("ann", "bob"))


@pytest.mark.parametrize(
    ("verdicts", "answer", "rejected"),
    [
        ([], RcptAnswer.DUNNO, False),
        ([NO_VERDICT], RcptAnswer.DUNNO, False),
        ([REJECT], RcptAnswer.REJECT, True),
        ([JUNK], RcptAnswer.DUNNO, False),
        ([ALLOW], RcptAnswer.PERMIT, False),
        ([REJECT, REJECT], RcptAnswer.REJECT, True),
        ([REJECT, JUNK], RcptAnswer.DUNNO, False),
        ([REJECT, NO_VERDICT], RcptAnswer.DUNNO, False),
        ([REJECT, ALLOW], RcptAnswer.PERMIT, False),
        ([JUNK, ALLOW, NO_VERDICT], RcptAnswer.PERMIT, False),
    ],
)
def test_answers(verdicts: list[Verdict], answer: RcptAnswer, *, rejected: bool) -> None:
    assert (at_rcpt(verdicts), rejects_message(verdicts)) == (answer, rejected)


def test_headers_are_sorted_and_only_where_there_is_a_verdict() -> None:
    judged = [(BOB, ALLOW), (ANN, JUNK), (Target("", ("example.com",)), REJECT)]
    assert header_values(judged) == [
        "ann@example.com; block; rule=2; proof=none",
        "bob@example.com; allow; rule=3; proof=none",
    ]
    assert header_values([(ANN, NO_VERDICT)]) == []


@pytest.mark.parametrize("judged", [[JUNK, ALLOW, NO_VERDICT], [NO_VERDICT, ALLOW, JUNK]])
def test_a_mailbox_reached_twice_has_one_header_and_a_block_goes_first(judged: list[Verdict]) -> None:
    assert header_values([(ANN, one) for one in judged]) == ["ann@example.com; block; rule=2; proof=none"]
