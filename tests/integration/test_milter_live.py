"""The milter behind a real Postfix, and everything that mail can be."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import Milter
import pytest
from tests.integration.milter_host import (
    OURS,
    STRANGER,
    SUNK,
    MilterHost,
    milter_host,
    packet,
    reply,
    transact,
)

from gatepost.pattern import parse_pattern
from gatepost.rule import Action, Demand, Effect, Rule, Terms
from gatepost.scope import parse_scope
from gatepost.sockets import is_answered
from gatepost_cli.demo.host import wait_until

MANY = [f"m{n}@example.com" for n in range(100)]
MAILBOXES = ["ann@example.com", "bob@example.com", *MANY]
FORGED = b"X-Gatepost-Verdict: ann@example.com; allow; rule=1; proof=dkim"
JUNKED = ["ann@example.com; block; rule=2; proof=none"]
BY_AUTHOR = ["ann@example.com; block; rule=4; proof=none"]
PLAIN = b"From: joe@x.org\r\nSubject: x\r\n\r\nHello.\r\n"
FAILING = """
import sys
from pathlib import Path
from gatepost.config import load_config
from gatepost_milter.message import Judgement
from gatepost_milter.service import run
def fail(*_):
    raise RuntimeError("injected")
setattr(Judgement, sys.argv[2], fail)
run(load_config(Path(sys.argv[1])))
"""


def rule(number: int, action: Action, pattern: str, scope: str, effect: Effect = Effect.REJECT) -> Rule:
    terms = Terms(action, parse_pattern(pattern), parse_scope(scope), effect=effect, demand=Demand.NONE)
    return Rule(number, terms)


def all_rules() -> list[Rule]:
    own = [
        rule(1, Action.BLOCK, "refused@x.org", "site"),
        rule(2, Action.BLOCK, "junked@x.org", "ann@example.com", Effect.JUNK),
        rule(3, Action.ALLOW, "friend@x.org", "ann@example.com"),
        rule(4, Action.BLOCK, "evil@author.example", "ann@example.com", Effect.JUNK),
        rule(5, Action.BLOCK, "evil@author.example", "bob@example.com"),
        rule(6, Action.BLOCK, "jöe@x.org", "ann@example.com", Effect.JUNK),
        rule(7, Action.BLOCK, "192.0.2.0/24", "ann@example.com", Effect.JUNK),
    ]
    junks = [rule(100 + n, Action.BLOCK, "many@x.org", MANY[n], Effect.JUNK) for n in range(0, 100, 3)]
    allows = [rule(100 + n, Action.ALLOW, "many@x.org", MANY[n]) for n in range(1, 100, 3)]
    return [*own, *junks, *allows]


@pytest.fixture(scope="module")
def running() -> Iterator[MilterHost]:
    with milter_host(MAILBOXES, all_rules()) as one:
        yield one


@pytest.fixture
def host(running: MilterHost) -> MilterHost:
    running.sink.forget()
    return running


def with_header(*lines: bytes) -> bytes:
    return b"\r\n".join([*lines, PLAIN])


# What comes with a message


@pytest.mark.parametrize(
    "line",
    [
        FORGED,
        FORGED.upper(),
        FORGED.replace(b": ", b":"),
        FORGED.replace(b": ", b":\r\n "),
        FORGED.replace(b"; ", b";\r\n\t"),
        FORGED.replace(b": ", b" : "),
        FORGED.replace(b": ", b"\t: "),
        FORGED.replace(b": ", b" \t :"),
        b"X-Gatepost-Verdict:",
        b"x-gAtEpOsT-vErDiCt: \xff\xfe",
    ],
)
def test_a_forged_verdict_is_removed(host: MilterHost, line: bytes) -> None:
    arrived = host.send(with_header(line), sender="junked@x.org")
    assert arrived.verdicts == JUNKED
    assert b"allow" not in arrived.header.lower()


@pytest.mark.parametrize("place", range(4))
def test_several_forged_verdicts_are_removed_wherever_they_are(host: MilterHost, place: int) -> None:
    lines = [b"Subject: x", b"To: ann@example.com", b"From: joe@x.org"]
    lines[place:place] = [FORGED] * 3
    arrived = host.send(b"\r\n".join([FORGED, *lines, FORGED.lower(), b"", b"Hello."]))
    assert arrived.verdicts == []
    assert all(line in arrived.header for line in lines if line != FORGED)


def test_two_hundred_forged_verdicts_are_removed(host: MilterHost) -> None:
    assert host.send(with_header(*[FORGED] * 200), sender="friend@x.org").verdicts == [
        "ann@example.com; allow; rule=3; proof=none"
    ]


@pytest.mark.parametrize("client", [STRANGER, OURS])
def test_an_attached_message_and_the_body_stay_as_they_are(host: MilterHost, client: str) -> None:
    attached = (
        b"--b\r\nContent-Type: message/rfc822\r\n\r\n" + FORGED + b"\r\nFrom: x@y.org\r\n\r\nHi\r\n--b--\r\n"
    )
    body = b"\r\n" + attached + FORGED + b"\r\n trailing blanks  \t\r\n..dots\r\n\xff\r\n"
    head = b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\nDKIM-Signature: v=1; b=a b\r\n\tc\r\n"
    arrived = host.send(FORGED + b"\r\n" + head + b"\r\n" + body, client=client)
    assert (arrived.body, arrived.verdicts) == (body, [])
    assert head in arrived.header


@pytest.mark.parametrize(
    "fields",
    [
        [b"evil@author.example"],
        [b"Ann <EVIL@Author.Example>"],
        [b"joe@x.org", b"evil@author.example"],
        [b"joe@x.org, evil@author.example"],
        [b"=?utf-8?b?QmFuaw==?= <evil@author.example>"],
        [b"=?utf-8?q?evil=40author.example?="],
        [b"Friends: joe@x.org, evil@author.example;"],
        [b'"joe@x.org" <evil@author.example>'],
        [b"joe@x.org (comment)\r\n <evil@author.example>"],
        [b"evil@author.example\0"],
        [b"\xff\xfe <evil@author.example>"],
    ],
)
def test_an_author_is_found_in_any_from(host: MilterHost, fields: list[bytes]) -> None:
    content = b"".join(b"From: " + body + b"\r\n" for body in fields) + b"Subject: x\r\n\r\nHello.\r\n"
    assert host.send(content).verdicts == BY_AUTHOR


def test_without_a_from_only_the_envelope_counts(host: MilterHost) -> None:
    content = b"To: evil@author.example\r\nSubject: evil@author.example\r\n\r\nHello.\r\n"
    assert host.send(content).verdicts == []
    assert host.send(content, sender="junked@x.org").verdicts == JUNKED


@pytest.mark.parametrize(
    "body",
    [
        b"x" * 1_000_000,
        b"(" * 1_000_000,
        b'"' * 100_001,
        b"<" * 100_001,
        b",".join(b"a%d@x.org" % n for n in range(5000)),
        b",\r\n ".join(b"a%d@x.org" % n for n in range(5000)),
        b"=?utf-8?q?" + b"=41" * 30_000 + b"?=",
        b"a:" * 50_000,
    ],
    ids=lambda body: f"{body[:12]!r}",
)
def test_a_huge_from_takes_little_time(host: MilterHost, body: bytes) -> None:
    started = time.monotonic()
    with host.smtp() as smtp:
        said = transact(
            smtp, b"From: " + body + b"\r\nSubject: x\r\n\r\nHello.\r\n", ("ann@example.com",), "joe@x.org"
        )
    assert said.startswith("550 5.6.0 The From: header is too long to be read")
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "content",
    [
        b"\xe4\xf6: x\r\nFrom: joe@x.org\r\n\r\nHello.\r\n",
        b"From\xff: joe@x.org\r\nFrom: joe@x.org\r\n\r\nHello.\r\n",
        b"Subject: nul\0nul\r\nFrom: joe@x.org\r\n\r\n\0\r\n",
        b"Subject: bare\nX-Bare: newline\nFrom: joe@x.org\n\nHello.\n",
        b"Subject: " + b"x" * 10_000 + b"\r\nFrom: joe@x.org\r\n\r\n" + b"y" * 10_000 + b"\r\n",
        b"x" * 10_000 + b": y\r\n\r\nHello.\r\n",
        b"no header at all\r\n",
        b"\r\nno header at all\r\n",
        b"\r\n",
        b": no name\r\n\r\nHello.\r\n",
        b" begins folded\r\n\r\nHello.\r\n",
    ],
    ids=lambda content: f"{content[:16]!r}",
)
def test_a_malformed_message_is_judged_and_arrives(host: MilterHost, content: bytes) -> None:
    assert host.send(content, sender="junked@x.org").verdicts == JUNKED
    assert host.send(content, sender="innocent@x.org").verdicts == []


# Who sends, and to whom


def test_an_internationalized_sender(host: MilterHost) -> None:
    arrived = host.send("From: jöe@x.org\r\nSubject: größer\r\n\r\nHello.\r\n".encode(), sender="jöe@x.org")
    assert arrived.verdicts == ["ann@example.com; block; rule=6; proof=none"]


def test_the_null_sender_is_judged_by_client_and_author(host: MilterHost) -> None:
    assert host.send(PLAIN, sender="").verdicts == []
    assert host.send(PLAIN.replace(b"joe@x.org", b"evil@author.example"), sender="").verdicts == BY_AUTHOR


@pytest.mark.parametrize("address", ["192.0.2.7", "IPV6:::ffff:192.0.2.7"])
def test_a_client_is_judged_by_its_address(host: MilterHost, address: str) -> None:
    with host.smtp() as smtp:
        smtp.docmd("XCLIENT", f"ADDR={address} NAME=[UNAVAILABLE]")
        smtp.ehlo()
        transact(smtp, PLAIN, ["ann@example.com"], "")
    assert host.sink.take().verdicts == ["ann@example.com; block; rule=7; proof=none"]


def test_a_hundred_recipients_have_one_verdict_each(host: MilterHost) -> None:
    arrived = host.send(PLAIN, *MANY, sender="many@x.org")
    words = {0: "block", 1: "allow"}
    expected = [
        f"{MANY[n]}; {words[n % 3]}; rule={100 + n}; proof=none" for n in range(100) if n % 3 in words
    ]
    assert arrived.verdicts == host.sink.take().verdicts == sorted(expected)


def test_refusals_at_rcpt_and_at_the_end(host: MilterHost) -> None:
    evil = PLAIN.replace(b"joe@x.org", b"evil@author.example")
    with host.smtp() as smtp:
        assert transact(smtp, PLAIN, ["ann@example.com"], "refused@x.org").startswith("550 5.7.1")
        assert transact(smtp, evil, ["bob@example.com"], "joe@x.org").startswith("550 5.7.1")
        assert transact(smtp, evil, ["bob@example.com", "ann@example.com"], "joe@x.org").startswith("250")
    assert host.sink.take().verdicts == [*BY_AUTHOR, "bob@example.com; block; rule=5; proof=none"]


def test_own_clients_are_not_judged_but_stripped(host: MilterHost) -> None:
    assert host.send(with_header(FORGED), sender="refused@x.org", client=OURS).verdicts == []


def test_authenticated_clients_are_not_judged_but_stripped(host: MilterHost) -> None:
    with host.smtp() as smtp:
        assert smtp.docmd("XCLIENT", "LOGIN=ann")[0] == 220
        smtp.ehlo()
        assert transact(smtp, with_header(FORGED), ["ann@example.com"], "refused@x.org").startswith("250")
    assert host.sink.take().verdicts == []


# The course of a connection


def test_messages_of_one_connection_know_nothing_of_each_other(host: MilterHost) -> None:
    evil = with_header(FORGED, b"From: evil@author.example")
    with host.smtp() as smtp:
        for sender, content, verdicts in [
            ("junked@x.org", PLAIN, JUNKED),
            ("joe@x.org", PLAIN, []),
            ("joe@x.org", evil, BY_AUTHOR),
            ("joe@x.org", PLAIN, []),
        ]:
            transact(smtp, content, ["ann@example.com"], sender)
            assert host.sink.take().verdicts == verdicts


def test_reset_forgets(host: MilterHost) -> None:
    with host.smtp() as smtp:
        smtp.mail("junked@x.org")
        smtp.rcpt("ann@example.com")
        smtp.rset()
        smtp.mail("junked@x.org")
        smtp.rset()
        transact(smtp, PLAIN, ["bob@example.com"], "joe@x.org")
    assert (arrived := host.sink.take()).recipients == ("bob@example.com",)
    assert arrived.verdicts == []


@pytest.mark.parametrize(
    "said", [["MAIL FROM:<x@y.org>"], ["MAIL FROM:<x@y.org>", "RCPT TO:<ann@example.com>", "DATA"]]
)
def test_a_client_that_goes_away_hurts_nobody(host: MilterHost, said: list[str]) -> None:
    smtp = host.smtp()
    for command in said:
        smtp.docmd(command)
    smtp.send(b"From: evil@author.example\r\nSubj")
    smtp.close()
    assert host.send(PLAIN, sender="junked@x.org").verdicts == JUNKED


def test_what_is_not_needed_is_negotiated_away(host: MilterHost) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(host.socket)
        packet(client, b"O", b"".join(n.to_bytes(4) for n in (6, Milter.CURR_ACTS, 0x1FFFFF)))
        code, content = reply(client)
    version, steps = (int.from_bytes(content[place : place + 4]) for place in (0, 8))
    skipped = Milter.P_NOHELO | Milter.P_NODATA | Milter.P_NOUNKNOWN | Milter.P_NOEOH | Milter.P_NOBODY
    assert (code, version) == (b"O", 6)
    assert steps == skipped | Milter.P_NR_CONN | Milter.P_NR_MAIL | Milter.P_NR_HDR | Milter.P_SKIP


@pytest.mark.parametrize("content", [b"", b"\0\0\0\0", b"\xff\xff\xff\xff", b"\0\0\0\1Z", os.urandom(1000)])
def test_octets_that_are_no_milter_protocol_hurt_nobody(host: MilterHost, content: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(host.socket)
        client.sendall(content)
    assert host.send(PLAIN, sender="junked@x.org").verdicts == JUNKED


# Many, and failures


def smtp_source(host: MilterHost, sessions: int, messages: int) -> None:
    options = ["-s", str(sessions), "-m", str(messages), "-f", "joe@x.org", "-t", SUNK, "-d"]
    subprocess.run(["smtp-source", *options, f"inet:127.0.0.1:{host.port}"], check=True, timeout=60)


def resident_kib(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))


def test_two_hundred_connections_at_once(host: MilterHost) -> None:
    before = len(host.postfix.log)
    smtp_source(host, 200, 400)
    assert host.send(PLAIN, sender="junked@x.org").verdicts == JUNKED
    lines = host.postfix.log[before:].splitlines()
    assert [line for line in lines if "warning" in line and "milter" in line] == []


def test_memory_does_not_grow(host: MilterHost) -> None:
    pid = host.milter.pid
    assert pid is not None
    smtp_source(host, 20, 500)
    before = resident_kib(pid)
    smtp_source(host, 20, 1000)
    assert resident_kib(pid) - before < 1024


@pytest.fixture
def without_milter(host: MilterHost) -> Iterator[MilterHost]:
    """End the milter, and start it again after the test."""
    host.milter.stop()
    yield host
    host.milter.start()


@pytest.mark.parametrize("method", ["rcpt", "end"])
def test_an_exception_lets_mail_go_on(without_milter: MilterHost, method: str) -> None:
    host = without_milter
    log = host.config.parent / "failing.log"
    with log.open("wb") as stderr:
        process = subprocess.Popen([sys.executable, "-c", FAILING, str(host.config), method], stderr=stderr)
    try:
        wait_until(lambda: is_answered(host.socket), 10, "the milter")
        assert host.send(with_header(FORGED), sender="joe@x.org").verdicts == []
    finally:
        process.terminate()
        process.wait(10)
    assert "injected" in log.read_text()


def test_without_the_milter_mail_goes_on(without_milter: MilterHost) -> None:
    assert b"Hello." in without_milter.send(PLAIN, sender="joe@x.org").body


def test_after_a_kill_it_starts_again(host: MilterHost) -> None:
    host.milter.kill()
    assert Path(host.socket).is_socket()
    host.milter.start()
    assert host.send(PLAIN, sender="junked@x.org").verdicts == JUNKED


def test_two_on_one_socket_is_a_clear_error_and_hurts_nobody(host: MilterHost) -> None:
    command = [sys.executable, "-m", "gatepost_cli", "--config", str(host.config), "milter"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    assert done.returncode == 78
    assert "another process listens on unix:" in done.stderr
    assert host.send(PLAIN, sender="junked@x.org").verdicts == JUNKED


def test_the_end_comes_soon(host: MilterHost) -> None:
    pid = host.milter.pid
    assert pid is not None
    with host.smtp() as smtp:
        smtp.mail("joe@x.org")
        os.kill(pid, signal.SIGTERM)
        seconds = wait_until(lambda: host.milter.pid is None, 10, "the end")
    host.milter.start()
    assert seconds < 6
