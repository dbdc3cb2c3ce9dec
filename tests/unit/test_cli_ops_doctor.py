"""What doctor says about Postfix's configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatepost.config import Config, Milter, Policyd
from gatepost_cli.doctor.daemons import examine
from gatepost_cli.doctor.finding import Finding
from gatepost_cli.doctor.postfix import Postfix, is_chrooted, judge_postfix

POLICYD = "unix:/var/spool/postfix/gatepost/policyd.sock"
RIGHT = {
    "smtpd_recipient_restrictions": f"reject_non_fqdn_recipient, reject_unlisted_recipient, check_policy_service {{ {POLICYD}, default_action=DUNNO }}",
    "smtpd_relay_restrictions": "permit_mynetworks, reject_unauth_destination",
    "smtpd_milters": "{ unix:gatepost/milter.sock, default_action=accept }",
    "milter_default_action": "tempfail",
    "mynetworks": "127.0.0.0/8 [::1]/128",
    "header_checks": "regexp:/etc/postfix/verdict_header_checks",
    "smtp_header_checks": "regexp:/etc/postfix/verdict_header_checks",
    "recipient_delimiter": "+",
    "queue_directory": "/var/spool/postfix",
    "compatibility_level": "3.6",
    "canonical_maps": "",
    "recipient_canonical_maps": "",
}
STRIPS = {"header_checks": True, "smtp_header_checks": True}


def judged(
    strips: dict[str, bool] | None = None,
    *,
    chrooted: bool = False,
    config: Config | None = None,
    **changed: str,
) -> list[Finding]:
    postfix = Postfix(RIGHT | changed, STRIPS | (strips or {}), chrooted)
    return list(judge_postfix(postfix, config or Config()))


def found(strips: dict[str, bool] | None = None, **changed: str) -> list[tuple[str, str]]:
    return [
        (finding.level.value, finding.what)
        for finding in judged(strips, chrooted=False, config=None, **changed)
    ]


def asking(name: str) -> str:
    return f"reject_unauth_destination reject_non_fqdn_recipient check_policy_service {{{name}, default_action=DUNNO}}"


def test_a_right_configuration_has_no_findings() -> None:
    assert found() == []


@pytest.mark.parametrize(
    ("name", "chrooted"),
    [
        (POLICYD, False),
        ("unix:gatepost/policyd.sock", False),
        ("unix:gatepost/policyd.sock", True),
        ("unix:/gatepost/policyd.sock", True),
    ],
)
def test_a_socket_may_be_named_as_smtpd_sees_it(name: str, *, chrooted: bool) -> None:
    assert judged(chrooted=chrooted, smtpd_recipient_restrictions=asking(name)) == []


def test_an_absolute_path_leads_nowhere_in_a_chroot() -> None:
    (wrong,) = judged(chrooted=True)
    assert wrong.level == "error"
    assert wrong.what.startswith("Postfix's smtpd runs in a chroot, /var/spool/postfix, and finds nothing at")
    assert wrong.mend == "write unix:gatepost/policyd.sock instead"


def test_the_path_inside_a_chroot_leads_nowhere_without_one() -> None:
    (wrong,) = judged(smtpd_milters="{ unix:/gatepost/milter.sock, default_action=accept }")
    assert (
        wrong.what
        == "Postfix's smtpd does not run in a chroot and finds nothing at unix:/gatepost/milter.sock"
    )


def test_a_socket_outside_of_the_chroot_has_to_move() -> None:
    config = Config(policyd=Policyd(listen=["unix:/run/policyd"]))
    name = asking("unix:/run/policyd")
    (wrong,) = judged(chrooted=True, config=config, smtpd_recipient_restrictions=name)
    assert wrong.mend == "set policyd.listen to a socket below /var/spool/postfix, and name that one"


def test_the_advice_is_relative_to_the_queue_directory() -> None:
    policy, milter = judged(chrooted=True, smtpd_recipient_restrictions="", smtpd_milters="")
    assert "{ unix:gatepost/policyd.sock, default_action=DUNNO }" in policy.mend
    assert "{ unix:gatepost/milter.sock, default_action=accept }" in milter.mend


@pytest.mark.parametrize(
    ("column", "level", "chrooted"),
    [("y", "3.6", True), ("n", "0", False), ("-", "3.6", False), ("-", "0", True)],
)
def test_who_is_in_a_chroot(column: str, level: str, *, chrooted: bool) -> None:
    columns = {"smtp/inet/chroot": column, "smtp/inet/command": "smtpd -o x=y"}
    others = {"inet2/inet/chroot": "y", "inet2/inet/command": "qmqpd"}
    assert is_chrooted(columns | others, level) is chrooted


def test_what_several_sockets_lack_is_said_once(tmp_path: Path) -> None:
    (tmp_path / "shut").mkdir(mode=0o700)
    sockets = [f"unix:{tmp_path}/shut/policyd", f"unix:{tmp_path}/shut/relay"]
    config = Config(
        policyd=Policyd(listen=sockets[:1], relay_listen=sockets[1:], idle_timeout_seconds=5),
        milter=Milter(listen=f"unix:{tmp_path}/none/milter"),
    )
    said = [(finding.what, finding.mend) for finding in examine(config)]
    mend = f"install -d -o gatepost -g postfix -m 2750 {tmp_path}/none"
    assert said.count((f"there is no folder {tmp_path}/none", mend)) == 1
    assert sum("Postfix's user may not use" in what for what, _ in said) == 1
    assert said[-1][0] == "policyd.idle_timeout_seconds is 5, less than 310"


@pytest.mark.parametrize(
    ("parameter", "value", "finding"),
    [
        ("smtpd_recipient_restrictions", "", ("error", "Postfix does not ask policyd")),
        (
            "smtpd_recipient_restrictions",
            f"reject_non_fqdn_recipient check_policy_service {POLICYD}",
            ("warning", "the policy service has no default_action of its own"),
        ),
        (
            "smtpd_relay_restrictions",
            "permit_mynetworks",
            ("error", "policyd is asked before reject_unauth_destination"),
        ),
        ("smtpd_milters", "inet:127.0.0.1:8891", ("error", "Postfix does not use Gatepost's milter")),
        (
            "smtpd_milters",
            "unix:gatepost/milter.sock",
            ("warning", "Gatepost's milter has no default_action of its own"),
        ),
        ("mynetworks", "127.0.0.0/8", ("error", "Postfix's mynetworks and site.mynetworks differ")),
        (
            "mynetworks",
            "127.0.0.0/8, cidr:/etc/postfix/networks",
            ("warning", "Postfix's mynetworks has more in it than networks, so it was not compared"),
        ),
        ("recipient_delimiter", "", ("warning", "recipient_delimiter is not +")),
        (
            "recipient_canonical_maps",
            "hash:/etc/postfix/canonical",
            ("warning", "Postfix rewrites recipients by recipient_canonical_maps"),
        ),
        (
            "smtpd_recipient_restrictions",
            f"check_policy_service {{{POLICYD}, default_action=DUNNO}}",
            ("warning", "recipients without a domain come as far as policyd"),
        ),
    ],
)
def test_each_mistake_has_its_finding(parameter: str, value: str, finding: tuple[str, str]) -> None:
    assert found(None, **{parameter: value}) == [finding]


def test_no_relay_restrictions_are_refused() -> None:
    assert ("error", "smtpd_relay_restrictions is empty") in found(smtpd_relay_restrictions="")


def test_a_forged_verdict_has_to_be_removed() -> None:
    assert found({"header_checks": False}) == [("error", "header_checks does not remove X-Gatepost-Verdict")]
    assert found({"smtp_header_checks": False})[0][0] == "warning"
