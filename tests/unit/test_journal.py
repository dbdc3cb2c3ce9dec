"""The journal: nothing twice, nothing lost, whoever dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import lmdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.journal import journal as module
from gatepost.journal.entries import (
    Entry,
    Event,
    EventEntry,
    EventKind,
    Fact,
    FactKind,
    HitsEntry,
    Unknown,
    decode,
    encode,
)
from gatepost.journal.journal import Journal, JournalError

ASKED = FactKind.ASKED
texts = st.text(st.characters(), max_size=20) | st.binary(max_size=20).map(
    lambda octets: octets.decode("utf-8", "surrogateescape")
)
events = st.builds(
    Event, st.sampled_from(EventKind), texts, texts, texts, texts, texts, st.none() | st.integers(1, 1 << 60)
)
entries = st.one_of(
    st.builds(EventEntry, texts, st.floats(0, 1e11), events, texts, st.integers(1, 1000)),
    st.builds(HitsEntry, st.floats(0, 1e11), st.dictionaries(st.integers(1, 1 << 60), st.integers(1, 99))),
    st.builds(Fact, st.just(ASKED), texts, st.floats(0, 1e11)),
)
APPEND = """
import sys
from pathlib import Path
from gatepost.journal.entries import Fact, FactKind
from gatepost.journal.journal import Journal
journal = Journal(Path(sys.argv[1]))
for number in range(int(sys.argv[3])):
    journal.append([], [Fact(FactKind.ASKED, f"{sys.argv[2]}{number}@example.com", 1.0)])
    print(number, flush=True)
