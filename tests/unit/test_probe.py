"""Probes are sorted, and complete: a text equals a rule's exactly when the rule matches."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.reference import NO_MATCH, specificity
from tests.unit.strategies import addresses, hosts, networks, patterns

from gatepost.address import Address
from gatepost.network import Network
from gatepost.pattern import Pattern, PatternKind
from gatepost.probe import Identity, Probe, Trust, header_probes, network_probe, sender_probes


def texts(probes: tuple[Probe, ...]) -> list[tuple[PatternKind, str]]:
    return [(probe.kind, probe.text) for probe in probes]


@given(sender=addresses, pattern=patterns)
def test_a_probe_is_a_rules_text_exactly_when_the_rule_matches(sender: Address, pattern: Pattern) -> None:
    found = (pattern.kind, pattern.text) in texts(sender_probes(str(sender)))
    assert found == (specificity(pattern, sender) != NO_MATCH)


@given(sender=addresses, first=patterns, second=patterns)
def test_ranks_are_in_the_order_of_specificity(sender: Address, first: Pattern, second: Pattern) -> None:
    ranks = {(p.kind, p.text): p.rank for p in sender_probes(str(sender))}
    a, b = ranks.get((first.kind, first.text)), ranks.get((second.kind, second.text))
    if a is not None and b is not None:
        assert (a < b) == (specificity(first, sender) < specificity(second, sender))


@given(sender=st.text(max_size=80))
def test_probes_of_any_sender_are_sorted_and_never_twice(sender: str) -> None:
    probes = [probe for probe in sender_probes(sender) if probe.trust is Trust.PLAIN]
    assert probes == sorted(probes)
    assert len(set(texts(tuple(probes)))) == len(probes)


@given(longer=networks(), shorter=networks(), client=hosts)
def test_longer_prefixes_go_first_and_all_networks_after_all_texts(
    longer: Network, shorter: Network, client: Network
) -> None:
    if longer.version == shorter.version and longer.length > shorter.length:
        assert network_probe(longer).rank < network_probe(shorter).rank
    assert max(p.rank for p in sender_probes("a+b@" + "c." * 126 + "d")) < network_probe(client).rank


def test_the_null_reverse_path_has_no_probes() -> None:
    assert sender_probes("") == sender_probes("<>") == ()


def test_a_sender_without_domain_has_its_local_part() -> None:
    assert texts(sender_probes("Root")) == [(PatternKind.LOCAL_PART, "root@")]


def test_a_domain_that_begins_with_a_dot_is_not_taken_for_a_subtree_itself() -> None:
    assert texts(sender_probes("joe@.x.org")).count((PatternKind.SUBTREE, ".x.org")) == 1
    assert (PatternKind.DOMAIN, ".x.org") not in texts(sender_probes("joe@.x.org"))


def test_claimed_is_the_domain_inside_a_wrapped_sender() -> None:
    probes = sender_probes("SRS0=h=t=x.org=joe@fwd.example")
    assert {(p.trust, p.claimed) for p in probes} == {
        (Trust.PLAIN, "fwd.example"),
        (Trust.UNWRAPPED, "x.org"),
    }


def test_uncertain_authors_are_doubtful() -> None:
    (probe, *_) = header_probes((Address("joe", "x.org"),), certain=False)
    assert (probe.identity, probe.trust) == (Identity.HEADER_FROM, Trust.DOUBTFUL)


def test_a_name_of_too_many_labels_still_has_its_parents() -> None:
    assert (PatternKind.SUBTREE, ".x.org") in texts(sender_probes("joe@" + "a." * 400 + "x.org"))


def test_long_texts_have_short_keys() -> None:
    assert all(len(probe.key) < 511 for probe in sender_probes("ü" * 300 + "@" + "d" * 600 + ".x.org"))
