"""What is written when Postfix and the database differ."""

from __future__ import annotations

from gatepost.store.aliases import AliasRow, differences, within_bounds


def row(address: str, *targets: str, source: str = "hash:/v", remote: tuple[str, ...] = ()) -> AliasRow:
    return AliasRow(address, targets, frozenset(remote), source)


def stored(*rows: AliasRow) -> dict[str, AliasRow]:
    return {r.address: r for r in rows}


OWN = stored(row("a@x.org", "b@x.org", source="mx1 hash:/v"))
OTHER = stored(row("a@x.org", "b@x.org", source="mx2 hash:/v"))


def test_nothing_differs() -> None:
    assert differences(OWN, [row("a@x.org", "b@x.org")], "mx1") == []


def test_a_new_alias_is_written_with_its_host() -> None:
    assert differences({}, [row("a@x.org", "b@x.org")], "mx1") == list(OWN.values())


def test_a_target_that_moved_elsewhere_is_a_change() -> None:
    assert len(differences(OWN, [row("a@x.org", "b@x.org", remote=("b@x.org",))], "mx1")) == 1


def test_an_alias_that_is_gone_keeps_a_row_without_targets() -> None:
    assert differences(OWN, [], "mx1") == [row("a@x.org", source="mx1")]


def test_another_hosts_alias_stays() -> None:
    assert differences(OTHER, [row("a@x.org", "c@x.org")], "mx1") == []
    assert differences(OTHER, [], "mx1") == []


def test_another_hosts_alias_can_be_taken_over() -> None:
    assert len(differences(OTHER, [row("a@x.org", "c@x.org")], "mx1", take_over=True)) == 1


def test_what_is_no_alias_elsewhere_may_be_one_here() -> None:
    nothing = stored(row("a@x.org", source="mx2"))
    assert len(differences(nothing, [row("a@x.org", "c@x.org")], "mx1")) == 1


def test_new_ones_that_are_no_alias_are_kept_while_there_is_room() -> None:
    new = [row(f"{n}@x.org") for n in range(5)]
    again, alias = row("a@x.org"), row("d@x.org", "a@x.org")
    assert within_bounds({"a@x.org"}, [*new, again, alias], 2) == [again, alias, *new[:2]]
    assert within_bounds({"a@x.org"}, [*new, again, alias], 0) == [again, alias]
