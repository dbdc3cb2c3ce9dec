"""The judge against the plain reference, and by a few examples of what only the judge can show."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.reference import Claim, Judged, judge_plainly
from tests.unit.strategies import addresses, domains, hosts, rules

from gatepost.address import Address
from gatepost.judge import Claims, Target, judge
from gatepost.lookup import MemoryLookup
from gatepost.network import Network, parse_client
from gatepost.pattern import parse_pattern
from gatepost.probe import Identity, header_probes, sender_probes
from gatepost.proofs import EverythingProven, NothingProven
from gatepost.rule import Action, Demand, Rule, Terms, make_terms
from gatepost.scope import SITE, parse_scope
from gatepost.unwrap import unwrap
from gatepost.verdict import Outcome, Proof, Verdict

NOW = 5_000
ANN = Target("ann@example.com", ("example.com",))
senders = st.one_of(
    addresses,
    st.builds(lambda a, d: Address(f"srs0=h=t={a.domain}={a.base.local}", d), addresses, domains),
    addresses.map(lambda a: Address(f"prvs=0123456789={a.local}", a.domain)),
)
target = st.builds(
    Target,
    st.sampled_from(["ann@example.com", "bob@example.com", ""]),
    st.sampled_from([("example.com",), ("example.net", "example.com"), ("example.com", "example.net")]),
    st.booleans(),
)


class SomeProven:
    """Proves the (identity, domain) pairs that it is told."""

    def __init__(self, pairs: frozenset[tuple[int, str]]) -> None:
        self.pairs = pairs

    def prove(self, identity: Identity, domain: str, demand: Demand) -> Proof | None:
        del demand
        return Proof.SPF if (int(identity), domain) in self.pairs else None


def claims_of(
    sender: Address, authors: tuple[Address, ...], client: Network, *, certain: bool
) -> list[Claim]:
    inside = unwrap(sender)
    return [
        Claim(0, sender),
        *([Claim(0, inside, unwrapped=True)] if inside else []),
        *(Claim(1, author, doubtful=not certain) for author in authors),
        Claim(2, client),
    ]


@given(
    rules=rules,
    sender=senders,
    authors=st.lists(addresses, max_size=2).map(tuple),
    client=hosts,
    target=target,
    proven=st.frozensets(st.tuples(st.sampled_from([0, 1]), domains), max_size=4),
)
def test_agrees_with_the_reference(
    *,
    rules: list[Rule],
    sender: Address,
    authors: tuple[Address, ...],
    client: Network,
    target: Target,
    proven: frozenset[tuple[int, str]],
) -> None:
    certain = len(authors) == 1
    claims = Claims(sender_probes(str(sender)) + header_probes(authors, certain=certain), client)
    verdict = judge(claims, target, MemoryLookup(rules), SomeProven(proven), NOW)
    expected = judge_plainly(
        rules,
        claims_of(sender, authors, client, certain=certain),
        mailbox=target.mailbox or "nobody",
        domains=target.domains,
        exempt=target.exempt,
        proven=proven,
        now=NOW,
    )
    assert plain(verdict) == expected
    assert not {rule.id for rule in verdict.unproven} & {verdict.rule and verdict.rule.id, *expected.beats}


def plain(verdict: Verdict) -> Judged:
    winner = verdict.rule.id if verdict.rule else None
    return Judged(verdict.outcome.value, winner, tuple(rule.id for rule in verdict.beats))


def rule(
    number: int, action: Action, pattern: str, demand: Demand = Demand.NONE, scope: str = "site"
) -> Rule:
    return Rule(number, make_terms(Terms(action, parse_pattern(pattern), parse_scope(scope), demand=demand)))


def said(sender: str, *rules: Rule, authors: tuple[Address, ...] = ()) -> Verdict:
    claims = Claims(sender_probes(sender) + header_probes(authors, certain=False), parse_client("192.0.2.7"))
    return judge(claims, ANN, MemoryLookup(rules), NothingProven(), NOW)


def test_without_rules_there_is_no_verdict() -> None:
    assert said("joe@x.org").outcome is Outcome.NONE


def test_an_unproven_allow_is_named() -> None:
    allow = rule(1, Action.ALLOW, "joe@x.org", Demand.AUTO)
    assert said("joe@x.org", allow) == Verdict(Outcome.NONE, unproven=(allow,))


def test_a_rule_that_stands_by_one_identity_is_not_unproven_by_another() -> None:
    allow = rule(1, Action.ALLOW, "x.org")
    verdict = said("joe@x.org", allow, authors=(Address("joe", "x.org"), Address("bob", "y.org")))
    assert (verdict.rule, verdict.unproven) == (allow, ())


def test_a_block_of_an_unwrapped_domain_ties_with_an_allow_of_the_forwarders_and_wins() -> None:
    allow, block = rule(1, Action.ALLOW, "fwd.example"), rule(2, Action.BLOCK, "x.org")
    assert said("SRS0=h=t=x.org=joe@fwd.example", allow, block).rule == block


def test_an_unwrapped_sender_is_asked_for_required_proof() -> None:
    asked: list[Demand] = []

    class Asked(EverythingProven):
        def prove(self, identity: Identity, domain: str, demand: Demand) -> Proof | None:
            asked.append(demand)
            return super().prove(identity, domain, demand)

    claims = Claims(sender_probes("prvs=0123456789=joe@x.org"), None)
    judge(claims, ANN, MemoryLookup([rule(1, Action.ALLOW, "joe@x.org")]), Asked(), NOW)
    assert asked == [Demand.REQUIRED]


def test_scopes_of_a_target_without_mailbox_are_site_and_domains() -> None:
    assert Target("", ("example.com",)).scopes == (SITE.text, "example.com")
