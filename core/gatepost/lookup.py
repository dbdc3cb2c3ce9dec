"""Where the judge gets rules and aliases from, and the plainest such place: memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from gatepost.network import Network
from gatepost.pattern import PatternKind
from gatepost.probe import Probe, network_probe
from gatepost.rule import Rule

UNLISTED = "? "
"""how the key of no alias begins, but of a host's alias tables that can only be asked; no address is written so"""


class Match(NamedTuple):
    """A rule and the probe that found it."""

    probe: Probe
    rule: Rule


@dataclass(frozen=True, slots=True)
class Alias:
    """What Postfix makes of one address: the next addresses, and which of them are not delivered here."""

    targets: tuple[str, ...]
    remote: frozenset[str] = frozenset()


class Lookup(Protocol):
    """A list of rules and aliases, wherever it lies."""

    def matches(self, scope: str, probes: Sequence[Probe], client: Network | None) -> Sequence[Match]:
        """Find the rules of one scope that the probes or the client address match, in any order."""

    def alias(self, key: str) -> Alias | None:
        """Find the alias of a canonical address, or of `@domain`."""


class MemoryLookup:
    """Rules and aliases held in memory: for tests, and for `explain` over rows just read from SQL."""

    def __init__(self, rules: Iterable[Rule], aliases: Mapping[str, Alias] | None = None) -> None:
        """Sort the rules by scope and text."""
        self._aliases = aliases or {}
        self._rules: dict[tuple[str, PatternKind, str], list[Rule]] = defaultdict(list)
        self._networks: dict[str, list[Rule]] = defaultdict(list)
        for rule in rules:
            terms = rule.terms
            pattern = terms.pattern
            if pattern.network is None:
                self._rules[terms.scope.text, pattern.kind, pattern.text].append(rule)
            else:
                self._networks[terms.scope.text].append(rule)

    def matches(self, scope: str, probes: Sequence[Probe], client: Network | None) -> list[Match]:
        """Find the rules of one scope."""
        keys = ((probe, (scope, probe.kind, probe.text)) for probe in probes)
        found = [Match(probe, rule) for probe, key in keys for rule in self._rules.get(key, ())]
        for rule in self._networks.get(scope, ()):
            network = rule.terms.pattern.network
            if network is not None and client is not None and network.holds(client):
                found.append(Match(network_probe(network), rule))
        return found

    def alias(self, key: str) -> Alias | None:
        """Find an alias."""
        return self._aliases.get(key)
