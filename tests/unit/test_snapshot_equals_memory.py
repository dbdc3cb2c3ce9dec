"""The snapshot answers as plain memory does, however it came about."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.snapshots import change, touched, write
from tests.unit.strategies import SCOPES, addresses, hosts, rules

from gatepost.address import Address
from gatepost.lookup import Alias, Lookup, MemoryLookup
from gatepost.network import Network, parse_client
from gatepost.pattern import parse_pattern
from gatepost.probe import Probe, header_probes, sender_probes
from gatepost.rule import Action, Effect, Rule, Terms
from gatepost.scope import parse_scope
from gatepost.snapshot.reader import SnapshotReader

LONG = "j" * 300 + "@" + ".".join(["x" * 60] * 8) + ".org"
senders = st.lists(addresses.map(str) | st.sampled_from([LONG, "", "prvs=1234567=joe@x.org"]), max_size=3)
clients = st.none() | hosts
targets = st.builds(
    Alias,
    st.lists(addresses.map(str), min_size=1, max_size=3).map(tuple),
    st.frozensets(addresses.map(str), max_size=2),
)
aliases = st.dictionaries(addresses.map(str) | st.just("@x.org"), st.none() | targets, max_size=4)
Asked = tuple[tuple[Probe, ...], Network | None]


def key(rule: Rule) -> tuple[str, str]:
    return rule.terms.scope.text, rule.terms.pattern.text


def found(lookup: Lookup, asked: Asked) -> list[list[str]]:
    """Everything that a look-up says, in an order that does not matter."""
    return [sorted(map(repr, lookup.matches(parse_scope(s).text, *asked))) for s in SCOPES]


def agree(folder: Path, memory: MemoryLookup, asked: Asked, named: Mapping[str, Alias | None]) -> None:
    reader = SnapshotReader(folder)
    try:
        with reader.view() as view:
            assert found(view, asked) == found(memory, asked)
            assert {name: view.alias(name) for name in named} == named
            assert all(map(view.knows, named))
            assert not view.knows("nobody@example.com")
    finally:
        reader.close()


def probes(envelope: Sequence[str]) -> tuple[Probe, ...]:
    head = tuple(Address(*text.rpartition("@")[::2]) for text in envelope[1:] if "@" in text)
    return (*sender_probes(envelope[0] if envelope else ""), *header_probes(head, certain=False))


@settings(max_examples=60)
@given(rules, aliases, senders, clients)
def test_built_at_once(
    some: list[Rule], named: dict[str, Alias | None], envelope: list[str], client: Network | None
) -> None:
    with tempfile.TemporaryDirectory() as name:
        write(Path(name), some, named)
        agree(Path(name), MemoryLookup(some), (probes(envelope), client), named)


@settings(max_examples=60)
@given(st.lists(rules, min_size=2, max_size=4), aliases, senders, clients, st.randoms())
def test_changed_again_and_again(
    states: list[list[Rule]],
    named: dict[str, Alias | None],
    envelope: list[str],
    client: Network | None,
    order: random.Random,
) -> None:
    steps = []
    for before, after in pairwise(states):
        keys = list({key(rule): None for rule in [*before, *after]})
        order.shuffle(keys)
        steps.append(touched(after, keys, named))
    with tempfile.TemporaryDirectory() as name:
        write(Path(name), states[0])
        change(Path(name), steps)
        agree(Path(name), MemoryLookup(states[-1]), (probes(envelope), client), named)


def block(pattern: str, number: int = 1, scope: str = "site", effect: Effect = Effect.REJECT) -> Rule:
    return Rule(number, Terms(Action.BLOCK, parse_pattern(pattern), parse_scope(scope), effect=effect))


def ids(folder: Path, sender: str = "", client: str = "", scope: str = "") -> list[int]:
    reader = SnapshotReader(folder)
    try:
        with reader.view() as view:
            return sorted(m.rule.id for m in view.matches(scope, sender_probes(sender), parse_client(client)))
    finally:
        reader.close()


def test_rules_of_one_pattern_are_all_kept(tmp_path: Path) -> None:
    allow = Rule(2, Terms(Action.ALLOW, parse_pattern("x.org"), parse_scope("")))
    write(
        tmp_path,
        [block("x.org"), allow, block("x.org", 3, effect=Effect.JUNK), block("x.org", 4, "example.com")],
    )
    assert ids(tmp_path, "joe@x.org") == [1, 2, 3]
    assert ids(tmp_path, "joe@x.org", scope="example.com") == [4]


def test_removing_one_of_two_leaves_the_other(tmp_path: Path) -> None:
    write(tmp_path, [block("x.org", 1), block("x.org", 2), block("x.org", 3, "example.com")])
    change(tmp_path, [touched([block("x.org", 2)], [("", "x.org")])])
    assert ids(tmp_path, "joe@x.org") == [2]
    assert ids(tmp_path, "joe@x.org", scope="example.com") == [3]


def test_an_emptied_scope_says_nothing_and_can_be_filled_again(tmp_path: Path) -> None:
    write(tmp_path, [block("x.org", 1, "example.com")])
    change(tmp_path, [touched([], [("example.com", "x.org")])])
    assert ids(tmp_path, "joe@x.org", scope="example.com") == []
    change(tmp_path, [touched([block("x.org", 2, "example.com")], [("example.com", "x.org")])])
    assert ids(tmp_path, "joe@x.org", scope="example.com") == [2]


def test_a_new_scope_never_takes_the_number_of_another(tmp_path: Path) -> None:
    write(tmp_path, [block("x.org", 1, "example.com")])
    for number in range(2, 6):
        scope = f"s{number}.example"
        change(tmp_path, [touched([block("x.org", number, scope)], [(scope, "x.org")])])
    assert [ids(tmp_path, "joe@x.org", scope=f"s{number}.example") for number in range(2, 6)] == [
        [2],
        [3],
        [4],
        [5],
    ]


@pytest.mark.parametrize("length", [0, 1, 7, 8, 31, 32])
def test_ipv4_prefixes(tmp_path: Path, length: int) -> None:
    write(tmp_path, [block(f"172.16.0.1/{length}")])
    assert (ids(tmp_path, client="172.16.0.1"), ids(tmp_path, client="::ffff:172.16.0.1")) == ([1], [1])
    assert ids(tmp_path, client="172.16.0.0") == ([1] if length < 32 else [])
    assert ids(tmp_path, client="2001:db8::1") == []


@pytest.mark.parametrize("length", [0, 1, 48, 63, 64, 65, 127, 128])
def test_ipv6_prefixes(tmp_path: Path, length: int) -> None:
    write(tmp_path, [block(f"2001:db8::1/{length}")])
    assert ids(tmp_path, client="2001:db8::1") == [1]
    assert ids(tmp_path, client="2001:db8::") == ([1] if length < 128 else [])
    assert ids(tmp_path, client="192.0.2.1") == []


def test_a_prefix_length_that_comes_later_is_found(tmp_path: Path) -> None:
    write(tmp_path, [block("192.0.2.0/24")])
    change(tmp_path, [touched([block("192.0.0.0/16", 2)], [("", "192.0.0.0/16")])])
    assert ids(tmp_path, client="192.0.2.7") == [1, 2]


def test_texts_too_long_for_a_key_are_told_apart(tmp_path: Path) -> None:
    write(tmp_path, [block("x.org")], {LONG: Alias(("ann@example.com",)), LONG + "x": None})
    reader = SnapshotReader(tmp_path)
    with reader.view() as view:
        assert (view.alias(LONG), view.alias(LONG + "x"), view.knows(LONG + "y")) == (
            Alias(("ann@example.com",)),
            None,
            False,
        )
        assert not view.matches("", sender_probes(LONG), None)
    reader.close()


def test_a_hundred_thousand_rules(tmp_path: Path) -> None:
    many = [block(f"u{n}@d{n % 1000}.example", n + 1, f"s{n % 7}.example") for n in range(100_000)]
    write(tmp_path, many)
    for n in (0, 49_999, 99_999):
        assert ids(tmp_path, f"u{n}@d{n % 1000}.example", scope=f"s{n % 7}.example") == [n + 1]
        assert ids(tmp_path, f"u{n}@d{n % 1000}.example", scope=f"s{(n + 1) % 7}.example") == []
