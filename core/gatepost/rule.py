"""Rules: an action for a pattern in a scope."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from gatepost.errors import DataError
from gatepost.pattern import Pattern, PatternKind
from gatepost.scope import Scope, ScopeKind


class Action(enum.StrEnum):
    """What a rule does with mail it matches."""

    ALLOW = "allow"
    BLOCK = "block"


class Effect(enum.StrEnum):
    """How a block acts: refused at SMTP, or filed into Junk."""

    REJECT = "reject"
    JUNK = "junk"


class Demand(enum.StrEnum):
    """How much proof an allow asks for."""

    AUTO = "auto"
    REQUIRED = "required"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a rule says, apart from the record kept about it: the part that judges."""

    action: Action
    pattern: Pattern
    scope: Scope
    enforced: bool = False
    effect: Effect = Effect.REJECT
    demand: Demand = Demand.AUTO
    expires: int | None = None
    """Unix time, seconds; None: never"""


class RuleError(DataError):
    """Terms that contradict each other."""


def make_terms(terms: Terms) -> Terms:
    """Check terms and bring them into normal form: no demand on blocks and IP allows, no effect on allows."""
    if terms.enforced and terms.scope.kind is ScopeKind.MAILBOX:
        hint = "enforced means that narrower scopes cannot override it; only site and domain rules can be"
        raise RuleError(f"a mailbox rule cannot be enforced: {terms.pattern} for {terms.scope}", hint)
    allows = terms.action is Action.ALLOW
    proofless = not allows or terms.pattern.kind is PatternKind.NETWORK
    return Terms(
        terms.action,
        terms.pattern,
        terms.scope,
        terms.enforced,
        Effect.REJECT if allows else terms.effect,
        Demand.NONE if proofless else terms.demand,
        terms.expires,
    )


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule in force: its number and its terms."""

    id: int
    terms: Terms
