"""kill -9 of anything at any time, under load: no message is lost or doubled, nobody is treated wrongly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from tests.integration.chaos import Kill, Load, kill_at_random
from tests.integration.failing import (
    ALLOWED,
    BLOCKED,
    JUNKED,
    UNKNOWN,
    Noted,
    Sent,
    arrived,
    happens,
    host_of_its_own,
    is_decided_as_usual,
    noted,
    show,
    status,
)

from gatepost_cli.demo.host import PrivateHost

SECONDS = 20
FLUSH_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Story:
    """What happened, and what the host had in the end."""

    host: PrivateHost
    sent: list[Sent]
    kills: list[Kill]
    copies: Counter[tuple[str, str]]
    noted: Noted


@pytest.fixture(scope="module")
def story() -> Iterator[Story]:
    with host_of_its_own() as host:
        with Load(host, 4) as load:
            kills = kill_at_random(host, load, SECONDS)
        assert load.errors == []
        copies = arrived(host)
        host.policyd.stop()  # they flush
        host.milter.stop()
        assert happens(lambda: status(host)["waiting"] == 0 and not status(host)["trouble"], 10)
        found = noted(host)
        host.policyd.start()
        host.milter.start()
        yield Story(host, load.all_sent(), kills, copies, found)


def of(story: Story, *domains: str) -> list[Sent]:
    return [one for one in story.sent if one.sender.endswith(domains)]


def test_every_accepted_message_arrived_exactly_once(story: Story) -> None:
    accepted = {(box, one.id): 1 for one in story.sent for box in one.accepted_for}
    show(f"{len(story.sent)} messages, {len(accepted)} copies, kills {Counter(k.name for k in story.kills)}")
    assert len(story.kills) >= SECONDS / 2
    assert story.copies == accepted


def test_no_blocked_sender_got_in(story: Story) -> None:
    codes = Counter(reply.code for one in of(story, BLOCKED) for reply in one.dialogue.rcpt)
    assert codes.keys() == {550}, codes


def test_no_innocent_sender_was_refused(story: Story) -> None:
    codes = Counter(r.code for one in of(story, ALLOWED, JUNKED, UNKNOWN) for r in one.dialogue.rcpt)
    assert codes.keys() == {250}, codes
    ends = Counter(one.dialogue.end.code for one in of(story, ALLOWED, JUNKED) if one.dialogue.end)
    assert ends.keys() == {250}, ends


def test_counters_agree_with_what_was_sent(story: Story) -> None:
    blocked = sum(len(one.to) for one in of(story, BLOCKED))
    by_from = sum(len(one.to) for one in of(story, UNKNOWN) if one.code == 550)
    junked = sum(len(one.to) for one in of(story, JUNKED))
    hits = story.noted.hits
    show(f"hits {hits} of {blocked} + {by_from}, {junked}")
    events = [row for row in story.noted.events if row.rule_id == 1]
    assert len(events) <= hits[1] <= blocked + by_from
    assert hits[2] <= junked
    assert {row._mapping["count"] for row in story.noted.events} == {1}
    assert len({row.ref for row in story.noted.events}) == len(story.noted.events)


def test_events_are_lost_only_just_before_a_kill(story: Story) -> None:
    kept = {row.ref for row in story.noted.events}
    lost = [one for one in story.sent if one.refs - kept]
    ages = [min(_ages(one, story.kills), default=999.0) for one in lost]
    show(
        f"{len(lost)} of {len([one for one in story.sent if one.refs])} lost, at most {max(ages, default=0):.2f} s old"
    )
    assert all(age < FLUSH_SECONDS + 0.5 for age in ages)


def _ages(one: Sent, kills: list[Kill]) -> list[float]:
    """How long before each later kill of a daemon that refuses a message was refused, in seconds."""
    return [kill.at - one.begun for kill in kills if kill.name != "agent" and kill.back >= one.begun]


def test_everything_is_decided_right_afterwards(story: Story) -> None:
    assert all(is_decided_as_usual(story.host) for _ in range(3))
