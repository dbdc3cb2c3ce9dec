"""The way from a request to the decision and what is noted of it, on a real snapshot and journal."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.snapshots import write
from tests.unit.strategies import addresses, hosts, rules

from gatepost.address import parse_address
from gatepost.decision import RcptAnswer, at_rcpt
from gatepost.journal.entries import Event, EventEntry, EventKind, Fact, FactKind, HitsEntry
from gatepost.journal.recorder import Recorder
from gatepost.judge import Claims, judge
from gatepost.lookup import UNLISTED, Alias, MemoryLookup
from gatepost.mailpath import Envelope, MailPath, RcptDecision
from gatepost.network import Network
from gatepost.pattern import parse_pattern
from gatepost.probe import header_probes, sender_probes
from gatepost.proofs import NothingProven
from gatepost.recipient import targets
from gatepost.rule import Action, Demand, Effect, Rule, Terms
from gatepost.scope import parse_scope
from gatepost.snapshot.generation import SnapshotError
from gatepost.snapshot.reader import SnapshotReader

NOW = 5_000.0
ANN, BOB = "ann@example.com", "bob@example.com"
UNDECIDED = RcptDecision(RcptAnswer.DUNNO)


class Running:
    """A mail path and what it noted."""

    def __init__(self, folder: Path) -> None:
        self.reader = SnapshotReader(folder)
        self.recorder = Recorder(folder / "journal", lambda: NOW)
        self.mail_path = MailPath(self.reader, self.recorder, lambda: NOW)

    def noted(self) -> list[object]:
        self.recorder.flush()
        journal = self.recorder._journal
        return [] if journal is None else [entry for _, entry in journal.read(0, 1000)]

    def close(self) -> None:
        self.reader.close()
        if self.recorder._journal:
            self.recorder._journal.close()


@contextmanager
def mail_path(
    folder: Path, some: list[Rule], aliases: dict[str, Alias | None] | None = None
) -> Iterator[Running]:
    write(folder, some, aliases)
    path = Running(folder)
    try:
        yield path
    finally:
        path.close()


def rule(number: int, action: Action, pattern: str, scope: str, effect: Effect = Effect.REJECT) -> Rule:
    return Rule(
        number,
        Terms(action, parse_pattern(pattern), parse_scope(scope), effect=effect, demand=Demand.NONE),
    )


def envelope(sender: str = "joe@x.org", client: str = "192.0.2.7") -> Envelope:
    return Envelope("policyd", sender, client, "Q")


def host(client: Network | None) -> str:
    return "unknown" if client is None else str(client)


@settings(max_examples=60)
@given(
    rules,
    addresses.map(str) | st.just(""),
    st.none() | hosts,
    st.sampled_from([ANN, BOB, "postmaster@example.net"]),
)
def test_rcpt_is_the_judges_word(some: list[Rule], sender: str, client: Network | None, to: str) -> None:
    memory, claims = MemoryLookup(some), Claims(sender_probes(sender), client)
    verdicts = [judge(claims, target, memory, NothingProven(), NOW) for target in targets(to, memory)]
    with tempfile.TemporaryDirectory() as name, mail_path(Path(name), some) as path:
        assert path.mail_path.rcpt(envelope(sender, host(client)), to).answer is at_rcpt(verdicts)


def test_a_refusal_is_counted_and_found_by_its_reference(tmp_path: Path) -> None:
    with mail_path(tmp_path, [rule(7, Action.BLOCK, "x.org", ANN)]) as path:
        refused = path.mail_path.rcpt(envelope(), ANN)
        event = Event(EventKind.BLOCKED, "policyd", "joe@x.org", ANN, "192.0.2.7", "", 7)
        assert refused == RcptDecision(RcptAnswer.REJECT, 7, refused.ref)
        assert path.noted() == [EventEntry(refused.ref, NOW, event, "Q", 1), HitsEntry(NOW, {7: 1})]


@pytest.mark.parametrize(
    ("one", "answer"),
    [
        (rule(1, Action.ALLOW, "x.org", ANN), RcptAnswer.PERMIT),
        (rule(1, Action.BLOCK, "x.org", ANN, Effect.JUNK), RcptAnswer.DUNNO),
        (rule(1, Action.BLOCK, "y.org", ANN), RcptAnswer.DUNNO),
        (rule(1, Action.BLOCK, "x.org", BOB), RcptAnswer.DUNNO),
    ],
)
def test_what_is_not_refused_is_noted_at_the_end_only(tmp_path: Path, one: Rule, answer: RcptAnswer) -> None:
    with mail_path(tmp_path, [one]) as path:
        assert path.mail_path.rcpt(envelope(), ANN).answer is answer
        assert path.noted() == []


def test_the_end_gives_headers_counts_and_events(tmp_path: Path) -> None:
    some = [rule(1, Action.BLOCK, "x.org", ANN, Effect.JUNK), rule(2, Action.ALLOW, "x.org", BOB)]
    with mail_path(tmp_path, some) as path:
        end = path.mail_path.end(envelope(), (), "", [ANN, BOB, "carl@example.com"])
        assert end.headers == (f"{ANN}; block; rule=1; proof=none", f"{BOB}; allow; rule=2; proof=none")
        event, hits = path.noted()
        assert isinstance(event, EventEntry)
        assert (event.event.kind, event.event.rule, hits) == (
            EventKind.JUNKED,
            1,
            HitsEntry(NOW, {1: 1, 2: 1}),
        )


def test_a_message_that_nobody_wants_is_refused(tmp_path: Path) -> None:
    probes = header_probes((parse_address("joe@x.org"),), certain=True)
    with mail_path(tmp_path, [rule(1, Action.BLOCK, "x.org", "example.com")]) as path:
        refused = path.mail_path.end(envelope("else@y.org"), probes, "joe@x.org", [ANN, BOB])
        assert (refused.rejected, refused.headers) == (True, ())
        assert {e.event.recipient for e in path.noted() if isinstance(e, EventEntry)} == {ANN, BOB}


def test_an_unproven_allow_is_noted(tmp_path: Path) -> None:
    allow = Rule(1, Terms(Action.ALLOW, parse_pattern("x.org"), parse_scope(ANN)))
    with mail_path(tmp_path, [allow]) as path:
        assert path.mail_path.rcpt(envelope(), ANN) == UNDECIDED
        path.mail_path.end(envelope(), (), "", [ANN])
        assert [e.event.kind for e in path.noted() if isinstance(e, EventEntry)] == [EventKind.UNPROVEN]


@pytest.mark.parametrize(
    ("unlisted", "asked"),
    [({}, []), ({UNLISTED + "host": Alias(("hash",))}, [Fact(FactKind.ASKED, BOB, NOW)])],
)
def test_unknown_recipients_are_asked_about_where_aliases_cannot_be_listed(
    tmp_path: Path, unlisted: dict[str, Alias | None], asked: list[Fact]
) -> None:
    with mail_path(tmp_path, [], {ANN: None, **unlisted}) as path:
        path.mail_path.rcpt(envelope(), "ann+x@Example.COM")
        path.mail_path.rcpt(envelope(), "bob+x@Example.COM")
        assert path.noted() == asked


@pytest.mark.parametrize(
    "sender", ["o'brien@x.org", "\udcff\udcfe@x.org", "j" * 10_000, "nul\0@x.org", "<>", "@", '"']
)
def test_no_sender_is_an_exception(tmp_path: Path, sender: str) -> None:
    with mail_path(tmp_path, [rule(1, Action.BLOCK, "192.0.2.0/24", "site")]) as path:
        refused = path.mail_path.rcpt(envelope(sender), ANN)
        assert refused.answer is RcptAnswer.REJECT
        assert len(path.noted()) == 2


def test_without_a_snapshot_there_is_a_snapshot_error(tmp_path: Path) -> None:
    path = Running(tmp_path)
    for ask in (
        lambda: path.mail_path.rcpt(envelope(), ANN),
        lambda: path.mail_path.end(envelope(), (), "", [ANN]),
    ):
        with pytest.raises(SnapshotError):
            ask()
