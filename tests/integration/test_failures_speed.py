"""How soon a rule is in force, and that no verdict leaves the host: measured through real SMTP."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.integration.failing import (
    ALLOWED,
    ANN,
    folders_of,
    gatepost,
    happens,
    host_of_its_own,
    reconfigure,
    restart,
    send,
    show,
)
from tests.integration.smtp_sink import running_sink

from gatepost.verdict import HEADER
from gatepost_cli.demo.host import PrivateHost, wait_until
from gatepost_cli.demo.mail import stored


@pytest.fixture(scope="module")
def host() -> Iterator[PrivateHost]:
    with host_of_its_own() as running:
        reconfigure(running, "poll_seconds = 0.05", "poll_seconds = 0.2")  # the default
        restart(running.agent)
        yield running


@pytest.mark.parametrize("run", [1, 2, 3])
def test_a_rule_is_in_force_and_out_of_it_within_a_second(host: PrivateHost, run: int) -> None:
    domain = f"fresh{run}.example"
    assert send(host, domain).code == 250
    number = gatepost(host, "block", domain)["id"]
    added = _seconds_until(host, domain, 550)
    gatepost(host, "rules", "remove", str(number))
    removed = _seconds_until(host, domain, 250)
    show(f"in force {added:.3f} s after the command, out of it {removed:.3f} s after")
    assert added < 1
    assert removed < 1


def _seconds_until(host: PrivateHost, domain: str, code: int) -> float:
    begun = time.monotonic()
    assert happens(lambda: send(host, domain).code == code, 5)
    return time.monotonic() - begun


def test_no_verdict_leaves_the_host(host: PrivateHost) -> None:
    host.set_aliases({"both@example.com": (ANN, "joe@elsewhere.example")})
    with running_sink() as sink:
        host.postfix.reload(replace(host.postfix.model, relayhost=sink.next_hop))
        sent = send(host, ALLOWED, ANN, "both@example.com")
        wait_until(lambda: bool(sink.messages), 10, "the message to be relayed")
        host.postfix.wait_until_queue_is_empty()
    assert folders_of(host, sent) == ["INBOX"]
    [here] = [m.message for m in stored(host, ANN) if m.message["Subject"] == sent.id]
    assert here[HEADER] == "ann@example.com; allow; rule=3; proof=none"
    assert [(m["Subject"], m[HEADER]) for m in sink.messages] == [(sent.id, None)]
