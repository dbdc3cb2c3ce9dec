"""The golden table through real Postfix, the milter and real Dovecot."""

from __future__ import annotations

import pytest
from tests.golden.cases import Case
from tests.golden.in_force import InForce

from gatepost.verdict import HEADER
from gatepost_cli.demo.mail import Dialogue, Reply, compose, empty, stored, talk


@pytest.fixture(scope="module")
def dialogue(case: Case, in_force: InForce) -> Dialogue:
    """Send the message, and wait until all of it is delivered."""
    host = in_force.host
    empty(host)
    answers = talk(host, case.sender, case.to, compose(case.header_from, case.name), case.client)
    if answers.end is not None and answers.end.is_ok:
        host.postfix.wait_until_queue_is_empty()
    return answers


def test_rcpt(case: Case, dialogue: Dialogue) -> None:
    said = tuple(map(_rcpt_word, dialogue.rcpt))
    wanted = zip(case.rcpt, case.postfix_rcpt, strict=True)
    assert said == tuple(postfix or ("reject" if rcpt == "reject" else "ok") for rcpt, postfix in wanted)


def test_end_of_message(case: Case, dialogue: Dialogue) -> None:
    said = "-" if dialogue.end is None else "accept" if dialogue.end.is_ok else "reject"
    assert said == case.eom, dialogue.end


def test_mailboxes(case: Case, dialogue: Dialogue, in_force: InForce) -> None:
    assert dialogue.mail.is_ok, dialogue.mail
    assert _where(in_force) == dict(case.mailbox)


def test_headers(case: Case, dialogue: Dialogue, in_force: InForce) -> None:
    assert dialogue.mail.is_ok, dialogue.mail
    users = in_force.host.plan.mailboxes
    found = [
        v for user in users for one in stored(in_force.host, user) for v in one.message.get_all(HEADER, [])
    ]
    assert sorted(set(map(in_force.told, found))) == sorted(case.headers)


def _where(in_force: InForce) -> dict[str, str]:
    found = {user: stored(in_force.host, user) for user in in_force.host.plan.mailboxes}
    return {user: " and ".join({m.folder for m in messages}) for user, messages in found.items() if messages}


def _rcpt_word(reply: Reply) -> str:
    """Name what Postfix said by the words of the table."""
    if reply.is_ok:
        return "ok"
    if "User unknown" in reply.text:
        return "unknown"
    if "Relay access denied" in reply.text:
        return "relay-denied"
    return "reject" if "mail policy" in reply.text else str(reply)
