"""Ways to write a recipient, a sender or a From: header so that a rule might be passed over."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatepost.pattern import parse_pattern
from gatepost.rule import Action, Effect, Terms
from gatepost.scope import parse_scope
from gatepost.store.changes import Author
from gatepost.store.rules import NewRule, add_rule
from gatepost_cli.demo.host import HostPlan, PrivateHost
from gatepost_cli.demo.mail import Stored, compose, empty, stored, talk

ANN = "ann@example.com"
AUTHOR = Author("test", "test")


def block(host: PrivateHost, pattern: str, scope: str, effect: Effect) -> None:
    terms = Terms(Action.BLOCK, parse_pattern(pattern), parse_scope(scope), effect=effect)
    add_rule(host.engine, AUTHOR, NewRule(terms))


@pytest.fixture(scope="module")
def running() -> Iterator[PrivateHost]:
    folder = Path(tempfile.mkdtemp(prefix="gatepost-"))
    folder.chmod(0o755)
    try:
        with PrivateHost(folder, HostPlan(("example.com",), (ANN, "bob@example.com"))) as host:
            block(host, "blocked.org", ANN, Effect.REJECT)
            block(host, "junk.org", ANN, Effect.JUNK)
            block(host, "author.org", ANN, Effect.REJECT)
            block(host, '"abc."@docomo.example', "bob@example.com", Effect.REJECT)
            host.wait_for_snapshot()
            yield host
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def host(running: PrivateHost) -> PrivateHost:
    running.postfix.wait_until_queue_is_empty()
    empty(running)
    return running


def arrived(host: PrivateHost) -> list[Stored]:
    host.postfix.wait_until_queue_is_empty()
    return stored(host, ANN)


FORMS = (
    "ann@example.com",
    "ann%example.com",
    "example.com!ann",
    "@relay.test:ann@example.com",
    "ann(c)@example.com",
)


@pytest.mark.parametrize("recipient", FORMS)
def test_no_form_of_a_recipient_passes_over_its_block(host: PrivateHost, recipient: str) -> None:
    said = talk(host, "joe@blocked.org", [recipient], compose(["joe@blocked.org"], "x"))
    assert not said.rcpt[0].is_ok
    assert arrived(host) == []


@pytest.mark.parametrize("recipient", [form for form in FORMS if "@" in form])
def test_no_form_of_a_recipient_passes_over_junk(host: PrivateHost, recipient: str) -> None:
    assert talk(host, "joe@junk.org", [recipient], compose(["joe@junk.org"], "x")).rcpt[0].is_ok
    assert [one.folder for one in arrived(host)] == ["Junk"]


@pytest.mark.parametrize("sender", ["joe%junk.org", "junk.org!joe"])
def test_no_form_of_a_sender_passes_over_its_block(host: PrivateHost, sender: str) -> None:
    assert talk(host, sender, [ANN], compose(["x@y.org"], "x")).rcpt[0].is_ok
    assert [one.folder for one in arrived(host)] == ["Junk"]


@pytest.mark.parametrize(
    "charset", ["unicode_escape?q?\\ud800=40x", "raw_unicode_escape?q?\\ud800=40x", "utf-7?q?+2AA-=40x"]
)
def test_an_odd_charset_hides_nothing(host: PrivateHost, charset: str) -> None:
    fields = ["joe@author.org", f"=?{charset}?="]
    said = talk(host, "joe@else.org", [ANN], compose(fields, "x"))
    assert said.end is not None
    assert said.end.code == 550


def test_padding_hides_nothing(host: PrivateHost) -> None:
    padded = "(" + "\r\n ".join(["x" * 900] * 70) + ")\r\n joe@author.org"
    said = talk(host, "joe@else.org", [ANN], compose([padded], "x"))
    assert said.end is not None
    assert said.end.text.startswith("5.6.0 ")


def test_decoys_hide_nothing(host: PrivateHost) -> None:
    said = talk(host, "joe@else.org", [ANN], compose([*["a@b.org"] * 120, "joe@author.org"], "x"))
    assert said.end is not None
    assert said.end.code == 550


def test_combining_marks_take_no_time(host: PrivateHost) -> None:
    marks = "\u0300\u0327" * 14_000
    said = talk(host, "joe@else.org", [ANN], compose([f"a{marks}@{marks}.org", "joe@author.org"], "x"))
    assert said.end is not None
    assert said.end.code == 550


def test_a_dot_before_the_at_hides_nothing(host: PrivateHost) -> None:
    said = talk(host, '"abc."@docomo.example', ["bob@example.com", ANN], compose(["x@y.org"], "x"))
    assert [reply.is_ok for reply in said.rcpt] == [False, True]
    assert said.end is not None
    assert said.end.is_ok


def test_an_address_literal_is_no_mailbox(host: PrivateHost) -> None:
    talk(host, "joe@else.org", ["ann@[127.0.0.1]"], compose(["x@y.org"], "x"))
    host.postfix.wait_until_queue_is_empty()
    assert stored(host, ANN) == []
