"""Verdicts: what the judge says of one message for one mailbox, and the header that carries it."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from gatepost.rule import Action, Effect, Rule

HEADER = "X-Gatepost-Verdict"
MAX_HEADER_MAILBOX = 320


class Outcome(enum.StrEnum):
    """What is to be done with the message."""

    ALLOW = "allow"
    BLOCK = "block"
    NONE = "none"


class Decider(enum.StrEnum):
    """What kind of fact decided."""

    RULE = "rule"
    NONE = "none"


class Proof(enum.StrEnum):
    """How the sender was shown to be who it claims to be."""

    NONE = "none"
    SPF = "spf"
    DKIM = "dkim"
    ASSUMED = "assumed"
    """only in `explain`, which has no message to prove anything with"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One judgement."""

    outcome: Outcome
    rule: Rule | None = None
    beats: tuple[Rule, ...] = ()
    """rules that matched too, next in precedence first"""
    proof: Proof = Proof.NONE
    unproven: tuple[Rule, ...] = ()
    """allows that matched but counted as absent for want of proof"""

    @property
    def by(self) -> Decider:
        """What decided."""
        return Decider.RULE if self.rule else Decider.NONE

    @property
    def rejects(self) -> bool:
        """Whether it is a block that refuses at SMTP."""
        rule = self.rule
        return rule is not None and rule.terms.action is Action.BLOCK and rule.terms.effect is Effect.REJECT


NO_VERDICT = Verdict(Outcome.NONE)


def header_value(mailbox: str, verdict: Verdict) -> str | None:
    """Write a verdict for Dovecot's before-script; None when there is none or it would not fit one ASCII line."""
    if (
        verdict.rule is None
        or not (mailbox.isascii() and mailbox.isprintable())
        or len(mailbox) > MAX_HEADER_MAILBOX
    ):
        return None
    return f"{mailbox}; {verdict.outcome}; rule={verdict.rule.id}; proof={verdict.proof}"
