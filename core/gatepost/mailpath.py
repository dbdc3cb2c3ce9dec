"""What policyd and milter both do: look at the snapshot, ask the judge, note what came of it.

A recipient that is refused is noted by whoever refuses it; everything else is noted once, at the end of
the message, so that nothing is counted twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gatepost.address import parse_address
from gatepost.decision import RcptAnswer, at_rcpt, header_values, rejects_message
from gatepost.journal.entries import Event, EventKind, Fact, FactKind
from gatepost.journal.recorder import Recorder
from gatepost.judge import Claims, Proofs, Target, judge
from gatepost.network import parse_client
from gatepost.probe import Probe, sender_keys, sender_probes
from gatepost.proofs import NothingProven
from gatepost.snapshot.reader import SnapshotReader, SnapshotView
from gatepost.verdict import Outcome, Verdict


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who sends, as SMTP says it."""

    service: str
    """policyd or milter, for events"""
    sender: str
    client: str
    queue_id: str = ""


@dataclass(frozen=True, slots=True)
class RcptDecision:
    """The answer for one recipient."""

    answer: RcptAnswer
    rule: int | None = None
    ref: str = ""


_UNDECIDED = RcptDecision(RcptAnswer.DUNNO)


@dataclass(frozen=True, slots=True)
class EndDecision:
    """The answer at the end of a message."""

    rejected: bool
    headers: tuple[str, ...] = ()
    ref: str = ""


class MailPath:
    """The decisions of one daemon; not shared between threads unless the reader is."""

    def __init__(
        self, reader: SnapshotReader, recorder: Recorder, clock: Callable[[], float] = time.time
    ) -> None:
        """Decide by this snapshot and note in this journal."""
        self._reader = reader
        self._recorder = recorder
        self._clock = clock
        self._proofs: Proofs = NothingProven()

    def rcpt(self, envelope: Envelope, recipient: str) -> RcptDecision:
        """Judge envelope and client for one recipient; SnapshotError when there is nothing to judge by."""
        client = parse_client(envelope.client)
        with self._reader.view() as view:
            if view.aliases_on_demand:
                self._ask_about(view, recipient)
            if not view.mentions(sender_keys(envelope.sender), client):
                return _UNDECIDED
            verdicts = self._verdicts(view, Claims(sender_probes(envelope.sender), client), recipient)
        answer = at_rcpt(verdicts)
        if answer is RcptAnswer.DUNNO:
            return _UNDECIDED
        deciding = next(v.rule for v in verdicts if v.rejects or v.outcome is Outcome.ALLOW)
        rule = deciding.id if deciding else None
        if answer is RcptAnswer.PERMIT:
            return RcptDecision(answer, rule)
        self._count(verdicts)
        event = Event(
            EventKind.BLOCKED, envelope.service, envelope.sender, recipient, envelope.client, "", rule
        )
        return RcptDecision(answer, rule, self._recorder.event(event, envelope.queue_id))

    def end(
        self, envelope: Envelope, from_probes: tuple[Probe, ...], author: str, recipients: Sequence[str]
    ) -> EndDecision:
        """Judge all identities for all recipients; `author` is the From: address for events."""
        claims = Claims(sender_probes(envelope.sender) + from_probes, parse_client(envelope.client))
        with self._reader.view() as view:
            if not view.mentions([probe.key for probe in claims.probes], claims.client):
                return EndDecision(rejected=False)
            judged = {recipient: self._judge(view, claims, recipient) for recipient in recipients}
        verdicts = [verdict for pairs in judged.values() for _, verdict in pairs]
        self._count(verdicts)
        rejected = rejects_message(verdicts)
        ref = ""
        for recipient, pairs in judged.items():
            for event in _events(envelope, recipient, author, pairs, rejected=rejected):
                ref = self._recorder.event(event, envelope.queue_id)
        if rejected:
            return EndDecision(rejected=True, ref=ref)
        return EndDecision(
            rejected=False, headers=tuple(header_values([p for pairs in judged.values() for p in pairs]))
        )

    def unreadable(self, envelope: Envelope, recipient: str) -> str:
        """Note a message whose From: header cannot be read whole, and give the reference."""
        event = Event(EventKind.UNREADABLE, envelope.service, envelope.sender, recipient, envelope.client)
        return self._recorder.event(event, envelope.queue_id)

    def _verdicts(self, view: SnapshotView, claims: Claims, recipient: str) -> list[Verdict]:
        return [verdict for _, verdict in self._judge(view, claims, recipient)]

    def _judge(self, view: SnapshotView, claims: Claims, recipient: str) -> list[tuple[Target, Verdict]]:
        now = self._clock()
        return [(t, judge(claims, t, view, self._proofs, now)) for t in view.targets(recipient)]

    def _ask_about(self, view: SnapshotView, recipient: str) -> None:
        """Let the agent find out whether a recipient is an alias, where aliases cannot be listed."""
        base = str(parse_address(recipient).base)
        if not view.knows(base):
            self._recorder.fact(Fact(FactKind.ASKED, base, self._clock()))

    def _count(self, verdicts: Sequence[Verdict]) -> None:
        for verdict in verdicts:
            if verdict.rule is not None:
                self._recorder.hit(verdict.rule.id)


def _events(
    envelope: Envelope,
    recipient: str,
    author: str,
    pairs: Sequence[tuple[Target, Verdict]],
    *,
    rejected: bool,
) -> list[Event]:
    """List what is worth keeping of one recipient's verdicts: refused, filed to Junk, allows without proof."""
    service, sender, client = envelope.service, envelope.sender, envelope.client
    events = []
    for _, verdict in pairs:
        events += [
            Event(EventKind.UNPROVEN, service, sender, recipient, client, author, rule.id)
            for rule in verdict.unproven
        ]
        if verdict.outcome is Outcome.BLOCK and verdict.rule is not None:
            kind = EventKind.BLOCKED if rejected else EventKind.JUNKED
            events.append(Event(kind, service, sender, recipient, client, author, verdict.rule.id))
    return events
