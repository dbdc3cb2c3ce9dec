"""Rules in memory."""

from __future__ import annotations

from gatepost.lookup import Alias, MemoryLookup
from gatepost.network import parse_client
from gatepost.pattern import parse_pattern
from gatepost.probe import sender_probes
from gatepost.rule import Action, Rule, Terms
from gatepost.scope import parse_scope


def ids(lookup: MemoryLookup, scope: str, sender: str, client: str = "unknown") -> list[int]:
    return sorted(
        {match.rule.id for match in lookup.matches(scope, sender_probes(sender), parse_client(client))}
    )


def lookup(*patterns: str, scope: str = "site") -> MemoryLookup:
    terms = [Terms(Action.BLOCK, parse_pattern(pattern), parse_scope(scope)) for pattern in patterns]
    return MemoryLookup(Rule(number, one) for number, one in enumerate(terms, start=1))


def test_all_rules_of_a_text_are_found_and_others_not() -> None:
    assert ids(lookup("x.org", "x.org", "y.org", "joe@"), "", "joe@x.org") == [1, 2, 4]


def test_scopes_are_apart() -> None:
    rules = lookup("x.org", scope="example.com")
    assert (ids(rules, "example.com", "joe@x.org"), ids(rules, "", "joe@x.org")) == ([1], [])


def test_networks_hold_the_client() -> None:
    rules = lookup("192.0.2.0/24", "192.0.2.7", "192.0.3.0/24", "::/0")
    assert ids(rules, "", "joe@x.org", "192.0.2.7") == [1, 2]


def test_an_unknown_client_is_in_no_network() -> None:
    assert ids(lookup("0.0.0.0/0"), "", "joe@x.org") == []


def test_a_senders_domain_is_never_taken_for_a_network_or_subtree() -> None:
    rules = lookup("192.0.2.7", ".x.org")
    assert ids(rules, "", "joe@192.0.2.7") == []
    assert len(rules.matches("", sender_probes("joe@.x.org"), None)) == 1


def test_aliases() -> None:
    alias = Alias(("ann@example.com",))
    assert MemoryLookup([], {"sales@example.com": alias}).alias("sales@example.com") == alias
    assert MemoryLookup([]).alias("sales@example.com") is None
