"""What doctor says about Postfix's configuration."""

from __future__ import annotations

import pytest

from gatepost.config import Config
from gatepost_cli.doctor.postfix import Postfix, judge_postfix

POLICYD = "unix:/var/spool/postfix/gatepost/policyd.sock"
RIGHT = {
    "smtpd_recipient_restrictions": f"reject_unlisted_recipient, check_policy_service {{ {POLICYD}, default_action=DUNNO }}",
    "smtpd_relay_restrictions": "permit_mynetworks, reject_unauth_destination",
    "smtpd_milters": "{ unix:gatepost/milter.sock, default_action=accept }",
    "milter_default_action": "tempfail",
    "mynetworks": "127.0.0.0/8 [::1]/128",
    "header_checks": "pcre:/etc/postfix/gatepost.pcre",
    "smtp_header_checks": "pcre:/etc/postfix/gatepost.pcre",
    "recipient_delimiter": "+",
    "queue_directory": "/var/spool/postfix",
}
STRIPS = {"header_checks": True, "smtp_header_checks": True}


def found(strips: dict[str, bool] | None = None, **changed: str) -> list[tuple[str, str]]:
    postfix = Postfix(RIGHT | changed, STRIPS | (strips or {}))
    return [(finding.level.value, finding.what) for finding in judge_postfix(postfix, Config())]


def test_a_right_configuration_has_no_findings() -> None:
    assert found() == []


@pytest.mark.parametrize("name", [POLICYD, "unix:gatepost/policyd.sock", "unix:/gatepost/policyd.sock"])
def test_a_socket_may_be_named_as_seen_from_the_queue_or_a_chroot(name: str) -> None:
    text = f"reject_unauth_destination check_policy_service {{{name}, default_action=DUNNO}}"
    assert found(smtpd_recipient_restrictions=text) == []


@pytest.mark.parametrize(
    ("parameter", "value", "finding"),
    [
        ("smtpd_recipient_restrictions", "", ("error", "Postfix does not ask policyd")),
        (
            "smtpd_recipient_restrictions",
            f"check_policy_service {POLICYD}",
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
    ],
)
def test_each_mistake_has_its_finding(parameter: str, value: str, finding: tuple[str, str]) -> None:
    assert found(None, **{parameter: value}) == [finding]


def test_no_relay_restrictions_are_refused() -> None:
    assert ("error", "smtpd_relay_restrictions is empty") in found(smtpd_relay_restrictions="")


def test_a_forged_verdict_has_to_be_removed() -> None:
    assert found({"header_checks": False}) == [("error", "header_checks does not remove X-Gatepost-Verdict")]
    assert found({"smtp_header_checks": False})[0][0] == "warning"
