"""From a policy request to the action that Postfix is told."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Literal, Protocol

from gatepost.decision import RcptAnswer
from gatepost.mailpath import Envelope, MailPath, RcptDecision
from gatepost.network import Network, Networks, parse_client
from gatepost.replies import Refusal
from gatepost.snapshot.generation import SnapshotError
from gatepost_policyd.protocol import Attributes, encode_answer

LOG = logging.getLogger("gatepost.policyd")
DUNNO = encode_answer("DUNNO")
_PERMIT = encode_answer(RcptAnswer.PERMIT)
_ONCE_A_SECOND = 1.0
_RCPT = b"RCPT"


class Policy(Protocol):
    """What a listening socket answers with."""

    def answer(self, attributes: Attributes) -> bytes:
        """Answer one request, encoded."""


class RelayPolicy:
    """The relay socket: nobody is granted anything, Postfix's own refusal stands."""

    def answer(self, attributes: Attributes) -> bytes:
        """Say DUNNO."""
        del attributes
        return DUNNO


class InboundPolicy:
    """The inbound socket: block, allow or no opinion for one recipient of one message."""

    def __init__(
        self,
        mail_path: MailPath,
        mynetworks: tuple[Network, ...],
        on_missing_snapshot: Literal["open", "defer"],
        monotonic: Callable[[], float],
        note: Callable[[str], object],
    ) -> None:
        """Judge mail of strangers; mail from mynetworks and authenticated clients is not judged."""
        self._mail_path = mail_path
        self._mynetworks = Networks(mynetworks)
        self._without_snapshot = DUNNO
        if on_missing_snapshot == "defer":
            self._without_snapshot = encode_answer(str(Refusal.NOT_READY.reply()))
        self._monotonic = monotonic
        self._note = note
        self._complained = float("-inf")

    def answer(self, attributes: Attributes) -> bytes:
        """Answer a request at RCPT; in any other state, and without a recipient, there is nothing to say."""
        get = attributes.get
        recipient = get(b"recipient")
        if not recipient or get(b"protocol_state", _RCPT) != _RCPT or get(b"sasl_username"):
            return DUNNO
        client = _text(get(b"client_address", b""))
        if self._mynetworks.holds(parse_client(client)):
            return DUNNO
        envelope = Envelope("policyd", _text(get(b"sender", b"")), client, _text(get(b"queue_id", b"")))
        try:
            decision = self._mail_path.rcpt(envelope, _text(recipient))
        except SnapshotError as error:
            self._complain(error)
            return self._without_snapshot
        if decision.answer is RcptAnswer.DUNNO:
            return DUNNO
        self._note(_line(envelope, _text(recipient), decision))
        return _PERMIT if decision.answer is RcptAnswer.PERMIT else _refusal(decision)

    def _complain(self, error: SnapshotError) -> None:
        now = self._monotonic()
        if now - self._complained >= _ONCE_A_SECOND:
            self._complained = now
            LOG.error("no snapshot to decide by: %s", error.message)


def _line(envelope: Envelope, recipient: str, decision: RcptDecision) -> str:
    return (
        f"{envelope.queue_id or 'NOQUEUE'}: answer={decision.answer} rule={decision.rule}"
        f" from={envelope.sender!r} to={recipient!r} client={envelope.client!r} ref={decision.ref or '-'}"
    )


def _refusal(decision: RcptDecision) -> bytes:
    return encode_answer(str(Refusal.BLOCKED.reply(decision.ref)))


def _text(octets: bytes) -> str:
    return octets.decode("utf-8", "surrogateescape")
