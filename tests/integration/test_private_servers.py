"""What Postfix and Dovecot do when they are configured as Gatepost renders it: real servers."""

from __future__ import annotations

import os
import signal
import socket
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from tests.integration.mail_host import HOSTILE, VERDICT, MailHost, postfix_wanted

from gatepost.address import quote_local
from gatepost.errors import UnavailableError
from gatepost_dovecot_conf.model import User
from gatepost_postfix_conf.private import PrivatePostfix

ANN, BOB = "ann@example.com", "bob@example.com"


def test_mail_arrives_in_the_inbox(host: MailHost) -> None:
    host.send("Subject: hello\n\nhi", ANN)
    assert [message["Subject"] for message in host.read(ANN)] == ["hello"]


def test_an_alias_leads_to_both_mailboxes(host: MailHost) -> None:
    host.send("Subject: hello\n\nhi", "sales@example.com")
    assert len(host.read(ANN)) == len(host.read(BOB)) == 1


def test_each_recipient_sees_only_its_own_verdict(host: MailHost) -> None:
    lines = (f"{BOB}; allow; rule=2; proof=spf", f"{ANN}; block; rule=17; proof=none")
    host.deliver("".join(f"{VERDICT}: {line}\n" for line in lines) + "\nhi", ANN, BOB)
    assert [message.get_all(VERDICT) for message in host.read(ANN, "Junk")] == [[lines[1]]]
    assert [message.get_all(VERDICT) for message in host.read(BOB)] == [[lines[0]]]
    assert host.read(ANN) == host.read(BOB, "Junk") == ()


def test_another_mailboxs_verdict_is_removed(host: MailHost) -> None:
    host.deliver(f"{VERDICT}: {BOB}; block; rule=1; proof=none\n\nhi", ANN)
    assert [message.get_all(VERDICT) for message in host.read(ANN)] == [None]


def test_the_verdict_finds_its_mailbox_in_any_case_and_with_detail(host: MailHost) -> None:
    host.deliver(f"{VERDICT}: {ANN}; block; rule=1; proof=none\n\nhi", "Ann+Shop@EXAMPLE.com")
    assert len(host.read(ANN, "Junk")) == 1


@pytest.mark.parametrize("detail", ["*", "?", '"', "\\", "; block", "*@example.com; block; rule=1"])
def test_a_detail_cannot_borrow_anothers_verdict(host: MailHost, detail: str) -> None:
    local = quote_local(f"ann+{detail}")
    host.deliver(f"{VERDICT}: {BOB}; block; rule=1; proof=none\n\nhi", f"{local}@example.com")
    assert [message.get_all(VERDICT) for message in host.read(ANN)] == [None]


@pytest.mark.parametrize("mailbox", HOSTILE)
def test_a_hostile_mailbox_gets_its_own_verdict_only(host: MailHost, mailbox: str) -> None:
    local, _, domain = mailbox.rpartition("@")
    own = f"{quote_local(local)}@{domain}; block; rule=2; proof=none"
    text = f"{VERDICT}: {ANN}; allow; rule=1; proof=none\n{VERDICT}: {own}\n\nhi"
    host.deliver(text, f"{quote_local(local)}@{domain}")
    assert [message.get_all(VERDICT) for message in host.read(mailbox, "Junk")] == [[own]]


@pytest.mark.parametrize("mailbox", HOSTILE)
def test_a_hostile_mailbox_is_known_to_postfix(host: MailHost, mailbox: str) -> None:
    local, _, domain = mailbox.rpartition("@")
    host.send("Subject: hello\n\nhi", f"{quote_local(local)}@{domain}")
    assert len(host.read(mailbox)) == 1


def test_the_users_script_runs_unless_the_verdict_is_block(host: MailHost) -> None:
    home = host.dovecot.home(User(ANN, ""))
    home.mkdir(parents=True)
    script = home / ".dovecot.sieve"
    script.write_text('require ["fileinto", "mailbox"]; fileinto :create "Mine";')
    for path in (home.parent, home, script):
        os.chown(path, host.dovecot.model.mail_uid, host.dovecot.model.mail_gid)
    host.deliver(f"{VERDICT}: {ANN}; block; rule=1; proof=none\n\nhi", ANN)
    host.deliver(f"{VERDICT}: {ANN}; allow; rule=2; proof=spf\n\nhi", ANN)
    assert [len(host.read(ANN, name)) for name in ("Junk", "Mine", "INBOX")] == [1, 1, 0]


