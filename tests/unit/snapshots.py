"""Making snapshots of rules, without a database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from gatepost.lookup import Alias
from gatepost.position import Position
from gatepost.rule import Rule
from gatepost.snapshot.generation import open_for_writing, publish
from gatepost.snapshot.writer import apply, build
from gatepost.store.feed import RuleRow, Touched

Key = tuple[str, str]
"""scope and pattern"""


def position(number: int = 0) -> Position:
    return Position("db", 1, number, f"change{number}")


def row(rule: Rule) -> RuleRow:
    terms = rule.terms
    pattern, scope = terms.pattern, terms.scope.text
    return RuleRow(
        rule.id,
        terms.action.value,
        int(pattern.kind),
        pattern.text,
        scope,
        terms.enforced,
        terms.effect.value,
        terms.demand.value,
        terms.expires,
    )


def write(
    folder: Path,
    rules: Iterable[Rule],
    aliases: Mapping[str, Alias | None] | None = None,
    name: str = "00000001",
) -> None:
    """Build and publish a generation."""
    rows = sorted((row(rule) for rule in rules), key=lambda r: (r.scope.encode(), r.pattern.encode()))
    build(folder, name, rows, (aliases or {}).items(), position(), gib=1)
    publish(folder, name)


def touched(
    rules: Iterable[Rule],
    keys: Iterable[Key],
    aliases: Mapping[str, Alias | None] | None = None,
    number: int = 1,
) -> Touched:
    """Say what a change touched: `rules` are all that there are after it."""
    found: dict[Key, list[RuleRow]] = {key: [] for key in keys}
    for rule in rules:
        one = row(rule)
        if (one.scope, one.pattern) in found:
            found[one.scope, one.pattern].append(one)
    return Touched(found, dict(aliases or {}), position(number))


def change(folder: Path, changes: Iterable[Touched], name: str = "00000001") -> None:
    """Write changes into a generation, and let go of it."""
    generation = open_for_writing(folder, name, gib=1)
    try:
        for one in changes:
            apply(generation, one)
    finally:
        generation.close()
