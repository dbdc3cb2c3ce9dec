"""What Postfix is told, as text: no server is started."""

from dataclasses import replace

import pytest

from gatepost.errors import DataError
from gatepost_postfix_conf.main_cf import main_settings
from gatepost_postfix_conf.model import Listener, Milter, PostfixModel, Setting, Table
from gatepost_postfix_conf.render import main_cf, master_cf
from gatepost_postfix_conf.tables import lookup_tables, table_text

MODEL = PostfixModel(
    hostname="mail.example.com",
    listeners=(Listener(2525), Listener(2526, "::1")),
    domains=("münchen.example", "EXAMPLE.com"),
    mailboxes=("Ann@example.com", "sp ace@example.com"),
    aliases=(("@example.net", ("ann@example.com", '"sp ace"@example.com')),),
    lmtp="unix:private/dovecot-lmtp",
)


def setting(name: str, model: PostfixModel = MODEL) -> str:
    """Give the one value of a main.cf parameter."""
    (value,) = [setting.value for setting in main_settings(model) if setting.name == name]
    return value


def test_the_first_line_names_the_generator_and_the_command() -> None:
    for text in (main_cf(MODEL), master_cf(MODEL)):
        assert text.splitlines()[0] == "# Written by Gatepost; change it with: gatepost postfix apply"


def test_every_setting_has_a_reason_and_stands_once() -> None:
    settings = main_settings(MODEL)
    assert all(setting.reason for setting in settings)
    assert len({setting.name for setting in settings}) == len(settings)


def test_the_relay_service_is_asked_only_about_what_would_be_refused() -> None:
    steps = [line.split()[0] for line in setting("smtpd_relay_restrictions").splitlines()[1:]]
    assert steps[2:] == ["permit_auth_destination", "check_policy_service", "reject_unauth_destination"]


def test_gatepost_is_asked_about_recipients_that_exist() -> None:
    steps = [line.split()[0] for line in setting("smtpd_recipient_restrictions").splitlines()[1:]]
    checks = ["reject_non_fqdn_recipient", "reject_unlisted_recipient", "check_policy_service"]
    assert steps[2:] == checks


@pytest.mark.parametrize(
    ("restrictions", "action", "context"),
    [
        ("smtpd_relay_restrictions", "DEFER_IF_REJECT", "relay"),
        ("smtpd_recipient_restrictions", "DUNNO", "inbound"),
    ],
)
def test_each_policy_service_has_its_own_default(restrictions: str, action: str, context: str) -> None:
    assert f"default_action={action}, policy_context={context} }}" in setting(restrictions)


def test_the_milter_has_its_own_default() -> None:
    milter = replace(MODEL, milter=Milter("unix:m", "tempfail", 5, 7))
    wanted = "{ unix:m, command_timeout=5s, content_timeout=7s, default_action=tempfail }"
    assert setting("smtpd_milters", milter) == wanted


def test_switched_off_gatepost_is_not_asked() -> None:
    text = main_cf(replace(MODEL, policy=None, relay_policy=None, milter=None))
    assert "check_policy_service" not in text
    assert "\nsmtpd_milters =\n" in text


def test_the_verdict_is_dropped_on_the_way_in_and_out_but_not_to_lmtp() -> None:
    assert setting("header_checks") == setting("smtp_header_checks") != ""
    assert setting("nested_header_checks") == setting("mime_header_checks") == ""
    assert "lmtp_header_checks" not in main_cf(MODEL)


def test_a_later_setting_replaces_an_earlier_one() -> None:
    text = main_cf(MODEL, [Setting("relayhost", "[127.0.0.1]:25", "test")])
    assert [line for line in text.splitlines() if line.startswith("relayhost")] == [
        "relayhost = [127.0.0.1]:25"
    ]


def test_a_value_cannot_bring_a_setting_of_its_own() -> None:
    with pytest.raises(DataError, match="relayhost"):
        main_cf(replace(MODEL, relayhost="x\nmynetworks = 0.0.0.0/0"))


def test_smtpd_listens_on_every_listener_inside_the_chroot() -> None:
    lines = [line.split() for line in master_cf(MODEL).splitlines() if line.endswith("smtpd")]
    assert [(line[0], line[4]) for line in lines] == [("127.0.0.1:2525", "y"), ("[::1]:2526", "y")]


@pytest.mark.parametrize(
    ("destination", "chroot"), [("unix:private/dovecot-lmtp", "y"), ("unix:/run/dovecot/lmtp", "n")]
)
def test_lmtp_is_chrooted_if_its_socket_is_inside(destination: str, chroot: str) -> None:
    (line,) = [s for s in master_cf(replace(MODEL, lmtp=destination)).splitlines() if s.startswith("lmtp ")]
    assert line.split()[4] == chroot


def test_tables_spell_addresses_as_postfix_looks_them_up() -> None:
    domains, mailboxes, aliases = lookup_tables(MODEL)
    assert [name for name, _ in domains.rows] == ["example.com", "xn--mnchen-3ya.example"]
    assert [name for name, _ in mailboxes.rows] == ['"sp ace"@example.com', "ann@example.com"]
    assert aliases.rows == (("@example.net", 'ann@example.com, "sp ace"@example.com'),)


@pytest.mark.parametrize("key", ["#ann@example.com", "ann@example.com\nbob@example.com"])
def test_a_row_that_postmap_would_misread_is_refused(key: str) -> None:
    with pytest.raises(DataError):
        table_text(Table("mailboxes", ((key, "here"),)), "command")
