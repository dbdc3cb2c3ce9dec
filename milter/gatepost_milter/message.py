"""What the milter gathers of one message, and what is done about it; no milter library in here."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from gatepost.decision import RcptAnswer
from gatepost.header_from import MAX_FIELDS, parse_from
from gatepost.mailpath import EndDecision, Envelope, MailPath
from gatepost.network import Network, Networks, parse_client
from gatepost.probe import header_probes
from gatepost.recipient import is_exempt
from gatepost.replies import Refusal, Reply
from gatepost.snapshot.generation import SnapshotError
from gatepost.verdict import HEADER

LOG = logging.getLogger("gatepost.milter")
SERVICE = "milter"


@dataclass(slots=True)
class Message:
    """One message on its way in."""

    client: str
    sender: str = ""
    authenticated: bool = False
    recipients: list[str] = field(default_factory=list)
    from_fields: list[str] = field(default_factory=list)
    forged: int = 0
    """verdict headers that came with the message"""

    def header(self, name: str, value: str) -> None:
        """Take note of a header field; only two names matter."""
        folded = name.lower()
        if folded == "from":
            if len(self.from_fields) <= MAX_FIELDS:
                self.from_fields.append(value)
        elif folded == HEADER.lower():
            self.forged += 1

    def envelope(self, queue_id: str) -> Envelope:
        """Give what SMTP says of the sender."""
        return Envelope(SERVICE, self.sender, self.client, queue_id)


@dataclass(frozen=True, slots=True)
class Refused:
    """The client is told this reply."""

    reply: Reply


class Judgement:
    """Decides about messages; used by many threads, one at a time."""

    def __init__(
        self,
        mail_path: MailPath,
        mynetworks: tuple[Network, ...],
        on_missing_snapshot: Literal["open", "defer"],
    ) -> None:
        """Judge mail of strangers by the snapshot."""
        self._mail_path = mail_path
        self._mynetworks = Networks(mynetworks)
        self._defer = on_missing_snapshot == "defer"
        self._lock = threading.Lock()

    def between(self, do: Callable[[], object]) -> None:
        """Do something with the snapshot while nothing is judged by it."""
        with self._lock:
            do()

    def judges(self, message: Message) -> bool:
        """Whether this is mail of a stranger; that of authenticated clients and mynetworks is not judged."""
        return not message.authenticated and not self._mynetworks.holds(parse_client(message.client))

    def rcpt(self, message: Message, recipient: str, queue_id: str) -> Refused | None:
        """Refuse a recipient as policyd would, in case that it was not asked."""
        if not self.judges(message):
            return None
        try:
            with self._lock:
                decision = self._mail_path.rcpt(message.envelope(queue_id), recipient)
        except SnapshotError as error:
            return self._without_snapshot(queue_id, error)
        if decision.answer is not RcptAnswer.REJECT:
            return None
        LOG.info(
            "%s: answer=reject rule=%s from=%r to=%r client=%s ref=%s",
            queue_id,
            decision.rule,
            message.sender,
            recipient,
            message.client,
            decision.ref,
        )
        return Refused(Refusal.BLOCKED.reply(decision.ref))

    def end(self, message: Message, queue_id: str) -> Refused | EndDecision | None:
        """Judge a whole message: refuse it, or give the headers to be added."""
        if not self.judges(message) or not message.recipients:
            return None
        authors = parse_from(message.from_fields)
        if not authors.complete and not all(map(is_exempt, message.recipients)):
            ref = self._mail_path.unreadable(message.envelope(queue_id), message.recipients[0])
            LOG.info(
                "%s: answer=unreadable from=%r client=%s ref=%s",
                queue_id,
                message.sender,
                message.client,
                ref,
            )
            return Refused(Refusal.UNREADABLE.reply(ref))
        probes = header_probes(authors.addresses, certain=authors.certain)
        author = str(authors.addresses[0]) if authors.addresses else ""
        try:
            with self._lock:
                decision = self._mail_path.end(message.envelope(queue_id), probes, author, message.recipients)
        except SnapshotError as error:
            return self._without_snapshot(queue_id, error)
        if decision.rejected or decision.headers:
            LOG.info(
                "%s: answer=%s from=%r header_from=%r to=%d client=%s verdicts=%s ref=%s",
                queue_id,
                "reject" if decision.rejected else "accept",
                message.sender,
                author,
                len(message.recipients),
                message.client,
                list(decision.headers),
                decision.ref or "-",
            )
        return Refused(Refusal.BLOCKED.reply(decision.ref)) if decision.rejected else decision

    def _without_snapshot(self, queue_id: str, error: SnapshotError) -> Refused | None:
        LOG.error("%s: no snapshot to decide by: %s", queue_id, error.message)
        return Refused(Refusal.NOT_READY.reply()) if self._defer else None