"""


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = Journal(tmp_path / "journal")
    yield made
    made.close()


def fact(key: str) -> Fact:
    return Fact(ASKED, key, 1.0)


def sequences(journal: Journal, after: int = 0) -> list[int]:
    return [sequence for sequence, _ in journal.read(after, 1000)]


def appending(folder: Path, name: str, times: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", APPEND, str(folder), name, str(times)]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


@given(entries)
def test_an_entry_is_read_as_it_was_written(entry: Entry) -> None:
    assert decode(encode(entry)) == entry


NO_ENTRIES = [
    *(b"", b"[]", b"5", b"\xff", b"null", b'{"hits": 1}', b'["other", 1]', b'["hits"]'),
    *(
        b'["fact", "greeted", "k", 1.0]',
        b'["fact", "asked", "k", 1.0, "more"]',
        b'["event", "R", 1.0, [], "", 1]',
    ),
    b'["event", "R", 1.0, ["greeted", "policyd", "", "", ""], "", 1]',
]


@pytest.mark.parametrize("value", NO_ENTRIES)
def test_what_is_no_entry_is_kept_as_it_is(value: bytes) -> None:
    assert decode(value) == Unknown(value)
    assert encode(decode(value)) == value


def test_entries_are_numbered_and_read_in_order(journal: Journal) -> None:
    journal.append([HitsEntry(1.0, {1: 1})])
    journal.append([HitsEntry(2.0, {2: 1}), HitsEntry(3.0, {3: 1})])
    assert journal.read(0, 10) == [(n, HitsEntry(float(n), {n: 1})) for n in (1, 2, 3)]
    assert sequences(journal, after=1) == [2, 3]
    assert [n for n, _ in journal.read(0, 2)] == [1, 2]


def test_a_number_is_never_given_again(tmp_path: Path) -> None:
    for _ in range(3):
        journal = Journal(tmp_path)
        journal.append([HitsEntry(1.0, {1: 1})])
        last = sequences(journal)[-1]
        journal.forget(last)
        journal.close()
    assert last == 3


def test_a_journal_keeps_its_identity(tmp_path: Path) -> None:
    names = set()
    for _ in range(2):
        journal = Journal(tmp_path)
        names.add(journal.uuid)
        journal.close()
    assert len(names) == 1


def test_forgetting_leaves_what_follows(journal: Journal) -> None:
    journal.append([HitsEntry(float(n), {1: 1}) for n in range(5)])
    journal.forget(3)
    assert (sequences(journal), journal.waiting()) == ([4, 5], 2)


def test_a_fact_is_recent_until_a_snapshot_holds_it(journal: Journal) -> None:
    journal.append([], [fact("ann@example.com"), fact("bob@example.com")])
    assert journal.settle(ASKED, lambda held: held.key.startswith("ann")) == 1
    assert not journal.is_recent(ASKED, "ann@example.com")
    assert journal.is_recent(ASKED, "bob@example.com")
    assert sequences(journal) == [1, 2]


def test_a_fact_of_any_length_has_a_key(journal: Journal) -> None:
    long = "j" * 5000 + "@example.com"
    journal.append([], [fact(long), fact(long + "x")])
    assert [journal.is_recent(ASKED, key) for key in (long, long + "x", long + "y")] == [True, True, False]


def test_a_flood_drops_events_but_no_facts(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_EVENTS_UP_TO", 20_000)
    event = EventEntry("R", 1.0, Event(EventKind.BLOCKED, "policyd", "j" * 500, "", ""), "", 1)
    dropped = [journal.append([event] * 10, [fact(str(n))]) for n in range(10)]
    assert dropped[0] == 0
    assert dropped[-1] == 10
    assert len(journal.facts(ASKED)) == 10


def test_after_a_flood_events_are_kept_again(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_EVENTS_UP_TO", 20_000)
    many = [HitsEntry(1.0, dict.fromkeys(range(1000), 1))] * 10
    assert [journal.append(many), journal.append(many)] == [0, 10]
    journal.forget(sequences(journal)[-1])
    assert journal.append(many) == 0


def test_a_full_map_is_a_journal_error_and_nothing_half(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MAP_OCTETS", 256 * 1024)
    journal = Journal(tmp_path)
    with pytest.raises(JournalError, match="MDB_MAP_FULL"):
        journal.append([HitsEntry(1.0, dict.fromkeys(range(5000), 1)) for _ in range(9)], [fact("a")])
    assert (journal.waiting(), journal.facts(ASKED)) == (0, [])
    assert journal.append([HitsEntry(1.0, {1: 1})]) == 0
    journal.close()


@pytest.mark.parametrize("content", [b"garbage" * 1000, b"\0" * 8192])
def test_a_damaged_journal_is_a_journal_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "data.mdb").write_bytes(content)
    with pytest.raises(JournalError):
        Journal(tmp_path)


def test_erasing_takes_entries_and_facts(journal: Journal) -> None:
    journal.append([HitsEntry(1.0, {1: 1})], [fact("ann@example.com")])
    assert journal.erase(lambda entry: isinstance(entry, Fact)) == 2
    assert (len(sequences(journal)), journal.facts(ASKED)) == (1, [])


def test_facts_that_a_newer_version_learned_are_passed_over(journal: Journal) -> None:
    newer = encode(fact("ann@example.com")).replace(b"asked", b"greeted")
    with journal._transaction(write=True, db=journal._recent) as transaction:
        transaction.put(b"greeted", newer)
    journal.append([], [fact("bob@example.com")])
    assert journal.facts(ASKED) == [fact("bob@example.com")]
    assert journal.settle(ASKED, lambda _: True) == 0
    assert journal.erase(lambda entry: isinstance(entry, Fact)) == 1


def test_several_processes_append_at_once(tmp_path: Path) -> None:
    writers = [appending(tmp_path, name, 50) for name in "abc"]
    for writer in writers:
        writer.communicate()
    assert [writer.returncode for writer in writers] == [0, 0, 0]
    journal = Journal(tmp_path)
    assert sequences(journal) == list(range(1, 151))
    assert len(journal.facts(ASKED)) == 150
    journal.close()


def test_a_killed_writer_leaves_what_it_had_written_and_no_lock(tmp_path: Path) -> None:
    writer = appending(tmp_path, "a", 1_000_000)
    assert writer.stdout is not None
    told = [int(writer.stdout.readline()) for _ in range(20)][-1]
    os.kill(writer.pid, signal.SIGKILL)
    writer.communicate()
    journal = Journal(tmp_path)
    assert len(journal.facts(ASKED)) == len(sequences(journal)) > told
    journal.append([], [fact("after@example.com")])
    assert journal.is_recent(ASKED, "after@example.com")
    journal.close()


def test_forgetting_lets_go_of_killed_readers(journal: Journal) -> None:
    reading = "import lmdb, os, sys; e = lmdb.open(sys.argv[1], max_dbs=3); t = e.begin(); t.id(); os.kill(os.getpid(), 9)"
    folder = journal._environment.path()
    journal.append([HitsEntry(1.0, {1: 1})])
    subprocess.run([sys.executable, "-c", reading, folder], check=False)
    assert stale(journal._environment) == 1
    journal.forget(1)
    assert stale(journal._environment) == 0


def stale(environment: lmdb.Environment) -> int:
    own = str(os.getpid())
    return sum(line.split()[0] != own for line in environment.readers().splitlines()[1:] if line.strip())
