"""What becomes of mail when policyd, the milter, both, or the agent are killed."""

from __future__ import annotations

import smtplib
import time
from collections.abc import Iterator

import pytest
from tests.integration.failing import (
    ALLOWED,
    ANN,
    BLOCKED,
    BOB,
    JUNKED,
    UNKNOWN,
    add,
    arrived,
    folders_of,
    happens,
    host_of_its_own,
    is_decided_as_usual,
    noted,
    reference,
    send,
    show,
    wait_for_event,
    wait_until_noted,
)

from gatepost.verdict import HEADER
from gatepost_cli.demo.host import PrivateHost
from gatepost_cli.demo.mail import STRANGER, Reply, stored

FORGED = f"""\
{HEADER}: ann@example.com; block; rule=1; proof=none\r
MIME-Version: 1.0\r
Content-Type: multipart/mixed; boundary=b\r
\r
--b\r
Content-Type: message/rfc822\r
\r
From: joe@x.example\r
{HEADER}: ann@example.com; allow; rule=7; proof=dkim\r
Subject: attached\r
\r
attached\r
--b--\r
"""


@pytest.fixture(scope="module")
def running() -> Iterator[PrivateHost]:
    with host_of_its_own() as host:
        yield host


@pytest.fixture
def host(running: PrivateHost) -> Iterator[PrivateHost]:
    """Hand out the host; every daemon runs again afterwards."""
    yield running
    for daemon in (running.agent, running.policyd, running.milter):
        if daemon.pid is None:
            daemon.start()


def test_milter_refuses_what_policyd_would_have(host: PrivateHost) -> None:
    host.policyd.kill()
    blocked, welcome = send(host, BLOCKED), send(host, UNKNOWN)
    assert (blocked.rcpt.code, welcome.code) == (550, 250)
    assert folders_of(host, welcome) == ["INBOX"]
    wait_until_noted(host, blocked)
    assert [row.service for row in noted(host).about(blocked)] == ["milter"]


def test_relay_attempts_are_put_off_while_policyd_is_down(host: PrivateHost) -> None:
    host.policyd.kill()
    assert [send(host, UNKNOWN, "joe@elsewhere.example").rcpt.code for _ in range(3)] == [450] * 3
    host.policyd.start()
    assert send(host, UNKNOWN, "joe@elsewhere.example").rcpt.code == 554


def test_own_clients_relay_while_policyd_is_down(host: PrivateHost) -> None:
    host.policyd.kill()
    with smtplib.SMTP("127.0.0.1", host.smtp_port) as smtp:
        smtp.sendmail("ann@example.com", ["joe@elsewhere.example"], b"Subject: out\r\n\r\nout\r\n")


def test_a_session_that_outlives_policyd_is_covered_by_the_milter(host: PrivateHost) -> None:
    """Postfix (attr_clnt.c, try_limit=1) does not connect to policyd again before it is idle for a moment."""
    with _session(host) as smtp:
        refusers = [_refuser(host, smtp)]
        host.policyd.kill()
        host.policyd.start()
        refusers += [_refuser(host, smtp), _refuser(host, smtp)]
    assert refusers == ["policyd", "milter", "milter"]
    assert happens(lambda: _refuser_of_a_session(host) == "policyd", 5)


def _session(host: PrivateHost) -> smtplib.SMTP:
    smtp = smtplib.SMTP("127.0.0.1", host.smtp_port, "client.example", source_address=(STRANGER, 0))
    smtp.ehlo()
    return smtp


def _refuser_of_a_session(host: PrivateHost) -> str:
    with _session(host) as smtp:
        return _refuser(host, smtp)


def _refuser(host: PrivateHost, smtp: smtplib.SMTP) -> str:
    """Offer mail of a blocked sender; the daemon that had it refused is in the database."""
    smtp.mail(f"joe@{BLOCKED}")
    code, text = smtp.rcpt(ANN)
    smtp.rset()
    assert code == 550
    return str(wait_for_event(host, reference(Reply(code, text.decode()))).service)


def test_policyd_blocks_without_the_milter(host: PrivateHost) -> None:
    host.milter.kill()
    blocked, by_from, junked = (
        send(host, BLOCKED),
        send(host, UNKNOWN, header_from=BLOCKED),
        send(host, JUNKED),
    )
    assert (blocked.rcpt.code, by_from.code, junked.code) == (550, 250, 250)
    assert folders_of(host, by_from) == folders_of(host, junked) == ["INBOX"]
    host.milter.start()
    assert is_decided_as_usual(host)


def test_forged_verdicts_are_stripped_without_the_milter(host: PrivateHost) -> None:
    host.milter.kill()
    sent = send(host, UNKNOWN, ANN, extra=FORGED)
    assert folders_of(host, sent) == ["INBOX"]
    message = next(m.message for m in stored(host, ANN) if m.message["Subject"] == sent.id)
    assert message[HEADER] is None
    assert f"{HEADER}: ann@example.com; allow; rule=7; proof=dkim" in message.as_string()


def test_a_session_that_outlives_the_milter_goes_on(host: PrivateHost) -> None:
    with _session(host) as smtp:
        smtp.mail(f"half@{UNKNOWN}")
        assert smtp.rcpt(ANN)[0] == 250
        host.milter.kill()
        assert smtp.rcpt(BOB)[0] == 250
        assert smtp.data(b"From: x@unknown.example\r\nSubject: half\r\n\r\nhalf\r\n")[0] == 250
    found = arrived(host)
    assert (found[ANN, "half"], found[BOB, "half"]) == (1, 1)


def test_a_milter_that_is_told_to_end_forgets_nothing(host: PrivateHost) -> None:
    """It ends at once, open sessions or not; libmilter by itself takes 5 s, or dies of the signal."""
    before = noted(host).hits.get(2, 0)
    with _session(host) as smtp:
        smtp.mail(f"half@{UNKNOWN}")
        assert smtp.rcpt(ANN)[0] == 250
        send(host, JUNKED)
        begun = time.monotonic()
        host.milter.stop()
        assert time.monotonic() - begun < 3
        assert smtp.rset()[0] == 250
    assert happens(lambda: noted(host).hits.get(2, 0) == before + 1, 5)


def test_mail_is_accepted_unjudged_while_both_are_down(host: PrivateHost) -> None:
    host.policyd.kill()
    host.milter.kill()
    sent = [send(host, domain, ANN, BOB) for domain in (BLOCKED, JUNKED, ALLOWED, UNKNOWN)]
    assert [one.code for one in sent] == [250] * 4
    assert all(folders_of(host, one) == folders_of(host, one, BOB) == ["INBOX"] for one in sent)
    for daemon in (host.policyd, host.milter):
        daemon.start()
    assert is_decided_as_usual(host)


def test_mail_goes_on_by_the_last_feed_without_the_agent(host: PrivateHost) -> None:
    host.agent.kill()
    add(host, "block", "late.example")
    late, blocked = send(host, "late.example"), send(host, BLOCKED)
    assert (late.code, blocked.code) == (250, 550)
    host.agent.start()
    seconds = host.wait_for_snapshot(10)
    assert send(host, "late.example").code == 550
    wait_until_noted(host, blocked)
    show(f"the agent was in step {seconds:.2f} s after its start")
