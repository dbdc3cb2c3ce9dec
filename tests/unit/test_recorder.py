"""Collecting hits, events and facts, with a clock that the test turns."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatepost.journal import recorder as module
from gatepost.journal.entries import Entry, Event, EventEntry, EventKind, Fact, FactKind, HitsEntry
from gatepost.journal.journal import Journal, JournalError
from gatepost.journal.recorder import Recorder


class Clock:
    """A wall clock, and a timer that goes at the same pace but is never set."""

    now = 1_000.0
    timer = 5.0

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.timer += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def recorder(tmp_path: Path, clock: Clock) -> Iterator[Recorder]:
    made = Recorder(tmp_path, clock, lambda: clock.timer)
    yield made
    if made._journal:
        made._journal.close()


def event(sender: str = "joe@x.org") -> Event:
    return Event(EventKind.BLOCKED, "policyd", sender, "ann@example.com", "192.0.2.7", "", 7)


def written(recorder: Recorder) -> list[Entry]:
    assert recorder._journal is not None
    return [entry for _, entry in recorder._journal.read(0, 100_000)]


def counts(recorder: Recorder) -> list[tuple[str, int]]:
    return [(entry.ref, entry.count) for entry in written(recorder) if isinstance(entry, EventEntry)]


def break_journal(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> int:
        raise JournalError("disk full")

    monkeypatch.setattr(Journal, "append", fail)


def test_equal_events_of_a_minute_are_one_counted(recorder: Recorder, clock: Clock) -> None:
    refs = {recorder.event(event()) for _ in range(3)}
    recorder.flush()
    refs |= {recorder.event(event()) for _ in range(4)}
    recorder.flush()
    (ref,) = refs
    assert counts(recorder) == [(ref, 3)]
    clock.wait(60)
    recorder.flush()
    assert counts(recorder) == [(ref, 3), (ref, 4)]


def test_after_a_minute_an_equal_event_is_another(recorder: Recorder, clock: Clock) -> None:
    first = recorder.event(event())
    clock.wait(60)
    recorder.flush()
    second = recorder.event(event())
    recorder.flush()
    assert first != second
    assert counts(recorder) == [(first, 1), (second, 1)]


def test_a_clock_that_is_set_back_silences_no_event(recorder: Recorder, clock: Clock) -> None:
    first = recorder.event(event())
    recorder.flush()
    clock.now -= 86_400
    clock.wait(60)
    recorder.flush()
    assert recorder.event(event()) != first
    recorder.flush()
    assert [entry.at for entry in written(recorder) if isinstance(entry, EventEntry)] == [1_000.0, -85_340.0]


def test_hits_are_summed(recorder: Recorder) -> None:
    for rule in (7, 7, 8):
        recorder.hit(rule)
    recorder.flush()
    recorder.flush()
    assert written(recorder) == [HitsEntry(1_000.0, {7: 2, 8: 1})]


def test_with_nothing_to_write_the_journal_is_not_opened(recorder: Recorder, tmp_path: Path) -> None:
    recorder.flush()
    assert list(tmp_path.iterdir()) == []


def test_a_flood_is_bounded_and_facts_are_kept(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "_DIFFERENT_EVENTS", 10)
    refs = {recorder.event(event(f"{n}@x.org")) for n in range(50)}
    recorder.fact(Fact(FactKind.ASKED, "ann@example.com", 1.0))
    recorder.flush()
    assert len(refs) == 50
    assert (len(counts(recorder)), len(written(recorder))) == (10, 11)
    assert "dropped 40 events" in caplog.text


def test_what_a_stranger_writes_is_cut_to_a_bound(recorder: Recorder) -> None:
    long = "j" * 1_000_000
    recorder.event(Event(EventKind.BLOCKED, "milter", long, long, "192.0.2.7", long))
    recorder.flush()
    (entry,) = written(recorder)
    assert isinstance(entry, EventEntry)
    assert {len(entry.event.sender), len(entry.event.recipient), len(entry.event.header_from)} == {1000}


def test_what_cannot_be_written_is_written_later(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        break_journal(broken)
        recorder.hit(7)
        recorder.fact(Fact(FactKind.ASKED, "ann@example.com", 1.0))
        recorder.flush()
        recorder.hit(7)
    recorder.flush()
    assert written(recorder) == [Fact(FactKind.ASKED, "ann@example.com", 1.0), HitsEntry(1_000.0, {7: 2})]


def test_trouble_is_told_once_a_minute(
    recorder: Recorder, clock: Clock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    break_journal(monkeypatch)
    for _ in range(120):
        recorder.hit(7)
        recorder.flush()
        clock.wait(1)
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2


def test_a_folder_that_cannot_be_made_stops_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("")
    recorder = Recorder(tmp_path / "file" / "journal")
    recorder.start()
    assert len(recorder.event(event())) == 10
    recorder.stop()
    assert "Not a directory" in caplog.text


def test_stopping_writes_what_is_left(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    recorder.start()
    for _ in range(3):
        recorder.event(event())
    recorder.stop()
    journal = Journal(tmp_path)
    assert [entry.count for _, entry in journal.read(0, 9) if isinstance(entry, EventEntry)] == [3]
    journal.close()


def test_many_threads_lose_no_hit(recorder: Recorder) -> None:
    def hit() -> None:
        for _ in range(1000):
            recorder.hit(7)
            recorder.event(event())

    threads = [threading.Thread(target=hit) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        recorder.flush()
    recorder.flush(final=True)
    assert sum(entry.hits[7] for entry in written(recorder) if isinstance(entry, HitsEntry)) == 4000
    assert sum(count for _, count in counts(recorder)) == 4000


def test_a_fact_that_is_recent_is_not_learned_again(recorder: Recorder) -> None:
    for at in (1.0, 2.0):
        recorder.fact(Fact(FactKind.ASKED, "ann@example.com", at))
        recorder.flush()
    assert len(written(recorder)) == 1
