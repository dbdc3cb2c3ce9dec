"""The one judge: policyd, milter and `explain` all ask here, and nothing else knows of precedence.

    enforced site > enforced domain > mailbox > domain > site           the first scope with a match decides
    address+detail > address > domain > parents > local@ > IP > network   in it, the most specific pattern
    envelope sender > header From > client address; block > allow         only as the last tie-break

An allow that is not proven counts as absent, and the next match decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from gatepost.lookup import Lookup, Match
from gatepost.network import Network
from gatepost.probe import Identity, Probe, Trust
from gatepost.rule import Action, Demand, Rule
from gatepost.scope import SITE, ScopeKind
from gatepost.verdict import NO_VERDICT, Outcome, Proof, Verdict


@dataclass(frozen=True, slots=True)
class Claims:
    """Whom a message says it comes from."""

    probes: tuple[Probe, ...]
    client: Network | None


class Target(NamedTuple):
    """One final mailbox of a recipient, and the domains whose rules count for it."""

    mailbox: str
    """empty when it is not delivered here"""
    domains: tuple[str, ...]
    exempt: bool = False
    """postmaster and abuse: only enforced rules count"""

    @property
    def scopes(self) -> tuple[str, ...]:
        """The texts of all scopes that hold for it."""
        return (SITE.text, *self.domains, self.mailbox) if self.mailbox else (SITE.text, *self.domains)


class Proofs(Protocol):
    """Who can tell whether a message proves what it claims."""

    def prove(self, identity: Identity, domain: str, demand: Demand) -> Proof | None:
        """Give the proof that satisfies the demand, or None."""


class _Standing(NamedTuple):
    rule: Rule
    proof: Proof


_LEVEL = {
    (True, ScopeKind.SITE): 0,
    (True, ScopeKind.DOMAIN): 1,
    (False, ScopeKind.MAILBOX): 2,
    (False, ScopeKind.DOMAIN): 3,
    (False, ScopeKind.SITE): 4,
}


def judge(claims: Claims, target: Target, lookup: Lookup, proofs: Proofs, now: float) -> Verdict:
    """Decide about one message for one mailbox; `now` is Unix time in seconds."""
    found = [lookup.matches(scope, claims.probes, claims.client) for scope in target.scopes]
    if not any(found):
        return NO_VERDICT
    unproven: list[Rule] = []
    groups = [
        (level, list(_proven(matches, proofs, unproven)))
        for matches in found
        if matches
        for level, matches in _by_level(matches, now, exempt=target.exempt)
    ]
    return _verdict(_flatten(groups), unproven)


def _by_level(matches: Sequence[Match], now: float, *, exempt: bool) -> Iterator[tuple[int, list[Match]]]:
    """Part the live matches of one scope into enforced and plain ones, each in order of precedence."""
    levels: dict[int, list[Match]] = {}
    for match in sorted(matches, key=_precedence):
        terms = match.rule.terms
        expired = terms.expires is not None and terms.expires <= now
        if not expired and (terms.enforced or not exempt):
            levels.setdefault(_LEVEL[terms.enforced, terms.scope.kind], []).append(match)
    yield from levels.items()


def _precedence(match: Match) -> tuple[int, int, bool, int, int]:
    probe, rule = match
    return probe.rank, probe.identity, rule.terms.action is Action.ALLOW, rule.id, probe.trust


def _proven(matches: Iterable[Match], proofs: Proofs, unproven: list[Rule]) -> Iterator[_Standing]:
    for match in matches:
        proof = _proof(match, proofs)
        if proof is None:
            unproven.append(match.rule)
        else:
            yield _Standing(match.rule, proof)


def _proof(match: Match, proofs: Proofs) -> Proof | None:
    """Give the proof with which a match stands; blocks and IP allows need none."""
    probe, rule = match
    terms = rule.terms
    if terms.action is Action.BLOCK or not terms.pattern.needs_proof:
        return Proof.NONE
    if probe.trust is Trust.DOUBTFUL:
        return None
    demand = Demand.REQUIRED if probe.trust is Trust.UNWRAPPED else terms.demand
    return Proof.NONE if demand is Demand.NONE else proofs.prove(probe.identity, probe.claimed, demand)


def _flatten(groups: list[tuple[int, list[_Standing]]]) -> Iterator[_Standing]:
    """Bring the levels into order; where both domains of an alias have a say, a block goes first."""
    for _, standing in sorted(groups, key=_level_then_block):
        yield from standing


def _level_then_block(group: tuple[int, list[_Standing]]) -> tuple[int, bool]:
    level, standing = group
    return level, not (standing and standing[0].rule.terms.action is Action.BLOCK)


def _verdict(standing: Iterable[_Standing], unproven: Iterable[Rule]) -> Verdict:
    rules: dict[int, _Standing] = {}
    for one in standing:
        rules.setdefault(one.rule.id, one)
    absent = tuple({rule.id: rule for rule in unproven if rule.id not in rules}.values())
    if not rules:
        return Verdict(Outcome.NONE, unproven=absent)
    winner, *beaten = rules.values()
    outcome = Outcome(winner.rule.terms.action.value)
    return Verdict(outcome, winner.rule, tuple(b.rule for b in beaten), winner.proof, absent)
