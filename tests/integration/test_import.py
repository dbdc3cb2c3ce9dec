"""Imports, undoing and look-ups on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Engine
from tests.unit import strategies

from gatepost.address import Address
from gatepost.judge import Claims, Target, judge
from gatepost.lookup import MemoryLookup
from gatepost.network import Network
from gatepost.pattern import parse_pattern
from gatepost.probe import sender_probes
from gatepost.proofs import EverythingProven
from gatepost.rule import Action, Rule, Terms
from gatepost.scope import parse_scope
from gatepost.store import bulk, tables
from gatepost.store.bulk import Summary, importing
from gatepost.store.changes import Author, one_change
from gatepost.store.database import reading
from gatepost.store.feed import read_changes, read_position
from gatepost.store.purge import Criteria, count_purgeable, purge
from gatepost.store.rules import Filter, NewRule, add_rule, list_rules, rule_values
from gatepost.store.scopes import scope_domains
from gatepost.store.sql_lookup import SqlLookup
from gatepost.store.staging import Staged
from gatepost.store.stats import count_all
from gatepost.store.undo import find_batch, plan_undo, recent_batches, undo

NOW = 5_000.0


def quiet(_done: int) -> None:
    """Hear of progress."""


def blocks(patterns: Iterable[str], note: str = "") -> Iterator[Staged]:
    for line, pattern in enumerate(patterns, start=2):
        yield Staged(line, Terms(Action.BLOCK, parse_pattern(pattern), parse_scope("site")), note)


def bring_in(
    engine: Engine, author: Author, rules: Iterable[Staged], *, replace: bool = False
) -> tuple[Summary, int]:
    with importing(engine, "import", replace=replace) as work:
        summary = work.load(rules)
        return summary, work.apply(author, summary, quiet)


def in_force(engine: Engine) -> dict[str, str]:
    """Give the notes of the rules by their pattern."""
    return {record.rule.terms.pattern.text: record.note for record in list_rules(engine)}


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write three rules in a transaction."""
    monkeypatch.setattr(bulk, "CHUNK", 3)


@pytest.mark.usefixtures("small_chunks")
def test_an_import_is_one_batch_of_several_changes(engine: Engine, author: Author) -> None:
    with reading(engine) as connection:
        before = read_position(connection)
    patterns = [f"x{i}.org" for i in range(10)]
    _, batch = bring_in(engine, author, blocks(patterns))
    with reading(engine) as connection:
        touched = read_changes(connection, before)
        found = find_batch(connection, batch)
    assert touched is not None
    assert {key[1] for key in touched.rules} == set(patterns) == set(in_force(engine))
    assert touched.position.number == before.number + 4
    assert found is not None
    assert (found.added, found.removed) == (10, 0)


@pytest.mark.usefixtures("small_chunks")
def test_undoing_an_import_restores_what_it_replaced(engine: Engine, author: Author) -> None:
    bring_in(engine, author, blocks([f"x{i}.org" for i in range(5)], "old"))
    _, batch = bring_in(engine, author, blocks([f"x{i}.org" for i in range(10)], "new"))
    undo(engine, author, batch, quiet)
    assert in_force(engine) == {f"x{i}.org": "old" for i in range(5)}


@pytest.mark.usefixtures("small_chunks")
def test_a_killed_import_can_be_undone_whole(engine: Engine, author: Author) -> None:
    def die(done: int) -> None:
        if done > 5:
            raise KeyboardInterrupt

    with importing(engine, "import") as work:
        summary = work.load(blocks([f"x{i}.org" for i in range(10)]))
        with pytest.raises(KeyboardInterrupt):
            work.apply(author, summary, die)
    assert len(in_force(engine)) == 6
    with reading(engine) as connection:
        batch = find_batch(connection, None)
    assert batch is not None
    undo(engine, author, batch.id, quiet)
    assert in_force(engine) == {}


