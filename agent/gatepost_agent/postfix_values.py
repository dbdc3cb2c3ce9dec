"""What Postfix writes into parameters and alias tables, taken apart (postconf(5), virtual(5)). Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from gatepost.address import Address, parse_address
from gatepost.domain import canonical_domain

_WORD = re.compile(r"(?:\{(?:[^{}]|\{[^{}]*\})*\}|[^\s,{}])+")
_QUOTED = r'"(?:\\.|[^"\\])*"'
_COMMENT = r"\((?:\\.|[^()\\])*\)"
_MARKED = re.compile(rf"{_QUOTED}|{_COMMENT}|<([^<>]*)>")
_SECTION = re.compile(rf"(?:{_QUOTED}|{_COMMENT}|<[^<>]*>|[^,])+")
_ADDRESS = re.compile(rf'{_COMMENT}|((?:{_QUOTED}|\[[^\]]*\]|[^\s,"()<>\[\]])+)')
_PROXY = "proxy:"
_WITHOUT_PARTS = ("regexp:", "pcre:", "tcp:")


@dataclass(frozen=True, slots=True)
class Name:
    """One word of a list such as mydestination: a literal, or a table that is asked."""

    text: str
    is_table: bool
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """The parameters that say what Postfix makes of a recipient."""

    alias_maps: tuple[str, ...]
    here: tuple[Name, ...]
    """mydestination: where bare user names hold"""
    delivered: tuple[tuple[Name, ...], ...]
    """all lists of domains that end on this host"""
    myorigin: str
    dot_mydomain: str
    """what is put behind a domain without dots, or nothing"""


PARAMETERS = (
    "virtual_alias_maps",
    "virtual_alias_domains",
    "virtual_mailbox_domains",
    "mydestination",
    "myorigin",
    "mydomain",
    "append_dot_mydomain",
    "recipient_delimiter",
)


def parse_parameters(text: str) -> dict[str, str]:
    """Read the output of postconf: one `name = value` a line."""
    lines = (line.partition("=") for line in text.split("\n") if "=" in line)
    return {name.strip(): value.strip() for name, _, value in lines}


def make_settings(values: dict[str, str], read_file: Callable[[str], str]) -> Settings:
    """Understand the parameters; `read_file` gives the text of files named in a list."""
    here = names(values["mydestination"], read_file)
    others = (names(values[p], read_file) for p in ("virtual_mailbox_domains", "virtual_alias_domains"))
    return Settings(
        tuple(map(direct, words(values["virtual_alias_maps"]))),
        here,
        (here, *others),
        canonical_domain(values["myorigin"]),
        f".{values['mydomain']}" if values["append_dot_mydomain"] == "yes" else "",
    )


def words(text: str) -> tuple[str, ...]:
    """Split at commas and blanks, but not inside braces."""
    return tuple(_WORD.findall(text))


def direct(table: str) -> str:
    """Name the table behind proxy:, which gives the same answers, needs no running Postfix and is often listable."""
    return table.removeprefix(_PROXY)


def is_asked_whole(table: str) -> bool:
    """Whether Postfix asks a table for whole addresses only (virtual(5), REGULAR EXPRESSION TABLES)."""
    return table.startswith(_WITHOUT_PARTS)


def names(text: str, read_file: Callable[[str], str]) -> tuple[Name, ...]:
    """Read a list of domains: literals, `!` before what is excepted, tables, and files with more of them."""
    return tuple(_names(text, read_file, negated=False))


def _names(text: str, read_file: Callable[[str], str], *, negated: bool) -> Iterator[Name]:
    for word in words(text):
        plain = word.lstrip("!")
        excepted = negated ^ bool((len(word) - len(plain)) % 2)
        if plain.startswith("/"):
            lines = (line for line in read_file(plain).split("\n") if not line.lstrip().startswith("#"))
            yield from _names("\n".join(lines), read_file, negated=excepted)
        elif ":" in plain and not plain.startswith("["):
            yield Name(direct(plain), is_table=True, negated=excepted)
        elif plain:
            yield Name(canonical_domain(plain), is_table=False, negated=excepted)


def canonical_key(key: str) -> str:
    """Write a table's key as Gatepost does: user@domain, @domain or a bare name."""
    if key.startswith("@"):
        return "@" + canonical_domain(key[1:])
    return str(parse_address(key))


def targets(value: str, address: str, settings: Settings) -> tuple[str, ...]:
    """Read the value of `address` (or of `@domain`); a first target `@other` keeps the local part."""
    found = []
    for place, text in enumerate(_addresses(value)):
        if not text.startswith("@"):
            found.append(_qualified(text, settings))
        elif place == 0:
            domain = canonical_domain(text[1:])
            local = "" if address.startswith("@") else parse_address(address).base.local
            found.append(str(Address(local, domain)) if local else f"@{domain}")
    return tuple(dict.fromkeys(found))


def _addresses(value: str) -> Iterator[str]:
    """Go through the addresses of a value; of `Ann <ann@x.org>` only the marked one counts."""
    for section in _SECTION.findall(value):
        marked = [text.strip() for text in _MARKED.findall(section)]
        yield from filter(None, marked if any(marked) else _ADDRESS.findall(section))


def _qualified(text: str, settings: Settings) -> str:
    address = parse_address(text)
    domain = address.domain or settings.myorigin
    if "." not in domain and not domain.startswith("["):
        domain += settings.dot_mydomain
    return str(Address(address.local, domain))
