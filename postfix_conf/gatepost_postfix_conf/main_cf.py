"""Render a `PostfixModel` as main.cf parameters, each with its reason. Pure.

Entry point: `main_settings`. Source: postconf(5), SMTPD_POLICY_README, MILTER_README.
"""

from __future__ import annotations

from gatepost_postfix_conf.model import Milter, PolicyService, PostfixModel, Setting
from gatepost_postfix_conf.tables import ALIASES, DOMAINS, MAILBOXES, VERDICT_CHECKS

_TABLES = "${config_directory}"


def main_settings(model: PostfixModel) -> tuple[Setting, ...]:
    """Say everything that main.cf has to hold for this model, in the order of the file."""
    return (
        *_identity(model),
        *_recipients(model),
        *_access(model),
        *_milter(model.milter),
        *_verdict_header(),
        *_outgoing(model),
    )


def _identity(model: PostfixModel) -> tuple[Setting, ...]:
    return (
        Setting("compatibility_level", "3.6", "the defaults of Postfix 3.6, on every later version"),
        Setting("myhostname", model.hostname, "the name in greetings and Received: headers"),
        Setting("myorigin", "$myhostname", "what a bare local part is completed with"),
        Setting("mynetworks", " ".join(model.mynetworks), "clients that are ours, not strangers"),
        Setting("inet_protocols", "all", "IPv4 and IPv6"),
        Setting("smtputf8_enable", _yes(model.smtputf8), "only if the LMTP server knows it too"),
        Setting("smtpd_peername_lookup", _yes(model.peername_lookup), "the client's name, for the log"),
        Setting("smtpd_forbid_bare_newline", "normalize", "no smuggling of a second message (3.7: no)"),
        Setting("smtpd_forbid_bare_newline_exclusions", "$mynetworks", "our own programs may be sloppy"),
        Setting("smtpd_forbid_unauth_pipelining", "yes", "who talks before its turn is a robot"),
        Setting(
            "smtpd_authorized_xclient_hosts",
            " ".join(model.xclient_hosts),
            "who may say on whose behalf it speaks",
        ),
    )


def _recipients(model: PostfixModel) -> tuple[Setting, ...]:
    return (
        Setting("mydestination", "", "every mailbox is virtual, none is a Unix account"),
        Setting(
            "local_transport",
            "error:5.1.1 there is no such mailbox",
            "address literals such as ann@[127.0.0.1] count as local",
        ),
        Setting("local_recipient_maps", "", "nothing is delivered by local(8)"),
        Setting("alias_maps", "", "aliases(5) belong to local(8)"),
        Setting("alias_database", "", "aliases(5) belong to local(8)"),
        Setting("recipient_delimiter", "+", "ann+detail@ is ann@, for Postfix, Dovecot and Gatepost"),
        Setting("virtual_mailbox_domains", _table(DOMAINS), "the domains delivered here"),
        Setting("virtual_mailbox_maps", _table(MAILBOXES), "so that unknown recipients are refused"),
        Setting("virtual_alias_maps", _table(ALIASES), "addresses that stand for others"),
        Setting("virtual_transport", f"lmtp:{model.lmtp}", "Dovecot files it, through Sieve"),
    )


def _access(model: PostfixModel) -> tuple[Setting, ...]:
    relay = _policy(model.relay_policy, "relay")
    inbound = _policy(model.policy, "inbound")
    ours = ("permit_mynetworks", "permit_sasl_authenticated")
    relay_list = (*ours, "permit_auth_destination", *relay, "reject_unauth_destination")
    return (
        Setting(
            "smtpd_relay_before_recipient_restrictions",
            "yes",
            "who may relay is settled before Gatepost is asked about the recipient",
        ),
        Setting(
            "smtpd_relay_restrictions",
            _lines(relay_list),
            "no relay for strangers; POP-before-SMTP is asked for relay attempts only, and when it"
            " is down such an attempt is put off, not refused",
        ),
        Setting(
            "smtpd_recipient_restrictions",
            _lines((*ours, "reject_non_fqdn_recipient", "reject_unlisted_recipient", *inbound)),
            "Gatepost sees strangers' mail to recipients that exist, before any blocklist; a bare name, user%domain"
            " and domain!user are refused, as Postfix makes addresses of them only after Gatepost was asked",
        ),
    )


def _policy(service: PolicyService | None, context: str) -> tuple[str, ...]:
    if service is None:
        return ()
    settings = (
        service.socket,
        f"timeout={service.timeout_seconds}s",
        "try_limit=1",
        f"default_action={service.default_action}",
        f"policy_context={context}",
    )
    return ("check_policy_service { " + ", ".join(settings) + " }",)


def _milter(milter: Milter | None) -> tuple[Setting, ...]:
    if milter is None:
        return (Setting("smtpd_milters", "", "Gatepost's milter is switched off"),)
    settings = (
        milter.socket,
        f"command_timeout={milter.command_timeout_seconds}s",
        f"content_timeout={milter.content_timeout_seconds}s",
        f"default_action={milter.default_action}",
    )
    reason = "Gatepost's own default action, so that other milters keep theirs"
    return (Setting("smtpd_milters", "{ " + ", ".join(settings) + " }", reason),)


def _verdict_header() -> tuple[Setting, ...]:
    checks = f"regexp:{_TABLES}/{VERDICT_CHECKS}"
    attached = "an attached message is not ours to alter: its DKIM signature would break"
    return (
        Setting("header_checks", checks, "a verdict that came with the message is forged"),
        Setting("nested_header_checks", "", attached),
        Setting("mime_header_checks", "", attached),
        Setting("smtp_header_checks", checks, "no verdict leaves this host; LMTP keeps it"),
    )


def _outgoing(model: PostfixModel) -> tuple[Setting, ...]:
    return (Setting("relayhost", model.relayhost, "empty: straight to the recipient's MX"),)


def _table(name: str) -> str:
    return f"lmdb:{_TABLES}/{name}"


def _lines(items: tuple[str, ...]) -> str:
    return "".join(f"\n    {item}" for item in items)


def _yes(value: bool) -> str:  # noqa: FBT001 - the one argument of a one-word function
    return "yes" if value else "no"