@pytest.mark.usefixtures("small_chunks")
def test_a_killed_undo_is_completed_by_the_next(engine: Engine, author: Author) -> None:
    bring_in(engine, author, blocks([f"x{i}.org" for i in range(5)], "old"))
    _, batch = bring_in(engine, author, blocks([f"x{i}.org" for i in range(10)], "new"))

    def die(_done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        undo(engine, author, batch, die)
    undo(engine, author, batch, quiet)
    assert in_force(engine) == {f"x{i}.org": "old" for i in range(5)}


def test_an_import_sees_what_was_added_while_it_was_being_looked_at(engine: Engine, author: Author) -> None:
    with importing(engine, "import") as work:
        summary = work.load(blocks(["x.org", "y.org"]))
        add_rule(engine, author, NewRule(next(blocks(["x.org"])).terms, "by hand"))
        work.apply(author, summary, quiet)
    assert in_force(engine) == {"x.org": "", "y.org": ""}


def test_two_imports_at_once_put_each_rule_in_force_once(engine: Engine, author: Author) -> None:
    looked = threading.Barrier(2)
    patterns = [f"x{i}.org" for i in range(2000)]

    def one() -> None:
        with importing(engine, "import") as work:
            summary = work.load(blocks(patterns))
            looked.wait()
            work.apply(author, summary, quiet)

    with ThreadPoolExecutor(2) as pool:
        for future in [pool.submit(one) for _ in range(2)]:
            future.result(60)
    assert sorted(record.rule.terms.pattern.text for record in list_rules(engine)) == sorted(patterns)


def test_adding_a_rule_replaces_all_of_the_same_key(engine: Engine, author: Author) -> None:
    new = NewRule(next(blocks(["x.org"])).terms)
    with one_change(engine, author) as (connection, change):
        twice = [rule_values(new, change)] * 2
        connection.execute(sa.insert(tables.rule), twice)
    record, replaced = add_rule(engine, author, new)
    assert list_rules(engine) == [record]
    assert replaced is not None


def test_rules_of_an_origin_that_are_gone(engine: Engine, author: Author) -> None:
    bring_in(engine, author, blocks(["a.org", "b.org"]))
    summary, batch = bring_in(engine, author, blocks(["b.org"]), replace=True)
    assert (summary.same, summary.gone) == (1, 1)
    assert set(in_force(engine)) == {"b.org"}
    undo(engine, author, batch, quiet)
    assert set(in_force(engine)) == {"a.org", "b.org"}


def test_a_failing_file_changes_nothing(engine: Engine, author: Author) -> None:
    def lines() -> Iterator[Staged]:
        yield from blocks(["x.org"])
        raise ZeroDivisionError

    with importing(engine, "import") as work, pytest.raises(ZeroDivisionError):
        work.load(lines())
    assert in_force(engine) == {}


@pytest.mark.usefixtures("small_chunks")
def test_purge_and_its_undo(engine: Engine, author: Author) -> None:
    bring_in(engine, author, blocks([f"x{i}.org" for i in range(10)]))
    criteria = Criteria(made_before=author.clock() + 1, unused_since=author.clock() + 1)
    with reading(engine) as connection:
        assert count_purgeable(connection, criteria) == 10
    batch, count = purge(engine, author, criteria, quiet)
    assert (count, in_force(engine)) == (10, {})
    undo(engine, author, batch, quiet)
    assert len(in_force(engine)) == 10


def test_log_and_plan(engine: Engine, author: Author) -> None:
    _, batch = bring_in(engine, author, blocks(["x.org"]))
    with reading(engine) as connection:
        (found,) = recent_batches(connection)
        plan = plan_undo(connection, found)
    assert (found.id, found.author, plan.remove, plan.restore, plan.left) == (batch, "ann", 1, 0, 0)


def test_scopes_and_stats(engine: Engine, author: Author) -> None:
    for scope in ("site", "example.com", "ann@example.net", "bob@example.net"):
        add_rule(engine, author, NewRule(Terms(Action.BLOCK, parse_pattern("x.org"), parse_scope(scope))))
    with reading(engine) as connection:
        assert scope_domains(connection) == {"example.com", "example.net"}
        assert count_all(connection, NOW).scopes == {"site": 1, "domain": 1, "mailbox": 2}


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rules=strategies.rules,
    sender=strategies.addresses,
    mailbox=st.sampled_from(["ann@example.com", "bob@example.net"]),
    client=strategies.hosts,
)
def test_sql_finds_what_memory_finds(
    *,
    engine: Engine,
    author: Author,
    rules: list[Rule],
    sender: Address,
    mailbox: str,
    client: Network,
) -> None:
    bring_in(engine, author, [Staged(r.id, r.terms, "") for r in rules], replace=True)
    claims = Claims(sender_probes(str(sender)), client)
    target = Target(mailbox, (mailbox.partition("@")[2],))
    stored = [record.rule for record in list_rules(engine, Filter())]
    with reading(engine) as connection:
        found = judge(claims, target, SqlLookup(connection), EverythingProven(), NOW)
    assert found == judge(claims, target, MemoryLookup(stored), EverythingProven(), NOW)
