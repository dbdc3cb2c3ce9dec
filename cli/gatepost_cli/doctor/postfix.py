"""Whether Postfix is told what Gatepost needs; the pure part is `judge_postfix`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from gatepost.config import Config
from gatepost.errors import GatepostError
from gatepost.network import parse_network
from gatepost_agent.postfix_tables import PostfixTables
from gatepost_agent.postfix_values import direct, words
from gatepost_cli.doctor.finding import Finding, error, warning
from gatepost_cli.doctor.sight import Sight

PARAMETERS = (
    "smtpd_recipient_restrictions",
    "smtpd_relay_restrictions",
    "smtpd_milters",
    "milter_default_action",
    "mynetworks",
    "header_checks",
    "smtp_header_checks",
    "recipient_delimiter",
    "queue_directory",
    "smtpd_restriction_classes",
    "compatibility_level",
    "canonical_maps",
    "recipient_canonical_maps",
)
_SAMPLE = "X-Gatepost-Verdict: ann@example.com; block; rule=1; proof=none"
_REMOVES = re.compile(r"IGNORE|STRIP|REPLACE|REJECT|DISCARD", re.IGNORECASE)
_SERVICE = re.compile(r"check_policy_service\s+(\{[^{}]*\}|\S+)")


@dataclass(frozen=True, slots=True)
class Postfix:
    """What Postfix's configuration says."""

    values: dict[str, str]
    """parameters, with the values of single services joined to them"""
    strips: dict[str, bool]
    """by header_checks and smtp_header_checks: whether a verdict's header is removed"""
    chrooted: bool
    """whether any smtpd is"""

    @property
    def sight(self) -> Sight:
        """How smtpd sees sockets."""
        return Sight(self.values["queue_directory"], self.chrooted)


def examine(config: Config) -> Iterator[Finding]:
    """Read Postfix's configuration and check it."""
    tables = PostfixTables(config.aliases.postfix_config)
    try:
        values = tables.parameters(*PARAMETERS)
        classes = tables.parameters(*names) if (names := words(values["smtpd_restriction_classes"])) else {}
        joined = _with_services(_with_classes(values, classes), tables.of_services())
        columns = tables.columns("*/inet/chroot", "*/inet/command")
        found = Postfix(joined, _strips(tables, values), is_chrooted(columns, values["compatibility_level"]))
    except GatepostError as wrong:
        why = "whether Postfix asks Gatepost cannot be told"
        yield warning(
            f"Postfix's configuration cannot be read: {wrong.message}", why, wrong.hint or "postconf -n"
        )
        return
    yield from judge_postfix(found, config)


def judge_postfix(postfix: Postfix, config: Config) -> Iterator[Finding]:
    """List what is wrong with Postfix's configuration."""
    yield from _policy(postfix.values, postfix.sight, config)
    yield from _relay(postfix.values)
    yield from _milter(postfix.values, postfix.sight, config)
    yield from _networks(postfix.values, config)
    yield from _headers(postfix.strips)
    yield from _rewriting(postfix.values)
    if postfix.values["recipient_delimiter"] != "+":
        why = "Gatepost takes ann+x@ for the mailbox ann@, Postfix does not"
        yield warning("recipient_delimiter is not +", why, "postconf -e recipient_delimiter=+")


def is_chrooted(columns: dict[str, str], compatibility_level: str) -> bool:
    """Whether an smtpd of master.cf runs in a chroot; `-` means y before compatibility level 1 (master(5))."""
    yes = {"y", "-"} if compatibility_level.startswith("0") else {"y"}
    commands = {
        name.rpartition("/")[0]: value for name, value in columns.items() if name.endswith("/command")
    }
    return any(
        columns.get(f"{service}/chroot") in yes
        for service, command in commands.items()
        if command.split()[:1] == ["smtpd"]
    )


def _with_classes(values: dict[str, str], classes: dict[str, str]) -> dict[str, str]:
    """Add the restriction classes, which may be named in a list or in any access table."""
    restrictions = " ".join((values["smtpd_recipient_restrictions"], *classes.values()))
    return values | {"smtpd_recipient_restrictions": restrictions}


def _with_services(values: dict[str, str], of_services: dict[str, str]) -> dict[str, str]:
    """Add what master.cf says for single services."""
    joined = dict(values)
    for name, value in of_services.items():
        parameter = name.rpartition("/")[2]
        if parameter in {"smtpd_recipient_restrictions", "smtpd_milters"}:
            joined[parameter] = f"{joined[parameter]} {value}"
    return joined


def _strips(tables: PostfixTables, values: dict[str, str]) -> dict[str, bool]:
    found = {}
    for name in ("header_checks", "smtp_header_checks"):
        answers = (tables.ask(direct(table), [_SAMPLE]).get(_SAMPLE, "") for table in words(values[name]))
        found[name] = any(_REMOVES.match(answer) for answer in answers)
    return found


