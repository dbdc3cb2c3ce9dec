"""status and doctor on a host where daemons run and Postfix is configured."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from tests.integration.agent_host import GATEPOST, AgentHost, wait_until
from tests.integration.postfix_folder import PostfixFolder

from gatepost.config import Aliases, Config
from gatepost_cli.doctor.postfix import examine


@pytest.fixture
def host(tmp_path: Path) -> Iterator[AgentHost]:
    """Settings with sockets of their own."""
    host = AgentHost(tmp_path, f"sqlite:///{tmp_path}/gatepost.db")
    listen_beside(host)
    yield host
    host.close()


def listen_beside(host: AgentHost) -> None:
    """Have the daemons listen in the test's folder."""
    here = host.folder
    with host.config.open("a") as file:
        file.write(f'[policyd]\nworkers = 1\nlisten = ["unix:{here}/policyd"]\n')
        file.write(f'relay_listen = ["unix:{here}/relay"]\n[milter]\nlisten = "unix:{here}/milter"\n')


def run(host: AgentHost, name: str, daemons: ExitStack) -> None:
    """Run a daemon until the stack ends."""
    daemon = subprocess.Popen([GATEPOST, "--config", host.config, name], stderr=subprocess.DEVNULL)
    daemons.callback(daemon.wait)
    daemons.callback(daemon.terminate)


def test_status_is_well_when_all_daemons_answer(host: AgentHost) -> None:
    host.block("x.org")
    with ExitStack() as daemons:
        host.start()
        for name in ("policyd", "milter"):
            run(host, name, daemons)
        wait_until("all is well", lambda: host.run("status").returncode == 0)
        assert host.run("doctor", "--json").stdout.count('"what": "policyd') == 0
    assert host.run("status").returncode == 69


def test_doctor_says_what_to_do_about_a_damaged_snapshot(host: AgentHost) -> None:
    host.block("x.org")
    host.start()
    wait_until("the snapshot has the rule", lambda: host.is_blocked("joe@x.org"))
    host.stop()
    host.damage(lambda file: file.write_bytes(b""))
    told = host.run("doctor")
    assert told.returncode == 78
    assert "is damaged" in told.stdout
    assert "the agent does not run" in told.stdout


@pytest.fixture
def postfix(tmp_path: Path) -> PostfixFolder:
    return PostfixFolder(tmp_path / "postfix")


def rcpt(host: AgentHost, sender: str, recipient: str) -> str:
    """Ask policyd about one recipient."""
    request = f"request=smtpd_access_policy\nprotocol_state=RCPT\nclient_address=192.0.2.7\nsender={sender}\n"
    with closing(socket.socket(socket.AF_UNIX)) as connection:
        connection.connect(f"{host.folder}/policyd")
        connection.sendall(f"{request}recipient={recipient}\n\n".encode())
        return connection.recv(4096).decode()


def test_an_alias_that_cannot_be_listed_is_known_soon_after_its_first_mail(tmp_path: Path) -> None:
    postfix = PostfixFolder(tmp_path / "postfix")
    postfix.configure(postfix.sqlite({"sales@example.com": "ann"}))
    aliases = f'sync_seconds = 60\npostfix_config = "{postfix.folder}"'
    host = AgentHost(tmp_path, f"sqlite:///{tmp_path}/gatepost.db", aliases)
    listen_beside(host)
    host.run("block", "x.org", "--for", "ann@example.com")
    with ExitStack() as daemons:
        daemons.callback(host.close)
        host.start()
        run(host, "policyd", daemons)
        wait_until("policyd knows that it has to ask", host.asks_on_demand)
        wait_until("policyd answers", lambda: host.run("status").stdout.count("/policyd answers"))
        assert "DUNNO" in rcpt(host, "joe@x.org", "Sales@example.com")
        wait_until("it is refused", lambda: "550" in rcpt(host, "joe@x.org", "Sales@example.com"))


def examined(postfix: PostfixFolder) -> list[str]:
    return [finding.what for finding in examine(Config(aliases=Aliases(postfix_config=str(postfix.folder))))]


def test_doctor_reads_postfix_and_its_services(postfix: PostfixFolder) -> None:
    policyd = "{ unix:gatepost/policyd.sock, default_action=DUNNO }"
    checks = postfix.table("pcre", "verdicts", {"/^X-Gatepost-Verdict:/": "IGNORE"})
    postfix.configure(
        mynetworks="127.0.0.0/8, [::1]/128",
        smtpd_milters="{ unix:gatepost/milter.sock, default_action=accept }",
        header_checks=checks,
        smtp_header_checks=checks,
    )
    service = f"smtp inet n - n - - smtpd\n  -o {{ smtpd_recipient_restrictions = reject_non_fqdn_recipient, check_policy_service {policyd} }}\n"
    (postfix.folder / "master.cf").write_text(service)
    assert examined(postfix) == []


def test_doctor_looks_into_restriction_classes_and_the_chroot(postfix: PostfixFolder) -> None:
    policyd = "unix:/var/spool/postfix/gatepost/policyd.sock"
    postfix.configure(
        smtpd_restriction_classes="ours",
        ours=f"reject_unauth_destination, reject_non_fqdn_recipient, check_policy_service {{ {policyd}, default_action=DUNNO }}",
    )
    (postfix.folder / "master.cf").write_text("smtp inet n - y - - smtpd\n")
    assert examined(postfix)[0].endswith(f"finds nothing at {policyd}")


def test_doctor_says_when_there_is_no_postfix(tmp_path: Path) -> None:
    found = list(examine(Config(aliases=Aliases(postfix_config=str(tmp_path)))))
    assert [finding.level.value for finding in found] == ["warning"]
