"""The milter's callbacks, named as pymilter names them after the verbs of SMTP.

DIAGNOSTICS: one line a decision that is not "no opinion"; an exception in a callback is logged and the
message goes on without a verdict, as policyd has judged its envelope already.
SECURITY: verdict headers that come with a message are removed whoever sends it. Needs no privilege but
to create its socket and to read the snapshot.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from typing import Any

import Milter

from gatepost.replies import Reply
from gatepost.verdict import HEADER
from gatepost_milter.message import Judgement, Message, Refused

LOG = logging.getLogger("gatepost.milter")


class GatepostMilter(Milter.Base):
    """One SMTP connection."""

    def __init__(self, judgement: Judgement) -> None:
        """Judge the messages of this connection."""
        self._judgement = judgement
        self._client = ""
        self._message = Message("")

    def setsymlist(self, stage: int, *macros: str) -> None:
        """Choose the macros of a stage; pymilter 1.0.5 would give the C extension octets, which it refuses.

        It would then negotiate nothing at all: Postfix would send every body and wait after every header.
        """
        self._ctx.setsymlist(stage, " ".join(macros))

    @Milter.noreply
    def connect(self, hostname: str, family: int, hostaddr: Any) -> int:  # path, pair or quadruple
        """Keep the client's address."""
        del hostname, family
        self._client = hostaddr[0] if isinstance(hostaddr, tuple) else ""
        return Milter.CONTINUE

    @Milter.symlist("{auth_authen}", "{mail_addr}")
    @Milter.noreply
    def envfrom(self, f: str, *str: str) -> int:  # noqa: A002  pymilter's names
        """MAIL FROM: a message begins."""
        del str
        sender = self.getsymval("{mail_addr}") or _unbracketed(f)
        self._message = Message(self._client, sender, bool(self.getsymval("{auth_authen}")))
        return Milter.CONTINUE

    @Milter.symlist("{rcpt_addr}", "i")
    def envrcpt(self, to: str, *str: str) -> int:  # noqa: A002  pymilter's names
        """RCPT TO: refuse as policyd would."""
        del str
        with self._guarded():
            recipient = self.getsymval("{rcpt_addr}") or _unbracketed(to)  # as Postfix has rewritten it
            refused = self._judgement.rcpt(self._message, recipient, self._queue_id())
            if refused is not None:
                return self._refuse(refused.reply)
            self._message.recipients.append(recipient)
        return Milter.CONTINUE

    @Milter.noreply
    def header(self, field: str, hval: str) -> int:
        """Take a header field."""
        self._message.header(field, hval)
        return Milter.CONTINUE

    def eom(self) -> int:
        """End of message: remove forged verdicts, add the true ones."""
        message, self._message = self._message, Message(self._client)
        with self._guarded():
            for index in range(message.forged, 0, -1):
                self.chgheader(HEADER, index, "")
            decision = self._judgement.end(message, self._queue_id())
            if isinstance(decision, Refused):
                return self._refuse(decision.reply)
            for value in reversed(decision.headers if decision else ()):
                self.addheader(HEADER, value, 0)
        return Milter.CONTINUE

    def abort(self) -> int:
        """Forget the message."""
        self._message = Message(self._client)
        return Milter.CONTINUE

    def _queue_id(self) -> str:
        return self.getsymval("i") or "NOQUEUE"

    def _refuse(self, reply: Reply) -> int:
        self.setreply(reply.code, reply.enhanced, reply.text)
        return Milter.TEMPFAIL if reply.code.startswith("4") else Milter.REJECT

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        """Let mail go on whatever goes wrong in here."""
        try:
            yield
        except Exception:
            LOG.exception("%s: a message could not be judged", self._queue_id())


def factory(judgement: Judgement) -> Callable[[], GatepostMilter]:
    """Make what libmilter asks for at each connection."""
    return lambda: GatepostMilter(judgement)


def _unbracketed(path: str) -> str:
    return path[1:-1] if path.startswith("<") and path.endswith(">") else path
