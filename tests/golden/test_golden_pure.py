"""The golden table against the pure core: judge, recipient, decision, header From, verdict."""

from __future__ import annotations

from collections import Counter
from itertools import chain

import pytest
from tests.golden.cases import NO_RECIPIENT_LEFT, Case, aliases_of, load_cases, rules_of

from gatepost.decision import RcptAnswer, at_rcpt, header_values, rejects_message
from gatepost.header_from import parse_from
from gatepost.judge import Claims, Target, judge
from gatepost.lookup import MemoryLookup
from gatepost.network import parse_client
from gatepost.probe import Probe, header_probes, sender_probes
from gatepost.proofs import NothingProven
from gatepost.recipient import targets
from gatepost.verdict import Outcome, Verdict

NOW = 1_750_000_000
golden = pytest.mark.parametrize("case", load_cases(), ids=str)


def judged(case: Case, recipient: str, *, at_end: bool) -> list[tuple[Target, Verdict]]:
    """Judge a case for every final mailbox of a recipient, at RCPT or at the end of the message."""
    lookup = MemoryLookup(rules_of(case), aliases_of(case))
    probes = sender_probes(case.sender) + (author_probes(case) if at_end else ())
    claims = Claims(probes, parse_client(case.client))
    found = targets(recipient, lookup)
    return [(target, judge(claims, target, lookup, NothingProven(), NOW)) for target in found]


def author_probes(case: Case) -> tuple[Probe, ...]:
    authors = parse_from(case.header_from)
    return header_probes(authors.addresses, certain=authors.certain)


def judged_at_end(case: Case) -> list[tuple[Target, Verdict]]:
    return list(chain.from_iterable(judged(case, recipient, at_end=True) for recipient in case.left))


def explained(verdict: Verdict) -> str:
    if verdict.rule is None:
        return str(verdict.outcome)
    beats = ",".join(str(rule.id) for rule in verdict.beats)
    return f"{verdict.outcome} {verdict.rule.id}" + (f" beats {beats}" if beats else "")


@golden
def test_rcpt(case: Case) -> None:
    answers = [at_rcpt([v for _, v in judged(case, to, at_end=False)]).value for to in case.to]
    assert tuple(answers) == case.rcpt


@golden
def test_end_of_message(case: Case) -> None:
    verdicts = [verdict for _, verdict in judged_at_end(case)]
    answer = "reject" if rejects_message(verdicts) else "accept"
    assert (answer if case.left else NO_RECIPIENT_LEFT) == case.eom


@golden
def test_headers(case: Case) -> None:
    headers = header_values(judged_at_end(case)) if case.eom == "accept" else []
    assert tuple(headers) == case.headers


@golden
def test_mailbox(case: Case) -> None:
    arrives = judged_at_end(case) if case.eom == "accept" else []
    blocked = {target.mailbox for target, verdict in arrives if verdict.outcome is Outcome.BLOCK}
    found = {target.mailbox for target, _ in arrives if target.mailbox}
    assert {name: "Junk" if name in blocked else "INBOX" for name in found} == case.mailbox


@golden
def test_explain(case: Case) -> None:
    for recipient, expected in zip(case.to, case.explain, strict=bool(case.explain)):
        rcpt, end = ([v for _, v in judged(case, recipient, at_end=stage)] for stage in (False, True))
        said = rcpt if at_rcpt(rcpt) is RcptAnswer.REJECT else end  # a refusal at RCPT is final
        assert not expected or list(map(explained, said)) == [expected]


def test_names_are_unique() -> None:
    names = Counter(case.name for case in load_cases())
    assert [name for name, count in names.items() if count > 1] == []


def test_every_clause_has_cases() -> None:
    asked = {*"1234567", "equality", "alias", "exempt", "header-from", "effect", "expiry", "proof"}
    assert asked - {case.clause for case in load_cases()} <= {"6", "proof"}
