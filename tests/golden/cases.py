"""The golden table as values: one `Case` a row of tests/golden/*.toml (README.md says what the keys mean)."""

from __future__ import annotations

import argparse
import shlex
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

from gatepost.address import parse_address
from gatepost.domain import canonical_domain
from gatepost.lookup import Alias
from gatepost.pattern import parse_pattern
from gatepost.rule import Action, Demand, Effect, Rule, Terms, make_terms
from gatepost.scope import parse_scope

FOLDER = Path(__file__).parent
LOCAL_DOMAINS = frozenset({"example.com", "example.net", "example.org", "xn--mnchen-3ya.example"})
"""the canonical domains that the test servers deliver; everything else is outside"""
NO_RECIPIENT_LEFT = "-"
_DEFAULTS: dict[str, Any] = {"aliases": {}, "client": "192.0.2.7"}


@dataclass(frozen=True, slots=True)
class Case:
    """One message, and what becomes of it."""

    name: str
    clause: str
    file: str
    rules: tuple[str, ...]
    """as the command line takes them; their ids are 1, 2, 3"""
    aliases: Mapping[str, tuple[str, ...]]
    client: str
    sender: str
    header_from: tuple[str, ...]
    to: tuple[str, ...]
    rcpt: tuple[str, ...]
    postfix_rcpt: tuple[str, ...]
    """per recipient `unknown` or `relay-denied` where Postfix refuses by itself, else empty"""
    eom: str
    headers: tuple[str, ...]
    mailbox: Mapping[str, str]
    explain: tuple[str, ...]
    """per recipient; an empty text is not asked, and none at all asks nothing"""

    def __str__(self) -> str:
        """Name the row, for pytest."""
        return self.name

    @property
    def left(self) -> tuple[str, ...]:
        """The recipients that got past RCPT."""
        answers = zip(self.to, self.rcpt, self.postfix_rcpt, strict=True)
        return tuple(to for to, rcpt, postfix in answers if rcpt != "reject" and not postfix)


@cache
def load_cases() -> tuple[Case, ...]:
    """Read the whole table, in the order of files and rows."""
    return tuple(
        _case(row, file.name)
        for file in sorted(FOLDER.glob("*.toml"))
        for row in tomllib.loads(file.read_text(encoding="utf-8"))["case"]
    )


def rules_of(case: Case) -> list[Rule]:
    """Make the rules of a case, numbered by their place."""
    return [Rule(number, _terms(line)) for number, line in enumerate(case.rules, start=1)]


def aliases_of(case: Case) -> dict[str, Alias]:
    """Make the aliases of a case by canonical address; targets outside the local domains are remote."""
    return {_alias_key(key): _alias(targets) for key, targets in case.aliases.items()}


def is_local(address: str) -> bool:
    """Whether the test servers deliver an address, or expand it further."""
    return parse_address(address).domain in LOCAL_DOMAINS


def _case(row: dict[str, Any], file: str) -> Case:
    given = _DEFAULTS | {"header_from": [row["from"]], "postfix_rcpt": [""] * len(row["to"])} | row
    sender = given.pop("from")
    return Case(**{key: _frozen(value) for key, value in given.items()}, sender=sender, file=file)


def _frozen(value: Any) -> Any:  # what TOML may hold
    if isinstance(value, list):
        return tuple(value)
    if isinstance(value, dict):
        return {key: _frozen(inner) for key, inner in value.items()}
    return value


class _CommandLine(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ValueError(message)


def _command_line() -> argparse.ArgumentParser:
    parser = _CommandLine(add_help=False, allow_abbrev=False)
    parser.add_argument("action", type=Action)
    parser.add_argument("pattern", type=parse_pattern)
    parser.add_argument("--for", dest="scope", type=parse_scope, default=parse_scope("site"))
    parser.add_argument("--enforced", action="store_true")
    parser.add_argument("--effect", type=Effect, default=Effect.REJECT)
    parser.add_argument("--proof", dest="demand", type=Demand, default=Demand.AUTO)
    parser.add_argument("--expires", type=_midnight)
    return parser


def _terms(line: str) -> Terms:
    return make_terms(Terms(**vars(_command_line().parse_args(shlex.split(line)))))


def _midnight(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def _alias_key(text: str) -> str:
    return f"@{canonical_domain(text[1:])}" if text.startswith("@") else str(parse_address(text))


def _alias(targets: tuple[str, ...]) -> Alias:
    return Alias(targets, frozenset(target for target in targets if not is_local(target)))
