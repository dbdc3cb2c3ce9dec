"""What the tests of failures share: a host of their own, mail that can be told apart, and what became of it."""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa

from gatepost.errors import UnavailableError
from gatepost.pattern import parse_pattern
from gatepost.rule import Action, Demand, Effect, Terms, make_terms
from gatepost.scope import parse_scope
from gatepost.snapshot.reader import SnapshotReader
from gatepost.store import tables
from gatepost.store.changes import Author
from gatepost.store.database import reading
from gatepost.store.rules import NewRule, add_rule
from gatepost_cli.demo.daemons import Daemon
from gatepost_cli.demo.host import HostPlan, PrivateHost, wait_until
from gatepost_cli.demo.mail import STRANGER, Dialogue, Reply, compose, stored, talk

MAILBOXES = ("ann@example.com", "bob@example.com", "carl@example.com")
ANN, BOB, CARL = MAILBOXES
BLOCKED, JUNKED, ALLOWED, UNKNOWN = "blocked.example", "junked.example", "allowed.example", "unknown.example"
"""domains of senders, and what the rules of `add_usual_rules` say of them"""
PLAN = HostPlan(("example.com",), MAILBOXES, alias_sync_seconds=0)
_AUTHOR = Author("tests", "a rule for a failure")
_numbers = itertools.count(1)


