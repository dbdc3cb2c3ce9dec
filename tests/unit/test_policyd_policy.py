"""policyd's answers, with a mail path that only remembers what it was asked."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.decision import RcptAnswer
from gatepost.mailpath import Envelope, MailPath, RcptDecision
from gatepost.network import parse_network
from gatepost.snapshot.generation import SnapshotError
from gatepost_policyd.policy import DUNNO, InboundPolicy, RelayPolicy
from gatepost_policyd.protocol import Attributes

REQUEST = {
    b"request": b"smtpd_access_policy",
    b"protocol_state": b"RCPT",
    b"sender": b"joe@x.org",
    b"recipient": b"ann@example.com",
    b"client_address": b"192.0.2.7",
}
REFUSED = RcptDecision(RcptAnswer.REJECT, 7, "REF")


@dataclass(slots=True)
class FakePath:
    decision: RcptDecision = REFUSED
    error: SnapshotError | None = None
    asked: list[tuple[Envelope, str]] = field(default_factory=list)

    def rcpt(self, envelope: Envelope, recipient: str) -> RcptDecision:
        self.asked.append((envelope, recipient))
        if self.error:
            raise self.error
        return self.decision


def policy(
    path: FakePath, missing: Literal["open", "defer"] = "open", note: Callable[[str], object] = str
) -> InboundPolicy:
    own = (parse_network("10.0.0.0/8"), parse_network("2001:db8::/32"))
    return InboundPolicy(cast("MailPath", path), own, missing, lambda: 0.0, note)


def answer(changed: Attributes, path: FakePath | None = None) -> bytes:
    return policy(path or FakePath()).answer(REQUEST | changed)


def test_a_block_is_told_with_its_reference() -> None:
    assert answer({}).startswith(b"action=550 5.7.1 ")
    assert b"REF" in answer({})


@pytest.mark.parametrize(
    "changed",
    [
        {b"recipient": b""},
        {b"protocol_state": b"DATA"},
        {b"protocol_state": b"END-OF-MESSAGE"},
        {b"sasl_username": b"ann"},
        {b"client_address": b"10.1.2.3"},
        {b"client_address": b"::ffff:10.1.2.3"},
        {b"client_address": b"2001:db8::1"},
    ],
)
def test_mail_that_is_not_judged(changed: Attributes) -> None:
    path = FakePath()
    assert answer(changed, path) == DUNNO
    assert path.asked == []


@pytest.mark.parametrize("client", [b"", b"unknown", b"11.0.0.1", b"\xff", b"10.1.2.3\0"])
def test_a_strange_client_is_a_stranger(client: bytes) -> None:
    assert answer({b"client_address": client}) != DUNNO


def test_no_opinion_and_allow() -> None:
    assert answer({}, FakePath(RcptDecision(RcptAnswer.DUNNO))) == DUNNO
    assert answer({}, FakePath(RcptDecision(RcptAnswer.PERMIT, 3))) == b"action=permit_auth_destination\n\n"


@given(st.dictionaries(st.sampled_from(sorted(REQUEST)), st.binary(max_size=300)))
def test_no_octets_are_an_exception(changed: Attributes) -> None:
    assert answer(changed).startswith(b"action=")


def test_a_decision_is_one_line_whatever_the_sender() -> None:
    noted: list[str] = []
    policy(FakePath(), note=noted.append).answer(REQUEST | {b"sender": b"j\roe\x1b[2J\xff@x.org"})
    assert len(noted) == 1
    assert noted[0].isprintable()


def test_the_sender_is_judged_as_it_came() -> None:
    path = FakePath()
    answer({b"sender": b"o'br\xffien=!@x.org"}, path)
    assert path.asked[0][0].sender.encode("utf-8", "surrogateescape") == b"o'br\xffien=!@x.org"


@pytest.mark.parametrize(("missing", "said"), [("open", b"DUNNO"), ("defer", b"451 4.3.0")])
def test_without_a_snapshot(missing: Literal["open", "defer"], said: bytes) -> None:
    path = FakePath(error=SnapshotError("there is none"))
    assert policy(path, missing).answer(REQUEST).startswith(b"action=" + said)


def test_a_missing_snapshot_is_told_once_a_second(caplog: pytest.LogCaptureFixture) -> None:
    asked = policy(FakePath(error=SnapshotError("there is none")))
    with caplog.at_level(logging.ERROR):
        for _ in range(5):
            asked.answer(REQUEST)
    assert len(caplog.records) == 1


def test_the_relay_socket_grants_nobody_anything() -> None:
    assert RelayPolicy().answer(REQUEST) == DUNNO
