"""The store, on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.engine import Engine

from gatepost.config import Database
from gatepost.lookup import Alias
from gatepost.pattern import parse_pattern
from gatepost.position import Position
from gatepost.rule import Action, Demand, Effect, Terms, make_terms
from gatepost.scope import parse_scope
from gatepost.store import tables
from gatepost.store.aliases import AliasRow, write_aliases
from gatepost.store.changes import Author, insert_batch, one_change, open_batch
from gatepost.store.database import make_engine, reading, writing
from gatepost.store.feed import Touched, change_id, is_adopted, read_changes, read_position
from gatepost.store.mailbox import erase, find_kept
from gatepost.store.rules import (
    Filter,
    NewRule,
    add_rule,
    count_rules,
    get_rule,
    list_rules,
    remove_rules,
    stream_live,
)
from gatepost.store.schema import HEAD, MIGRATIONS, adopt, current_revision, upgrade

SECONDS = 30


def block(pattern: str, scope: str = "site") -> NewRule:
    return NewRule(make_terms(Terms(Action.BLOCK, parse_pattern(pattern), parse_scope(scope))))


def position(engine: Engine) -> Position:
    with reading(engine) as connection:
        return read_position(connection)


def changes(engine: Engine, since: Position, limit: int = 50) -> Touched | None:
    with reading(engine) as connection:
        return read_changes(connection, since, limit)


def touched(engine: Engine, since: Position) -> set[str]:
    """Name the patterns that were touched since a position."""
    found = changes(engine, since)
    return {pattern for _, pattern in found.rules} if found else set()


# The schema.


def test_upgrade_fills_an_empty_database_once(empty_engine: Engine) -> None:
    assert current_revision(empty_engine) is None
    assert upgrade(empty_engine)
    before = position(empty_engine)
    assert not upgrade(empty_engine)
    assert (current_revision(empty_engine), position(empty_engine)) == (HEAD, before)


def test_head_is_the_newest_migration() -> None:
    revisions = {file.name.partition("_")[0] for file in (MIGRATIONS / "versions").glob("*.py")}
    assert max(revisions) == HEAD


def test_the_tables_are_what_the_migrations_make(engine: Engine) -> None:
    with reading(engine) as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, tables.metadata) == []


def test_a_new_database_is_at_the_start_of_a_history_of_its_own(engine: Engine) -> None:
    start = position(engine)
    assert (start.epoch, start.number, start.change, len(start.uuid)) == (1, 0, "", 36)
    assert changes(engine, start) is None


def test_two_upgrades_at_once_make_one_schema(database: Database) -> None:
    engines = [make_engine(database) for _ in range(2)]
    try:
        run_all([partial(upgrade, one) for one in engines])
        assert position(engines[0]) == position(engines[1])
    finally:
        for one in engines:
            one.dispose()


# Rules.


def test_a_rule_comes_back_as_it_went(engine: Engine, author: Author) -> None:
    pattern, scope = parse_pattern('"two wörds"@x.org'), parse_scope("example.com")
    terms = Terms(Action.ALLOW, pattern, scope, enforced=True, demand=Demand.REQUIRED, expires=2_000_000_000)
    record, replaced = add_rule(engine, author, NewRule(terms, "says „ann“", "test"))
    assert (record.rule.terms, record.note, record.origin, replaced) == (terms, "says „ann“", "test", None)
    assert (record.author, record.created, record.hits, record.last_hit) == ("ann", 1_750_000_000.0, 0, None)
    assert list_rules(engine) == [record]
    assert get_rule(engine, record.rule.id) == record


@pytest.mark.parametrize("pattern", ["joe@x.org", "x.org", ".x.org", "joe@", "192.0.2.0/24", "2001:db8::7"])
def test_every_kind_of_pattern_comes_back(engine: Engine, author: Author, pattern: str) -> None:
    record, _ = add_rule(engine, author, block(pattern))
    assert record.rule.terms.pattern == parse_pattern(pattern)


def test_the_longest_address_fits(engine: Engine, author: Author) -> None:
    quoted = '"' + '\\"' * 64 + '"'
    longest = f"{quoted}@{'.'.join(['d' * 61] * 4)}"
    assert str(add_rule(engine, author, block(longest))[0].rule.terms.pattern) == longest


def test_the_same_key_is_replaced_and_the_old_rule_kept_for_the_audit(engine: Engine, author: Author) -> None:
    first, _ = add_rule(engine, author, block("x.org"))
    junk = make_terms(Terms(Action.BLOCK, parse_pattern("x.org"), parse_scope("site"), effect=Effect.JUNK))
    second, replaced = add_rule(engine, author, NewRule(junk))
    assert replaced == first
    assert list_rules(engine) == [second]
    old = get_rule(engine, first.rule.id)
    assert old is not None
    assert old.removed


def test_the_same_rule_added_many_times_at_once_is_there_once(engine: Engine, author: Author) -> None:
    run_all([lambda: add_rule(engine, author, block("x.org"))] * 4)
    assert count_rules(engine) == 1


def test_an_allow_and_a_block_of_one_pattern_stand_side_by_side(engine: Engine, author: Author) -> None:
    add_rule(engine, author, block("x.org"))
    add_rule(engine, author, NewRule(Terms(Action.ALLOW, parse_pattern("x.org"), parse_scope("site"))))
    assert count_rules(engine) == 2


def test_removing_tells_how_many_were_there(engine: Engine, author: Author) -> None:
    ids = [add_rule(engine, author, block(f"x{n}.org"))[0].rule.id for n in range(3)]
    assert remove_rules(engine, author, [*ids[:2], 999]) == 2
    assert remove_rules(engine, author, ids) == 1
    assert count_rules(engine) == 0


def test_removing_thousands_is_one_change(engine: Engine, author: Author) -> None:
    start = position(engine)
    assert remove_rules(engine, author, range(1, 5_000)) == 0
    assert position(engine).number == start.number + 1


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Filter(), [1, 2, 3]),
        (Filter(scope=parse_scope("site")), [1, 2]),
        (Filter(pattern=parse_pattern("X.ORG")), [1, 3]),
        (Filter(text="0%"), []),
        (Filter(text="Y.O"), [2]),
        (Filter(origin="cli", ids=(2, 3)), [2, 3]),
        (Filter(action=Action.ALLOW), []),
    ],
)
def test_listing(engine: Engine, author: Author, wanted: Filter, found: list[int]) -> None:
    for one in (block("x.org"), block("y.org"), block("x.org", "example.com")):
        add_rule(engine, author, one)
    assert [record.rule.id for record in list_rules(engine, wanted)] == found


def test_streaming_goes_through_all_in_lists(engine: Engine, author: Author) -> None:
    for n in range(5):
        add_rule(engine, author, block(f"x{n}.org"))
    with reading(engine) as connection:
        assert [len(some) for some in stream_live(connection, size=2)] == [2, 2, 1]


def test_a_quoted_mailbox_is_found_with_its_detail_and_no_other(engine: Engine, author: Author) -> None:
    mine = ['"a b"@x.org', '"a b+news"@x.org']
    for pattern in (*mine, '"ja b"@x.org', "b@x.org", '"a bc"@x.org', '"a b"@y.org'):
        add_rule(engine, author, block(pattern))
    rows = [
        AliasRow("all@x.org", tuple(mine), frozenset(), "mx1"),
        AliasRow("b@x.org", (), frozenset(), "mx1"),
    ]
    write_aliases(engine, author, rows)
    kept = find_kept(engine, mine[0])
    assert [record.rule.terms.pattern.text for record in kept.naming] == mine
    assert [row.address for row in kept.aliases] == ["all@x.org"]
    assert erase(engine, author, mine[0]).aliases == 1
    assert find_kept(engine, mine[0]).aliases == []


def test_a_plain_mailbox_has_quoted_details(engine: Engine, author: Author) -> None:
    for pattern in ('"ann+a b"@x.org', "joann@x.org", "ann+c@x.org"):
        add_rule(engine, author, block(pattern))
    assert len(find_kept(engine, "ann@x.org").naming) == 2


# The feed.


def test_numbers_are_in_the_order_of_commits(engine: Engine, author: Author) -> None:
    start = position(engine)
    record, _ = add_rule(engine, author, block("x.org"))
    between = position(engine)
    remove_rules(engine, author, [record.rule.id])
    assert [between.number, position(engine).number] == [start.number + 1, start.number + 2]
    assert touched(engine, start) == touched(engine, between) == {"x.org"}
    assert changes(engine, position(engine)) is None


def test_reading_in_small_steps_ends_where_one_step_does(engine: Engine, author: Author) -> None:
    here = position(engine)
    for n in range(5):
        add_rule(engine, author, block(f"x{n}.org"))
    seen: list[str] = []
    while found := changes(engine, here, limit=2):
        seen += [pattern for _, pattern in found.rules]
        here = found.position
    assert sorted(seen) == [f"x{n}.org" for n in range(5)]
    assert here == position(engine)


def test_a_position_names_the_change_itself(engine: Engine, author: Author) -> None:
    add_rule(engine, author, block("x.org"))
    here = position(engine)
    with reading(engine) as connection:
        assert change_id(connection, here.number) == here.change != ""
        assert change_id(connection, here.number + 1) == ""


def test_a_change_that_fails_leaves_nothing(engine: Engine, author: Author) -> None:
    start = position(engine)
    with suppress(ZeroDivisionError), one_change(engine, author) as (connection, _):
        connection.execute(sa.delete(tables.rule))
        raise ZeroDivisionError
    assert position(engine) == start
    with reading(engine) as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(tables.batch)) == 0


def test_aliases_are_in_the_feed(engine: Engine, author: Author) -> None:
    start = position(engine)
    row = {"targets": ["ann@example.com"], "remote": [], "source": "virtual"}
    with one_change(engine, author) as (connection, change):
        connection.execute(
            sa.insert(tables.alias).values(address="sales@example.com", changed_by=change, **row)
        )
    found = changes(engine, start)
    assert found is not None
    assert found.aliases == {"sales@example.com": Alias(("ann@example.com",))}


def test_batches_are_numbered_and_tell_who(engine: Engine, author: Author) -> None:
    first = open_batch(engine, author)
    with writing(engine) as connection:
        second = insert_batch(connection, author, undoes=first)
        row = connection.execute(sa.select(tables.batch).where(tables.batch.c.id == second)).one()
    assert (row.author, row.command, row.undoes, row.at) == ("ann", "gatepost block", first, 1_750_000_000.0)


# Writers at the same time.


def run_all(work: Sequence[Callable[[], object]]) -> None:
    """Run functions in threads and raise what any of them raises."""
    with ThreadPoolExecutor(len(work)) as pool:
        for future in [pool.submit(one) for one in work]:
            future.result(SECONDS)


@contextmanager
def held_writer(engine: Engine, author: Author, pattern: str) -> Iterator[threading.Event]:
    """A writer that has added a rule and commits only when told."""
    written, commit = threading.Event(), threading.Event()

    def write() -> None:
        with one_change(engine, author) as (connection, change):
            values = {"action": "block", "kind": 1, "pattern": pattern, "scope_kind": 0, "scope": ""}
            rest = {"enforced": False, "effect": "reject", "proof": "none", "note": "", "origin": "cli"}
            connection.execute(sa.insert(tables.rule).values(**values, **rest, added_by=change))
            written.set()
            assert commit.wait(SECONDS)

    thread = threading.Thread(target=write)
    thread.start()
    assert written.wait(SECONDS)
    try:
        yield commit
    finally:
        commit.set()
        thread.join(SECONDS)


def test_what_began_earlier_and_commits_later_is_not_missed(engine: Engine, author: Author) -> None:
    start = position(engine)
    with held_writer(engine, author, "early.org") as commit:
        late = threading.Thread(target=add_rule, args=(engine, author, block("late.org")))
        late.start()
        if engine.dialect.name == "postgresql":  # there, writers truly overlap; SQLite lets one in at a time
            late.join(SECONDS)
            assert touched(engine, start) == {"late.org"}
        else:
            assert touched(engine, start) == set()
        between = position(engine)
        commit.set()
        late.join(SECONDS)
    assert touched(engine, between) | touched(engine, start) == {"early.org", "late.org"}
    assert "early.org" in touched(engine, between)


def test_many_writers_and_a_reader_that_polls(engine: Engine, author: Author) -> None:
    here, seen = position(engine), set[str]()
    wanted = {f"x{n}-{k}.org" for n in range(4) for k in range(5)}

    def write(n: int) -> None:
        for k in range(5):
            add_rule(engine, author, block(f"x{n}-{k}.org"))

    threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads) or changes(engine, here):
        if found := changes(engine, here):
            seen |= {pattern for _, pattern in found.rules}
            here = found.position
    assert seen == wanted
    assert here == position(engine)


# Another database.


def test_adopting_raises_the_epoch_and_names_the_predecessor(engine: Engine) -> None:
    before = position(engine)
    with writing(engine) as connection:
        assert adopt(connection, "another-uuid", "ann") == before.epoch + 1
    with reading(engine) as connection:
        assert is_adopted(connection, Position("another-uuid", 1, 9, "change"))
        assert not is_adopted(connection, Position("a-third-uuid", 1, 9, "change"))
        assert not is_adopted(connection, before)


def test_a_restored_backup_is_adopted_since_an_epoch_of_its_own(engine: Engine) -> None:
    own = position(engine)
    with writing(engine) as connection:
        adopt(connection, own.uuid, "ann")
    with reading(engine) as connection:
        assert is_adopted(connection, own)
        assert is_adopted(connection, replace(own, number=9, change="lost"))
        assert not is_adopted(connection, replace(own, epoch=own.epoch + 1))


def test_an_erase_adopts_only_what_is_of_this_history(engine: Engine, author: Author) -> None:
    add_rule(engine, author, block("x.org"))
    before = position(engine)
    erase(engine, author, "ann@example.com")
    with reading(engine) as connection:
        assert is_adopted(connection, before)
        assert not is_adopted(connection, replace(before, change="another history"))
        assert not is_adopted(connection, replace(before, number=9, change="lost"))


def test_an_erase_has_a_place_in_the_feed(engine: Engine, author: Author) -> None:
    before = position(engine)
    erase(engine, author, "ann@example.com")
    after = position(engine)
    assert (after.epoch, after.number) == (before.epoch + 1, before.number + 1)
    assert after.change