def test_a_forged_verdict_is_dropped_and_an_attached_message_is_left_alone(host: MailHost) -> None:
    forged = f"{VERDICT}: {ANN}; allow; rule=1; proof=dkim\n"
    host.send(f"{forged}MIME-Version: 1.0\nContent-Type: message/rfc822\n\n{forged}Subject: inner\n\nhi", ANN)
    (message,) = host.read(ANN)
    assert message[VERDICT] is None
    assert message.get_content()[VERDICT] == f"{ANN}; allow; rule=1; proof=dkim"


def test_an_unknown_recipient_is_refused(host: MailHost) -> None:
    with host.smtp() as client:
        client.ehlo()
        client.mail("joe@x.example")
        assert client.rcpt("nobody@example.com")[0] == 550


def test_a_stranger_cannot_relay(host: MailHost) -> None:
    with host.smtp() as client:
        client.ehlo()
        client.mail("joe@x.example")
        code, _ = client.rcpt("someone@elsewhere.example")
    assert code == 450, "the relay service is down, so the refusal is not yet final"


def test_our_own_client_may_relay_but_nothing_leaves_the_private_instance(host: MailHost) -> None:
    with host.smtp("127.0.0.1") as client:
        client.sendmail(ANN, "someone@elsewhere.example", "Subject: out\r\n\r\nhi")
    host.postfix.wait_until_queue_is_empty()
    host.postfix.wait_for_log("relay=none, delay=0")
    assert "to=<someone@elsewhere.example>, relay=none" in host.postfix.log


def test_a_chrooted_smtpd_reaches_a_socket_in_gatepost_dir(host: MailHost) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        path = host.postfix.gatepost_dir / "policyd.sock"
        listener.bind(str(path))
        path.chmod(0o660)
        listener.listen()
        threading.Thread(target=answer_once, args=(listener,), daemon=True).start()
        with host.smtp() as client:
            client.ehlo()
            client.mail("joe@x.example")
            assert client.rcpt(ANN) == (550, b"5.7.1 <ann@example.com>: Recipient address rejected: no")
        path.unlink()


def answer_once(listener: socket.socket) -> None:
    """Refuse one recipient, as a policy service (SMTPD_POLICY_README)."""
    connection = listener.accept()[0]
    with connection, connection.makefile("rwb") as stream:
        attributes = dict(line.rstrip(b"\n").partition(b"=")[::2] for line in iter(stream.readline, b"\n"))
        assert attributes[b"policy_context"] == b"inbound"
        stream.write(b"action=550 5.7.1 no\n\n")


def test_new_tables_are_in_force_without_a_reload(host: MailHost) -> None:
    before = host.postfix.model
    host.postfix.update_tables(replace(before, aliases=(("new@example.com", (BOB,)),)))
    host.send("Subject: hello\n\nhi", "new@example.com")
    host.postfix.update_tables(before)
    assert len(host.read(BOB)) == 1


def test_stop_leaves_no_process_and_start_ends_a_forgotten_run(
    server_folder: Path, prefix: tuple[str, ...]
) -> None:
    with MailHost.start(server_folder / "twice", prefix) as first:
        forgotten = first.processes()
        with MailHost.start(server_folder / "twice", prefix) as second:
            assert forgotten.isdisjoint(second.processes())
            assert len(second.processes()) > 4
        assert not first.processes()


def test_start_ends_what_a_killed_master_left(server_folder: Path, prefix: tuple[str, ...]) -> None:
    with MailHost.start(server_folder / "killed", prefix) as first:
        for pid_file in ("dovecot/run/master.pid", "postfix/spool/pid/master.pid"):
            os.kill(int((server_folder / "killed" / pid_file).read_text()), signal.SIGKILL)
        first.dovecot.start()
        first.postfix.start()
        first.send("Subject: hello\n\nhi", ANN)
        assert len(first.read(ANN)) == 1


def test_a_port_that_is_taken_is_refused(
    host: MailHost, server_folder: Path, prefix: tuple[str, ...]
) -> None:
    second = PrivatePostfix(server_folder / "taken", host.postfix.model, prefix)
    with pytest.raises(UnavailableError, match="Address already in use"):
        second.start()


def test_a_folder_that_the_servers_cannot_enter_is_refused(server_folder: Path) -> None:
    closed = server_folder / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(UnavailableError, match="cannot enter"):
        PrivatePostfix(closed / "postfix", postfix_wanted("unix:/nowhere")).start()
