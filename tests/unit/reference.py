"""The order of precedence once more, in the plainest way and from the document alone: what the judge is held against.

It walks every rule, splits texts instead of looking them up, and knows nothing of probes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gatepost.address import Address
from gatepost.network import Network
from gatepost.pattern import Pattern, PatternKind
from gatepost.rule import Action, Demand, Rule, Terms
from gatepost.scope import ScopeKind

Specificity = tuple[int, int]
Place = tuple[Specificity, int, bool, int]
NO_MATCH: Specificity = (99, 0)


@dataclass(frozen=True, slots=True)
class Claim:
    """One identity of a message."""

    identity: int
    """0 envelope sender, 1 header From, 2 client address"""
    held: Address | Network
    unwrapped: bool = False
    doubtful: bool = False


def specificity(pattern: Pattern, held: Address | Network) -> Specificity:
    """Place a match in the order of specificity, lowest first; NO_MATCH where there is none."""
    if isinstance(held, Network):
        network = pattern.network
        inside = network is not None and network.version == held.version and _covers(network, held)
        return (5, -network.length) if inside and network else NO_MATCH
    local, _, domain = pattern.text.rpartition("@")
    match pattern.kind:
        case PatternKind.ADDRESS:
            return _local(0, local, held) if domain == held.domain else NO_MATCH
        case PatternKind.DOMAIN:
            return (2, 0) if domain == held.domain else NO_MATCH
        case PatternKind.SUBTREE:
            return (3, -domain.count(".")) if f".{held.domain}".endswith(domain) and held.domain else NO_MATCH
        case PatternKind.LOCAL_PART:
            return _local(4, local, held)
        case PatternKind.NETWORK:
            return NO_MATCH


def _local(place: int, written: str, held: Address) -> Specificity:
    """Compare local parts: whole with +detail before without."""
    name = str(Address(held.local, ""))
    base = str(Address(held.base.local, ""))
    if written == name != base:
        return place, -1
    return (place, 0) if written == base else NO_MATCH


def _covers(network: Network, held: Network) -> bool:
    width = 32 if network.version == 4 else 128
    return held.first >> (width - network.length) == network.first >> (width - network.length)


@dataclass(frozen=True, slots=True)
class Judged:
    """What the reference says."""

    outcome: str
    winner: int | None
    beats: tuple[int, ...]


def judge_plainly(
    rules: Iterable[Rule],
    claims: Iterable[Claim],
    *,
    mailbox: str,
    domains: tuple[str, ...],
    exempt: bool,
    proven: frozenset[tuple[int, str]],
    now: float,
) -> Judged:
    """Judge by clauses 1, 2, 3 and 5; `proven` holds the (identity, domain) pairs that an SPF or DKIM pass proves."""
    places: dict[int, Place] = {}
    alive = {rule.id: rule for rule in rules if _counts(rule.terms, mailbox, domains, exempt=exempt, now=now)}
    for rule in alive.values():
        terms = rule.terms
        allows = terms.action is Action.ALLOW
        for claim in claims:
            place = specificity(terms.pattern, claim.held)
            if place != NO_MATCH and (not allows or _stands(terms, claim, proven)):
                key = (place, claim.identity, allows, rule.id)
                places[rule.id] = min(key, places.get(rule.id, key))
    order = [number for scope in _scopes_in_order(places, alive, domains) for number in scope]
    if not order:
        return Judged("none", None, ())
    return Judged(alive[order[0]].terms.action.value, order[0], tuple(order[1:]))


def _counts(terms: Terms, mailbox: str, domains: tuple[str, ...], *, exempt: bool, now: float) -> bool:
    in_scope = terms.scope.text in {"", mailbox, *domains}
    return in_scope and (terms.enforced or not exempt) and (terms.expires is None or terms.expires > now)


def _level(terms: Terms) -> int:
    site, domain = terms.scope.kind is ScopeKind.SITE, terms.scope.kind is ScopeKind.DOMAIN
    if terms.enforced:
        return 0 if site else 1
    return 4 if site else 3 if domain else 2


def _stands(terms: Terms, claim: Claim, proven: frozenset[tuple[int, str]]) -> bool:
    """Tell whether an allow has the proof that it asks for."""
    if isinstance(claim.held, Network):
        return True
    if claim.doubtful:
        return False
    freely = terms.demand is Demand.NONE and not claim.unwrapped
    return freely or (claim.identity, claim.held.domain) in proven


def _scopes_in_order(
    places: dict[int, Place], alive: dict[int, Rule], domains: tuple[str, ...]
) -> list[list[int]]:
    """Order the scopes, and the rules in each; of an alias's two domains, the one whose winner is a block goes first.

    Where both winners do the same, the alias's own domain goes first.
    """
    scopes: dict[tuple[int, str], list[int]] = {}
    for number in sorted(places, key=places.__getitem__):
        terms = alive[number].terms
        scopes.setdefault((_level(terms), terms.scope.text), []).append(number)

    def place(scope: tuple[int, str]) -> tuple[int, bool, int]:
        level, text = scope
        allows = alive[scopes[scope][0]].terms.action is Action.ALLOW
        return level, allows, domains.index(text) if text in domains else 0

    return [scopes[scope] for scope in sorted(scopes, key=place)]