def _policy(values: dict[str, str], sight: Sight, config: Config) -> Iterator[Finding]:
    text, ours = values["smtpd_recipient_restrictions"], config.policyd.listen
    services = [s for s in _SERVICE.findall(text) if sight.means(_socket(s), ours)]
    wanted = f"check_policy_service {{ {sight.name(ours[0])}, default_action=DUNNO }}" if ours else ""
    if not services:
        why = "nothing is refused at RCPT; only the milter judges"
        mend = f"write into smtpd_recipient_restrictions, last: {wanted}"
        yield error("Postfix does not ask policyd", why, mend)
        return
    yield from _lost(services, ours, sight, "policyd.listen")
    if "default_action" not in services[0]:
        why = "while policyd is down, Postfix refuses all mail for a time"
        yield warning("the policy service has no default_action of its own", why, f"write: {wanted}")
    before = text[: text.index(services[0])]
    if "reject_non_fqdn_recipient" not in before:
        why = (
            "Postfix makes addresses of ann, ann%example.com and example.com!ann only after policyd was asked"
        )
        mend = "write reject_non_fqdn_recipient before check_policy_service"
        yield warning("recipients without a domain come as far as policyd", why, mend)
    if not _REFUSES_RELAY.search(before) and not _REFUSES_RELAY.search(values["smtpd_relay_restrictions"]):
        why = "an allow would go before the check that mail is for this host"
        mend = "write reject_unauth_destination before check_policy_service"
        yield error("policyd is asked before reject_unauth_destination", why, mend)


_REFUSES_RELAY = re.compile(r"(reject|defer)_unauth_destination")


def _relay(values: dict[str, str]) -> Iterator[Finding]:
    if not values["smtpd_relay_restrictions"].strip():
        why = "Postfix relies on smtpd_recipient_restrictions alone to refuse mail for elsewhere: one slip is an open relay"
        mend = "postconf -e 'smtpd_relay_restrictions=permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination'"
        yield error("smtpd_relay_restrictions is empty", why, mend)


def _milter(values: dict[str, str], sight: Sight, config: Config) -> Iterator[Finding]:
    listen = [config.milter.listen]
    ours = [w for w in words(values["smtpd_milters"]) if sight.means(_socket(w), listen)]
    wanted = f"{{ {sight.name(config.milter.listen)}, default_action=accept }}"
    if not ours:
        why = "the header From is not judged, and mail is not filed into Junk"
        yield error("Postfix does not use Gatepost's milter", why, f"add to smtpd_milters: {wanted}")
        return
    yield from _lost(ours, listen, sight, "milter.listen")
    if "default_action" not in ours[0]:
        action = values["milter_default_action"]
        why = f"while the milter is down, the global milter_default_action={action} holds, for other milters too"
        yield warning("Gatepost's milter has no default_action of its own", why, f"write: {wanted}")


def _rewriting(values: dict[str, str]) -> Iterator[Finding]:
    for name in ("canonical_maps", "recipient_canonical_maps"):
        if values[name].strip():
            why = "Gatepost does not follow it: a mailbox's rules do not hold for the addresses that lead to it there"
            mend = "move what is in it for own mailboxes to virtual_alias_maps"
            yield warning(f"Postfix rewrites recipients by {name}", why, mend)


def _networks(values: dict[str, str], config: Config) -> Iterator[Finding]:
    mend = "write into gatepost.toml, [site] mynetworks, what postconf -x mynetworks says"
    why = "a client that only one of them trusts is judged, or is not, against what is expected"
    try:
        theirs = {
            parse_network(word.replace("[", "").replace("]", "")) for word in words(values["mynetworks"])
        }
    except ValueError:
        yield warning("Postfix's mynetworks has more in it than networks, so it was not compared", why, mend)
        return
    if theirs != set(map(parse_network, config.site.mynetworks)):
        yield error("Postfix's mynetworks and site.mynetworks differ", why, mend)


def _headers(strips: dict[str, bool]) -> Iterator[Finding]:
    line = "/^X-Gatepost-Verdict:/ IGNORE"
    if not strips["header_checks"]:
        why = "while the milter is down, a sender can forge its verdict"
        yield error("header_checks does not remove X-Gatepost-Verdict", why, f"a regexp: table with {line}")
    if not strips["smtp_header_checks"]:
        why = "verdicts leave this host, and tell others of your users' rules"
        yield warning(
            "smtp_header_checks does not remove X-Gatepost-Verdict", why, f"a regexp: table with {line}"
        )


def _lost(services: list[str], ours: list[str], sight: Sight, setting: str) -> Iterator[Finding]:
    """Find fault with names that look like one of our sockets and lead smtpd elsewhere."""
    for name in dict.fromkeys(map(_socket, services)):
        if sight.finds(name, ours):
            continue
        meant = next(socket for socket in ours if sight.means(name, [socket]))
        place = (
            f"runs in a chroot, {sight.queue_directory}," if sight.chrooted else "does not run in a chroot"
        )
        mend = f"write {sight.name(meant)} instead"
        if not sight.reaches(meant):
            mend = f"set {setting} to a socket below {sight.queue_directory}, and name that one"
        why = "Postfix takes the default action every time, as if nothing listened"
        yield error(f"Postfix's smtpd {place} and finds nothing at {name}", why, mend)


def _socket(service: str) -> str:
    """Take the socket out of a service in Postfix's words, which may have options in braces."""
    return next(iter(words(service.strip("{}"))), "")
