"""What the verdicts for the mailboxes of a message come to: at RCPT, and at the end of the message."""

from __future__ import annotations

import enum
from collections.abc import Sequence

from gatepost.judge import Target
from gatepost.verdict import Outcome, Verdict, header_value

_STRENGTH = (Outcome.NONE, Outcome.ALLOW, Outcome.BLOCK)


class RcptAnswer(enum.StrEnum):
    """What is said of a recipient at RCPT; all but `reject` is a Postfix action (access(5))."""

    REJECT = "reject"
    PERMIT = "permit_auth_destination"
    DUNNO = "DUNNO"


def at_rcpt(verdicts: Sequence[Verdict]) -> RcptAnswer:
    """Answer for one recipient with the verdicts of all its mailboxes: refused only if all of them refuse."""
    if verdicts and all(verdict.rejects for verdict in verdicts):
        return RcptAnswer.REJECT
    if any(verdict.outcome is Outcome.ALLOW for verdict in verdicts):
        return RcptAnswer.PERMIT
    return RcptAnswer.DUNNO


def rejects_message(verdicts: Sequence[Verdict]) -> bool:
    """Whether no mailbox at all wants the message."""
    return bool(verdicts) and all(verdict.rejects for verdict in verdicts)


def header_values(judged: Sequence[tuple[Target, Verdict]]) -> list[str]:
    """Write one header a mailbox that has a verdict, in the order of the mailboxes' names.

    A mailbox reached by several recipients has the rules of several domains: a block goes first there too.
    """
    weakest_first = sorted(judged, key=lambda one: _STRENGTH.index(one[1].outcome))
    verdicts = {target.mailbox: verdict for target, verdict in weakest_first if target.mailbox}
    values = (header_value(mailbox, verdict) for mailbox, verdict in verdicts.items())
    return sorted(value for value in values if value is not None)
