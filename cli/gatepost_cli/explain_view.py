"""What `gatepost explain` found, as JSON and in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from gatepost.decision import RcptAnswer
from gatepost.judge import Claims, Target
from gatepost.pattern import PatternKind
from gatepost.probe import Identity
from gatepost.replies import Refusal
from gatepost.rule import Action, Rule, Terms
from gatepost.scope import ScopeKind
from gatepost.store.rules import RuleRecord
from gatepost.verdict import Proof, Verdict
from gatepost_cli.rule_view import in_words, rule_json

_KINDS = {
    PatternKind.ADDRESS: "address",
    PatternKind.DOMAIN: "domain",
    PatternKind.SUBTREE: "domain with all below it",
    PatternKind.LOCAL_PART: "local part anywhere",
    PatternKind.NETWORK: "network",
}
_ACTIONS = {Action.ALLOW: "an allow", Action.BLOCK: "a block"}
_OF_THE_DATABASE = ("note", "author", "origin", "created", "hits", "last_hit")
_ASSUMED = "taken as proven; today no SPF or DKIM is checked, so real mail is judged as with --unproven"
_SCOPES = {ScopeKind.SITE: "site", ScopeKind.DOMAIN: "domain", ScopeKind.MAILBOX: "mailbox"}


@dataclass(frozen=True, slots=True)
class Explained:
    """One recipient judged."""

    recipient: str
    claims: Claims
    verdicts: tuple[tuple[Target, Verdict], ...]
    """one a final mailbox, all identities judged together"""
    answer: RcptAnswer
    """from envelope and client alone"""
    warnings: tuple[str, ...] = ()
    records: Mapping[int, RuleRecord] = field(default_factory=dict)
    """what the database knows of the rules that the verdicts name; nothing while it is down"""

    @property
    def rules(self) -> list[Rule]:
        """The rules that the verdicts name."""
        return [r for _, v in self.verdicts for r in (v.rule, *v.beats, *v.unproven) if r is not None]

    @property
    def policy_action(self) -> str:
        """What Postfix is told at RCPT, without the reference of an event."""
        return str(Refusal.BLOCKED.reply()) if self.answer is RcptAnswer.REJECT else self.answer.value


def as_json(found: Explained) -> dict[str, object]:
    """Give the contract of `explain --json`."""
    if len(found.verdicts) == 1:
        judged = _verdict_json(found, *found.verdicts[0])
        about = {"recipient": found.recipient, **judged, "policy_action": found.policy_action}
    else:
        judged_all = [_verdict_json(found, target, verdict) for target, verdict in found.verdicts]
        about = {"recipient": found.recipient, "policy_action": found.policy_action, "targets": judged_all}
    return about | {"warnings": list(found.warnings)}


def _verdict_json(found: Explained, target: Target, verdict: Verdict) -> dict[str, object]:
    return {
        "mailbox": target.mailbox or None,
        "verdict": verdict.outcome.value,
        "by": verdict.by.value,
        "rule": _rule_json(found, verdict.rule) if verdict.rule else None,
        "beats": [_rule_json(found, rule) for rule in verdict.beats],
        "proof": verdict.proof.value,
        "unproven": [_rule_json(found, rule) for rule in verdict.unproven],
    }


def _rule_json(found: Explained, rule: Rule) -> dict[str, object]:
    record = found.records.get(rule.id)
    if record is not None:
        return rule_json(record)
    bare = RuleRecord(rule, note="", origin="", author="", created=0)
    return rule_json(bare) | dict.fromkeys(_OF_THE_DATABASE)


def in_lines(found: Explained) -> Iterator[str]:
    """Say it in words."""
    for target, verdict in found.verdicts:
        where = target.mailbox or "not delivered here, so only domain and site rules count"
        yield found.recipient if where == found.recipient else f"{found.recipient} -> {where}"
        yield from (f"  {line}" for line in _verdict_lines(found, target, verdict))
    yield f"Postfix is told at RCPT: {found.policy_action}{_MEANING[found.answer]}"


_MEANING = {
    RcptAnswer.REJECT: "",
    RcptAnswer.PERMIT: " (no blocklist and no greylisting after Gatepost is asked)",
    RcptAnswer.DUNNO: " (whatever comes after Gatepost decides)",
}


def _verdict_lines(found: Explained, target: Target, verdict: Verdict) -> Iterator[str]:
    rule = verdict.rule
    if target.exempt:
        yield "postmaster and abuse are exempt: only enforced rules count"
    if rule is None:
        yield "none: no rule decides"
    else:
        yield f"{verdict.outcome} by rule {rule.id}: {in_words(rule.terms)}"
        yield f"  it is {_rank(rule.terms)} and matches {_matched(rule, found.claims)}"
        if verdict.proof is Proof.ASSUMED:
            yield f"  {_ASSUMED}"
    before = rule
    for beaten in verdict.beats:
        yield f"beats rule {beaten.id}: {in_words(beaten.terms)}"
        if before is not None:
            yield f"  {_why(before, beaten, found.claims)}"
        before = beaten
    for absent in verdict.unproven:
        yield f"not proven, so as if it were not there: rule {absent.id}: {in_words(absent.terms)}"


def _rank(terms: Terms) -> str:
    return f"{_level(terms)} for {_kind(terms)}"


def _level(terms: Terms) -> str:
    enforced = "an enforced" if terms.enforced else "a"
    return f"{enforced} {_SCOPES[terms.scope.kind]} rule"


def _kind(terms: Terms) -> str:
    pattern = terms.pattern
    if pattern.network is not None:
        return (
            "an IP address"
            if pattern.network.is_host
            else f"a network of prefix length {pattern.network.length}"
        )
    if pattern.kind is PatternKind.ADDRESS:
        return "an address with its +detail" if "+" in pattern.text.rpartition("@")[0] else "an address"
    return f"a {_KINDS[pattern.kind]}"


def _matched(rule: Rule, claims: Claims) -> str:
    """Name the identity that a rule matches."""
    if rule.terms.pattern.network is not None:
        return "the client address"
    first = min(p.identity for p in claims.probes if p.text == rule.terms.pattern.text)
    return "the envelope sender" if first is Identity.ENVELOPE_SENDER else "the header From"


def _why(before: Rule, after: Rule, claims: Claims) -> str:
    """Say in what the two differ first, in the order in which the judge has put them."""
    one, two = before.terms, after.terms
    for said, other in (
        (_level(one), _level(two)),
        (_kind(one), _kind(two)),
        (_matched(before, claims), _matched(after, claims)),
        (_ACTIONS[one.action], _ACTIONS[two.action]),
    ):
        if said != other:
            return f"{said} goes before {other}"
    return "it is more specific" if len(one.pattern.text) > len(two.pattern.text) else "it is older"
