"""What a person should know about a rule just made: said, never forbidden."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gatepost.address import Address, parse_address
from gatepost.domain import canonical_domain
from gatepost.judge import Claims, Target, judge
from gatepost.lookup import Lookup
from gatepost.pattern import Pattern, PatternKind
from gatepost.probe import header_probes
from gatepost.proofs import EverythingProven
from gatepost.rule import Action, Demand, Rule, Terms
from gatepost.scope import Scope, ScopeKind
from gatepost_cli.freemail import FREEMAIL

UNTIL_PROVEN = "until Gatepost checks SPF and DKIM itself"


def warnings(rule: Rule, lookup: Lookup, own_domains: frozenset[str], now: float) -> list[str]:
    """List what is remarkable about a rule that is in `lookup` already."""
    terms = rule.terms
    if terms.expires is not None and terms.expires <= now:
        return ["it has expired already and decides nothing"]
    return [*_about_domains(terms, own_domains), *_about_others(rule, lookup, now), *_about_proof(terms)]


def own_domains(configured: Iterable[str], in_rules: Iterable[str]) -> frozenset[str]:
    """Put together the site's own domains: those of gatepost.toml, and those that rules are for."""
    return frozenset((*map(canonical_domain, configured), *in_rules))


def _about_domains(terms: Terms, own: frozenset[str]) -> Iterator[str]:
    ours = _named(terms.pattern, own, addresses=True)
    if terms.action is Action.BLOCK:
        if ours:
            yield f"{ours} is a domain of your own: what its users send over other servers is blocked too"
        return
    if ours:
        yield f"{ours} is a domain of your own, which forgers like to claim; your users need no rule to send"
    free = _named(terms.pattern, FREEMAIL, addresses=False)
    if free:
        yield f"anyone can have an address in {free}; allow single addresses instead"


def _about_proof(terms: Terms) -> Iterator[str]:
    if terms.demand is not Demand.NONE:
        yield f"it asks for proof, and so counts as absent {UNTIL_PROVEN}; for now: --proof none"


def _named(pattern: Pattern, domains: Iterable[str], *, addresses: bool) -> str:
    """Find one of the domains that the pattern matches, or that its address lies in."""
    match pattern.kind:
        case PatternKind.ADDRESS if addresses:
            hits = {parse_address(pattern.text).domain}
        case PatternKind.DOMAIN:
            hits = {pattern.text}
        case PatternKind.SUBTREE:
            return min((d for d in domains if f".{d}".endswith(pattern.text)), default="")
        case _:
            return ""
    return min(hits.intersection(domains), default="")


def _about_others(rule: Rule, lookup: Lookup, now: float) -> Iterator[str]:
    """Ask the judge about mail that matches the rule, with the rules that match all such mail."""
    terms = rule.terms
    verdict = judge(_typical(terms.pattern), _audience(terms.scope), lookup, EverythingProven(), now)
    winner = verdict.rule
    if winner is not None and winner.id != rule.id and winner.terms.action is not terms.action:
        yield f"it decides nothing, because rule {winner.id} always goes first: {_say(winner.terms)}"
    for other in verdict.beats:
        if winner is not None and winner.id == rule.id and _opposes(other.terms, terms):
            yield f"it always goes before rule {other.id}, which decides nothing now: {_say(other.terms)}"


def _typical(pattern: Pattern) -> Claims:
    """Claim what every message that matches the pattern claims, and no more."""
    match pattern.kind:
        case PatternKind.ADDRESS | PatternKind.LOCAL_PART:
            return Claims(header_probes((parse_address(pattern.text),), certain=True), None)
        case PatternKind.DOMAIN:
            return Claims(header_probes((Address("", pattern.text),), certain=True), None)
        case PatternKind.SUBTREE:
            probes = header_probes((Address("", pattern.text[1:]),), certain=True)
            return Claims(tuple(p for p in probes if p.kind is PatternKind.SUBTREE), None)
        case PatternKind.NETWORK:
            return Claims((), pattern.network)


def _audience(scope: Scope) -> Target:
    """Name whom the rule is for."""
    match scope.kind:
        case ScopeKind.SITE:
            return Target("", ())
        case ScopeKind.DOMAIN:
            return Target("", (scope.text,))
        case ScopeKind.MAILBOX:
            return Target(scope.text, (parse_address(scope.text).domain,))


def _opposes(other: Terms, terms: Terms) -> bool:
    same = other.pattern.text == terms.pattern.text and other.scope == terms.scope
    return same and other.action is not terms.action


def _say(terms: Terms) -> str:
    enforced = ", enforced" if terms.enforced else ""
    return f"{terms.action} {terms.pattern} for {terms.scope}{enforced}"
