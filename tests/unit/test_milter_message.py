"""What the milter decides, with a mail path that only remembers what it was asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.decision import RcptAnswer
from gatepost.mailpath import EndDecision, Envelope, MailPath, RcptDecision
from gatepost.network import parse_network
from gatepost.probe import Probe, Trust
from gatepost.snapshot.generation import SnapshotError
from gatepost_milter.message import Judgement, Message, Refused

REFUSED = RcptDecision(RcptAnswer.REJECT, 7, "REF")
ACCEPTED = EndDecision(rejected=False, headers=("ann@example.com; block; rule=7; proof=none",))


@dataclass(slots=True)
class FakePath:
    at_rcpt: RcptDecision = REFUSED
    at_end: EndDecision = ACCEPTED
    error: SnapshotError | None = None
    probes: tuple[Probe, ...] = ()
    recipients: list[str] = field(default_factory=list)

    def rcpt(self, _envelope: Envelope, _recipient: str) -> RcptDecision:
        if self.error:
            raise self.error
        return self.at_rcpt

    def end(
        self, _envelope: Envelope, probes: tuple[Probe, ...], _author: str, recipients: list[str]
    ) -> EndDecision:
        if self.error:
            raise self.error
        self.probes, self.recipients = probes, recipients
        return self.at_end


def judgement(path: FakePath, missing: Literal["open", "defer"] = "open") -> Judgement:
    return Judgement(cast("MailPath", path), (parse_network("10.0.0.0/8"),), missing)


def message(*from_fields: str, client: str = "192.0.2.7", login: bool = False) -> Message:
    made = Message(client, "joe@x.org", login, ["ann@example.com"])
    for body in from_fields:
        made.header("From", body)
    return made


def test_a_recipient_is_refused_as_policyd_would() -> None:
    refused = judgement(FakePath()).rcpt(message(), "ann@example.com", "Q")
    assert refused is not None
    assert str(refused.reply).startswith("550 5.7.1")


@pytest.mark.parametrize("answer", [RcptAnswer.DUNNO, RcptAnswer.PERMIT])
def test_other_recipients_pass(answer: RcptAnswer) -> None:
    assert judgement(FakePath(RcptDecision(answer))).rcpt(message(), "ann@example.com", "Q") is None


@pytest.mark.parametrize(
    "own", [message(client="10.0.0.1"), message(client="::ffff:10.0.0.1"), message(login=True)]
)
def test_own_mail_is_not_judged(own: Message) -> None:
    path = FakePath()
    assert judgement(path).rcpt(own, "ann@example.com", "Q") is None
    assert judgement(path).end(own, "Q") is None
    assert path.recipients == []


def test_a_message_without_recipients_is_not_judged() -> None:
    assert judgement(FakePath()).end(Message("192.0.2.7"), "Q") is None


def test_the_end_refuses_or_gives_headers() -> None:
    path = FakePath()
    assert judgement(path).end(message("joe@x.org"), "Q") == path.at_end
    path.at_end = EndDecision(rejected=True, ref="REF")
    assert isinstance(judgement(path).end(message("joe@x.org"), "Q"), Refused)


@pytest.mark.parametrize(("missing", "code"), [("open", None), ("defer", "451")])
def test_without_a_snapshot(missing: Literal["open", "defer"], code: str | None) -> None:
    judged = judgement(FakePath(error=SnapshotError("there is none")), missing)
    for refused in (judged.rcpt(message(), "ann@example.com", "Q"), judged.end(message(), "Q")):
        assert (refused.reply.code if isinstance(refused, Refused) else None) == code


@pytest.mark.parametrize(
    ("fields", "trust"),
    [
        (["joe@x.org"], {Trust.PLAIN}),
        (["joe@x.org", "bob@y.org"], {Trust.DOUBTFUL}),
        (["joe@x.org, bob@y.org"], {Trust.DOUBTFUL}),
        ([], set()),
    ],
)
def test_how_far_the_authors_are_trusted(fields: list[str], trust: set[Trust]) -> None:
    path = FakePath()
    judgement(path).end(message(*fields), "Q")
    assert {probe.trust for probe in path.probes} == trust


@pytest.mark.parametrize("name", ["X-Gatepost-Verdict", "x-gatepost-verdict", "X-GATEPOST-VERDICT"])
def test_forged_verdicts_are_counted_in_any_case(name: str) -> None:
    made = message()
    made.header(name, "ann@example.com; allow; rule=1; proof=dkim")
    made.header("X-Gatepost-Verdict2", "")
    assert made.forged == 1


@given(st.lists(st.tuples(st.text(), st.text())))
def test_no_header_is_an_exception(headers: list[tuple[str, str]]) -> None:
    made = message()
    for name, value in headers:
        made.header(name, value)
    judgement(FakePath()).end(made, "Q")


def test_from_fields_beyond_a_bound_are_not_kept() -> None:
    made = message(*["joe@x.org"] * 10_000)
    assert len(made.from_fields) < 200