@contextmanager
def host_of_its_own(plan: HostPlan = PLAN, folder: Path | None = None) -> Iterator[PrivateHost]:
    """Start a host with the usual rules in force, and remove all of it afterwards."""
    where = folder or Path(tempfile.mkdtemp(prefix="gatepost-"))
    where.chmod(0o755)
    try:
        with PrivateHost(where, plan) as host:
            add_usual_rules(host)
            yield host
    finally:
        shutil.rmtree(where)


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that was offered, and the answers to it."""

    id: str
    sender: str
    to: tuple[str, ...]
    dialogue: Dialogue
    begun: float
    ended: float
    """monotonic seconds"""

    @property
    def rcpt(self) -> Reply:
        """The answer to the first recipient."""
        return self.dialogue.rcpt[0]

    @property
    def code(self) -> int:
        """The code of the reply that settled the matter."""
        return self.dialogue.end.code if self.dialogue.end else self.rcpt.code

    @property
    def refs(self) -> set[str]:
        """The references of events in the replies."""
        replies = [*self.dialogue.rcpt, *([self.dialogue.end] if self.dialogue.end else [])]
        return {reference(reply) for reply in replies} - {""}

    @property
    def accepted_for(self) -> set[str]:
        """The recipients that the server answers for from now on."""
        if self.dialogue.end is None or not self.dialogue.end.is_ok:
            return set()
        return {to for to, reply in zip(self.to, self.dialogue.rcpt, strict=True) if reply.is_ok}


def reference(reply: Reply) -> str:
    """Read the reference of an event out of a reply; empty when there is none."""
    return reply.text.partition("(ref ")[2].rstrip(")")


def send(
    host: PrivateHost,
    domain: str,
    *to: str,
    header_from: str | None = None,
    extra: str = "",
    client: str = STRANGER,
) -> Sent:
    """Send a message of its own from a sender of its own at a domain."""
    number = f"id{next(_numbers)}"
    sender = f"{number}@{domain}"
    author = f"{number}@{header_from or domain}"
    recipients = to or (ANN,)
    begun = time.monotonic()
    dialogue = talk(host, sender, recipients, compose([author], number, extra), client)
    return Sent(number, sender, recipients, dialogue, begun, time.monotonic())


def arrived(host: PrivateHost) -> Counter[tuple[str, str]]:
    """Count the copies of every message in every mailbox, by mailbox and message; waits for the queue."""
    host.postfix.wait_until_queue_is_empty(30)
    return Counter((box, str(m.message["Subject"])) for box in MAILBOXES for m in stored(host, box))


def folders_of(host: PrivateHost, sent: Sent, mailbox: str = ANN) -> list[str]:
    """Tell in which folders of a mailbox a message lies; waits for the queue."""
    host.postfix.wait_until_queue_is_empty()
    return [found.folder for found in stored(host, mailbox) if found.message["Subject"] == sent.id]


def add(
    host: PrivateHost,
    action: str,
    pattern: str,
    scope: str = "site",
    effect: Effect = Effect.REJECT,
) -> int:
    """Add a rule that needs no proof, and give its number."""
    terms = Terms(
        Action(action), parse_pattern(pattern), parse_scope(scope), effect=effect, demand=Demand.NONE
    )
    engine = host.engine
    try:
        return add_rule(engine, _AUTHOR, NewRule(make_terms(terms)))[0].rule.id
    finally:
        engine.dispose()


def add_usual_rules(host: PrivateHost) -> None:
    """Bring the rules of the domains above into force: numbers 1 to 3."""
    add(host, "block", BLOCKED)
    add(host, "block", JUNKED, effect=Effect.JUNK)
    add(host, "allow", ALLOWED)
    host.wait_for_snapshot()


def is_decided_as_usual(host: PrivateHost) -> bool:
    """Whether every kind of message meets with what the usual rules say, from policyd and milter."""
    codes = [send(host, domain).code for domain in (BLOCKED, UNKNOWN, JUNKED, ALLOWED)]
    by_from = send(host, UNKNOWN, header_from=BLOCKED).code
    junked = send(host, JUNKED)
    return (codes, by_from) == ([550, 250, 250, 250], 550) and folders_of(host, junked) == ["Junk"]


def status(host: PrivateHost) -> dict[str, Any]:  # the values are JSON
    """Read what the agent says of itself."""
    found: dict[str, Any] = json.loads((host.folder / "state/status.json").read_text())
    return found


def trouble(host: PrivateHost, of: str = "feed") -> str:
    """Read what troubles a duty of the agent."""
    return str(status(host)["trouble"].get(of, ""))


def feed_number(host: PrivateHost) -> int | None:
    """Tell how far the snapshot is."""
    reader = SnapshotReader(host.config.snapshot_folder)
    try:
        position = reader.position()
        return position.number if position else None
    finally:
        reader.close()


@dataclass(frozen=True, slots=True)
class Noted:
    """What the database holds about the mail that came."""

    hits: dict[int, int]
    """by rule"""
    events: tuple[sa.Row[Any], ...]

    def about(self, sent: Sent) -> list[sa.Row[Any]]:
        """List the events about a message."""
        return [row for row in self.events if row.sender == sent.sender]


def noted(host: PrivateHost) -> Noted:
    """Read hits and events."""
    engine = host.engine
    try:
        with reading(engine) as connection:
            hits = {row.rule_id: row.hits for row in connection.execute(sa.select(tables.rule_hits))}
            return Noted(hits, tuple(connection.execute(sa.select(tables.event))))
    finally:
        engine.dispose()


def wait_until_noted(host: PrivateHost, *refused: Sent, seconds: float = 20) -> float:
    """Wait until the database holds an event for each message, and the agent has no trouble."""
    refs = {ref for one in refused for ref in one.refs}
    assert refs

    def is_noted() -> bool:
        return refs <= {row.ref for row in noted(host).events} and not status(host)["trouble"]

    return wait_until(is_noted, seconds, f"events in the database; the agent says {status(host)}")


def wait_for_event(host: PrivateHost, ref: str) -> sa.Row[Any]:
    """Wait until the database holds an event, and give it."""
    wait_until(lambda: ref in {row.ref for row in noted(host).events}, 5, f"event {ref}")
    return next(row for row in noted(host).events if row.ref == ref)


def gatepost(host: PrivateHost, *arguments: str) -> Any:  # whatever the command prints as JSON
    """Run a command of the command line in a process of its own."""
    command = [sys.executable, "-m", "gatepost_cli", "--config", str(host.config_file), "--json", *arguments]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def reconfigure(host: PrivateHost, old: str, new: str) -> None:
    """Change the text of gatepost.toml; daemons that start later go by it."""
    text = host.config_file.read_text()
    assert old in text
    host.config_file.write_text(text.replace(old, new))


def restart(*daemons: Daemon) -> None:
    """Stop and start daemons, as after a change of the configuration."""
    for daemon in daemons:
        daemon.stop()
        daemon.start()


class Keeper:
    """Starts daemons again that died, as systemd does (Restart=always), while it is entered."""

    def __init__(self, *daemons: Daemon) -> None:
        """Look after these."""
        self.deaths: Counter[str] = Counter()
        self._daemons = daemons
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(0.02):
            for daemon in self._daemons:
                if daemon.pid is None:
                    self.deaths[daemon.name] += 1
                    daemon.start()


def show(text: str) -> None:
    """Write a figure where `pytest -s` or a failure shows it."""
    sys.stdout.write(f"{text}\n")


def with_database(url: str) -> HostPlan:
    """Plan the usual host on another database."""
    return replace(PLAN, database_url=url)


def children(pid: int | None) -> Sequence[int]:
    """List the processes that a process has forked."""
    assert pid is not None
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def happens(is_so: Callable[[], bool], seconds: float) -> bool:
    """Whether something comes about in time."""
    try:
        wait_until(is_so, seconds, "it")
    except UnavailableError:
        return False
    return True
