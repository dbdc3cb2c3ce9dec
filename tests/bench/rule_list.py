"""Lists of rules of any length, and requests whose answers are known.

Entry points: `write_rules`, `write_requests`.  Rule number i is a function of i alone, so ten
million rules are written without being held.  Every pattern occurs once in the whole list, which
makes the right answer to a request a matter of construction and not of a second judge.

Of 40 rules in a row 20 belong to one mailbox, 12 to a domain and 8 to the site.  25 mailboxes make
a domain.  Half of the rules block, half allow; allows say proof=none, so that no answer depends on
DNS.
"""

import csv
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

GROUP = 40
MAILBOX_RULES = 20
DOMAIN_RULES = 12
MAILBOXES_PER_DOMAIN = 25
HIT_SHARE = 0.5
SEED = 25

# The kinds of pattern of the 40 rules of a group: mailbox, then domain, then site.
KINDS = (
    *["address"] * 12, *["domain"] * 4, *["parent"] * 2, "ip", "network",
    *["address"] * 4, *["domain"] * 4, *["parent"] * 2, "ip", "network",
    *["address"] * 2, "domain", "parent", "local", "ip", "network", "network6",
)  # fmt: skip
NETWORK_LENGTHS = (24, 24, 23, 22)
FIRST_NAMES = ("ann", "bob", "carl", "dora", "emil", "frieda", "gustav", "hanna", "ivo", "jutta")
WORDS = ("alder", "birch", "cedar", "dogwood", "elm", "fir", "ginkgo", "hazel", "juniper", "larch")
TOP_DOMAINS = ("example", "shop.example", "news.example", "mail.example", "co.example")


@dataclass(frozen=True, slots=True)
class Rule:
    """A line of the import file."""

    action: str
    pattern: str
    scope: str
    proof: str


@dataclass(frozen=True, slots=True)
class Request:
    """What varies in a policy request, and the first word of the right answer."""

    client_address: str
    sender: str
    recipient: str
    answer: str


def mailbox(number: int) -> str:
    """The address of a mailbox."""
    return f"box{number:06d}@{local_domain(number // MAILBOXES_PER_DOMAIN)}"


def local_domain(number: int) -> str:
    """The name of a domain that has mailboxes."""
    return f"d{number:05d}.example.org"


def mailbox_count(rules: int) -> int:
    """How many mailboxes a list of so many rules speaks of."""
    return -(-rules // GROUP)


def rule(index: int) -> Rule:
    """Rule number `index`, counted from 0."""
    group = index // GROUP
    action = "block" if (index + group) % 2 else "allow"
    scopes = (mailbox(group), local_domain(group // MAILBOXES_PER_DOMAIN), "site")
    return Rule(action, _pattern(index), scopes[_width(index)], "none" if action == "allow" else "")


def requests(rules: int, count: int, hit_share: float = HIT_SHARE) -> Iterator[Request]:
    """Requests, a share of which hit one rule and the others none; always the same ones."""
    chance = random.Random(SEED)  # noqa: S311  # figures that can be repeated, no secrets
    for _ in range(count):
        miss = _miss(chance, mailbox(chance.randrange(mailbox_count(rules))))
        hit = chance.random() < hit_share
        yield _hit(chance.randrange(rules), miss) if hit else miss


def request_for(index: int) -> Request:
    """A request that only rule number `index` decides."""
    return _hit(index, Request("198.18.0.1", "ann@stranger.example.net", mailbox(0), "DUNNO"))


def write_rules(file: Path, rules: int) -> None:
    """Write the import file, `action,pattern,scope,proof`, row by row."""
    with file.open("w", encoding="ascii", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("action", "pattern", "scope", "proof"))
        for index in range(rules):
            row = rule(index)
            writer.writerow((row.action, row.pattern, row.scope, row.proof))


def write_requests(file: Path, rules: int, count: int = 20_000, hit_share: float = HIT_SHARE) -> None:
    """Write the file that policy_load reads."""
    with file.open("w", encoding="ascii") as stream:
        for request in requests(rules, count, hit_share):
            fields = (request.client_address, request.sender, request.recipient, request.answer)
            stream.write("\t".join(fields) + "\n")


def _width(index: int) -> int:
    """0 for a mailbox's rule, 1 for a domain's, 2 for the site's."""
    place = index % GROUP
    return (place >= MAILBOX_RULES) + (place >= MAILBOX_RULES + DOMAIN_RULES)


def _domain(index: int) -> str:
    return f"{WORDS[index % 10]}{index:x}.{TOP_DOMAINS[index // 10 % 5]}"


def _pattern(index: int) -> str:
    match KINDS[index % GROUP]:
        case "address":
            return f"{FIRST_NAMES[index // 7 % 10]}@{_domain(index)}"
        case "domain":
            return _domain(index)
        case "parent":
            return f".{_domain(index)}"
        case "local":
            return f"offer-{index:x}@"
        case "ip":
            return str(IPv4Address("150.0.0.0") + index)
        case "network6":
            return f"{IPv6Address('2a10::') + (index // GROUP + 1 << 80)}/48"
        case _:
            return f"{_network(index)}/{NETWORK_LENGTHS[index // GROUP % 4]}"


def _network(index: int) -> IPv4Address:
    """A /22 of its own for each IPv4 network, from 20.0.0.0 on."""
    return IPv4Address("20.0.0.0") + ((index // GROUP * 3 + _width(index)) << 10)


def _miss(chance: random.Random, recipient: str) -> Request:
    """A request from a sender, a domain and a client that no rule names."""
    sender = f"{chance.choice(FIRST_NAMES)}@stranger{chance.randrange(10**6)}.example.net"
    client = str(IPv4Address("198.18.0.0") + chance.randrange(1 << 17))
    return Request(client, sender, recipient, "DUNNO")


def _hit(index: int, miss: Request) -> Request:
    """The request `miss`, changed so that rule `index` matches and no other."""
    hit = rule(index)
    answer = "550" if hit.action == "block" else "permit_auth_destination"
    return replace(
        miss,
        client_address=_matching_client(index, hit.pattern) or miss.client_address,
        sender=_matching_sender(index, hit.pattern) or miss.sender,
        recipient=_matching_recipient(index) or miss.recipient,
        answer=answer,
    )


def _matching_client(index: int, pattern: str) -> str | None:
    match KINDS[index % GROUP]:
        case "ip":
            return pattern
        case "network":
            return str(_network(index) + 25)
        case "network6":
            return pattern.replace("/48", "25")
        case _:
            return None


def _matching_sender(index: int, pattern: str) -> str | None:
    match KINDS[index % GROUP]:
        case "address":
            return pattern
        case "domain":
            return f"info@{pattern}"
        case "parent":
            return f"info@lists{pattern}"
        case "local":
            return f"{pattern}stranger.example.net"
        case _:
            return None


def _matching_recipient(index: int) -> str | None:
    return None if _width(index) == 2 else mailbox(index // GROUP)
