"""The callbacks, called as libmilter calls them, with a context that only remembers."""

from __future__ import annotations

from typing import Any, cast

import Milter
import pytest

from gatepost.mailpath import EndDecision
from gatepost.replies import Refusal
from gatepost.verdict import HEADER
from gatepost_milter.callbacks import GatepostMilter, factory
from gatepost_milter.message import Judgement, Message, Refused

VERDICTS = ("ann@example.com; block; rule=1; proof=none", "bob@example.com; allow; rule=2; proof=none")


class Context:
    """What libmilter would be told."""

    def __init__(self) -> None:
        self.macros: dict[str, str] = {"i": "QUEUE"}
        self.changes: list[tuple[str, int, str]] = []
        self.reply: tuple[str | None, ...] = ()

    def getsymval(self, name: str) -> str | None:
        return self.macros.get(name)

    def setpriv(self, _: object) -> None: ...

    def setreply(self, *reply: str | None) -> None:
        self.reply = reply

    def addheader(self, _: str, value: str, index: int) -> None:
        self.changes.append(("add", index, value))

    def chgheader(self, _: str, index: int, value: str) -> None:
        self.changes.append(("change", index, value))


class FakeJudgement:
    def __init__(self) -> None:
        self.refused: Refused | None = None
        self.decision: Refused | EndDecision | None = None
        self.judged: list[Message] = []
        self.error: Exception | None = None

    def rcpt(self, _message: Message, _recipient: str, _queue_id: str) -> Refused | None:
        if self.error:
            raise self.error
        return self.refused

    def end(self, message: Message, _queue_id: str) -> Refused | EndDecision | None:
        if self.error:
            raise self.error
        self.judged.append(message)
        return self.decision


@pytest.fixture
def judgement() -> FakeJudgement:
    return FakeJudgement()


@pytest.fixture
def context() -> Context:
    return Context()


@pytest.fixture
def milter(judgement: FakeJudgement, context: Context) -> GatepostMilter:
    made = factory(cast("Judgement", judgement))()
    made._setctx(cast("Any", context))  # stands for the C extension's
    made.connect("client.example", 2, ("192.0.2.7", 25))
    return made


def send(milter: GatepostMilter, *headers: tuple[str, str], sender: str = "<joe@x.org>") -> int:
    milter.envfrom(sender)
    milter.envrcpt("<ann@example.com>")
    for name, value in headers:
        milter.header(name, value)
    return milter.eom()


def test_the_true_verdicts_go_on_top_in_order(
    milter: GatepostMilter, judgement: FakeJudgement, context: Context
) -> None:
    judgement.decision = EndDecision(rejected=False, headers=VERDICTS)
    assert send(milter) == Milter.CONTINUE
    assert context.changes == [("add", 0, VERDICTS[1]), ("add", 0, VERDICTS[0])]


def test_forged_verdicts_are_removed_last_first(milter: GatepostMilter, context: Context) -> None:
    send(milter, (HEADER, "a"), ("Subject", "x"), (HEADER.upper(), "b"))
    assert context.changes == [("change", 2, ""), ("change", 1, "")]


def test_forged_verdicts_go_even_when_the_judge_fails(
    milter: GatepostMilter, judgement: FakeJudgement, context: Context
) -> None:
    judgement.error = RuntimeError("injected")
    assert send(milter, (HEADER, "a")) == Milter.CONTINUE
    assert context.changes == [("change", 1, "")]


def test_an_exception_lets_mail_go_on(
    milter: GatepostMilter, judgement: FakeJudgement, caplog: pytest.LogCaptureFixture
) -> None:
    judgement.error = RuntimeError("injected")
    assert milter.envrcpt("<ann@example.com>") == Milter.CONTINUE
    assert milter.eom() == Milter.CONTINUE
    assert "QUEUE: a message could not be judged" in caplog.text


@pytest.mark.parametrize(
    ("refusal", "status"), [(Refusal.BLOCKED, Milter.REJECT), (Refusal.NOT_READY, Milter.TEMPFAIL)]
)
def test_refusals(
    milter: GatepostMilter, judgement: FakeJudgement, context: Context, refusal: Refusal, status: int
) -> None:
    judgement.refused = judgement.decision = Refused(refusal.reply("REF"))
    assert milter.envrcpt("<ann@example.com>") == status
    assert milter.eom() == status
    assert context.reply[0] == refusal.value.code


def test_a_refused_recipient_is_none_of_the_message(milter: GatepostMilter, judgement: FakeJudgement) -> None:
    milter.envfrom("<joe@x.org>")
    judgement.refused = Refused(Refusal.BLOCKED.reply())
    milter.envrcpt("<ann@example.com>")
    judgement.refused = None
    milter.envrcpt("<bob@example.com>")
    milter.eom()
    assert judgement.judged[0].recipients == ["bob@example.com"]


@pytest.mark.parametrize("end", ["eom", "abort"])
def test_nothing_is_carried_over_to_the_next_message(
    milter: GatepostMilter, judgement: FakeJudgement, context: Context, end: str
) -> None:
    context.macros["{auth_authen}"] = "ann"
    milter.envfrom("<joe@x.org>")
    milter.envrcpt("<ann@example.com>")
    milter.header("From", "joe@x.org")
    milter.header(HEADER, "a")
    getattr(milter, end)()
    context.macros.clear()
    send(milter, ("From", "bob@y.org"), sender="<>")
    assert judgement.judged[-1] == Message(
        "192.0.2.7", recipients=["ann@example.com"], from_fields=["bob@y.org"]
    )


def test_an_authenticated_client_is_known(
    milter: GatepostMilter, judgement: FakeJudgement, context: Context
) -> None:
    context.macros["{auth_authen}"] = "ann"
    send(milter)
    assert judgement.judged[0].authenticated


@pytest.mark.parametrize(
    ("address", "client"),
    [(("::1", 25, 0, 0), "::1"), ("/run/socket", ""), (None, "")],
)
def test_clients_of_any_family(
    milter: GatepostMilter, judgement: FakeJudgement, address: object, client: str
) -> None:
    milter.connect("client.example", 0, address)
    send(milter)
    assert judgement.judged[0].client == client


def test_what_is_not_needed_is_negotiated_away() -> None:
    options = [Milter.CURR_ACTS, 0x1FFFFF, 0, 0]
    made = factory(cast("Judgement", FakeJudgement()))()
    made._setctx(cast("Any", Negotiating()))  # stands for the C extension's
    made.negotiate(options)
    unwanted = Milter.P_NOHELO | Milter.P_NODATA | Milter.P_NOUNKNOWN | Milter.P_NOEOH | Milter.P_NOBODY
    silent = Milter.P_NR_CONN | Milter.P_NR_MAIL | Milter.P_NR_HDR
    needed = Milter.P_NOCONNECT | Milter.P_NOMAIL | Milter.P_NORCPT | Milter.P_NOHDRS | Milter.P_NR_RCPT
    assert options[1] & unwanted == unwanted
    assert options[1] & silent == silent
    assert not options[1] & needed


class Negotiating(Context):
    def setsymlist(self, stage: int, macros: str) -> None:
        wanted = {Milter.M_ENVFROM: "{auth_authen} {mail_addr}", Milter.M_ENVRCPT: "{rcpt_addr} i"}
        assert macros == wanted[stage]
