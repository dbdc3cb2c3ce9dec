"""The look-up tables that main.cf names, and the file that drops the verdict header. Pure.

Source: postmap(1), virtual(5), header_checks(5).
"""

from __future__ import annotations

from collections.abc import Iterable

from gatepost.address import parse_address
from gatepost.domain import canonical_domain, display_domain
from gatepost.errors import DataError
from gatepost_postfix_conf.model import PostfixModel, Table

DOMAINS = "domains"
MAILBOXES = "mailboxes"
ALIASES = "aliases"
VERDICT_CHECKS = "verdict_header_checks"
VERDICT_HEADER = "X-Gatepost-Verdict"


def lookup_tables(model: PostfixModel) -> tuple[Table, ...]:
    """Say which addresses exist here and where the aliases lead, in a fixed order.

    With SMTPUTF8 a recipient may come in Unicode, and Postfix looks it up as it comes: both spellings.
    """
    return (
        Table(DOMAINS, _existing(_spelled(model, map(canonical_domain, model.domains)))),
        Table(MAILBOXES, _existing(_spelled(model, map(_address, model.mailboxes)))),
        Table(ALIASES, tuple(sorted(map(_alias, model.aliases)))),
    )


def table_text(table: Table, command: str) -> str:
    """Write a table as postmap(1) reads it; DataError on a row that it would not take for one."""
    rows = (_row(key, value) for key, value in table.rows)
    return "\n".join([banner(command), *rows, ""])


def verdict_checks_text(command: str) -> str:
    """Write the header_checks(5) file that drops every verdict header."""
    return f"{banner(command)}\n/^{VERDICT_HEADER}:/ IGNORE\n"


def banner(command: str) -> str:
    """Begin a generated file: who wrote it, and what writes it again."""
    return f"# Written by Gatepost; change it with: {command}"


def _spelled(model: PostfixModel, names: Iterable[str]) -> Iterable[str]:
    """Add the Unicode spelling of internationalized domains where it can come in."""
    for name in names:
        yield name
        local, at, domain = name.rpartition("@")
        if model.smtputf8:
            yield f"{local}{at}{display_domain(domain)}"


def _existing(names: Iterable[str]) -> tuple[tuple[str, str], ...]:
    return tuple((name, "here") for name in sorted(set(names)))


def _alias(alias: tuple[str, tuple[str, ...]]) -> tuple[str, str]:
    name, targets = alias
    return _address(name), ", ".join(map(_address, targets))


def _address(text: str) -> str:
    """Spell an address as Postfix looks it up: lower case, quoted where RFC 5322 wants it.

    A catch-all, `@example.com`, has no local part and gets none.
    """
    if text.startswith("@"):
        return f"@{canonical_domain(text[1:])}"
    return str(parse_address(text))


def _row(key: str, value: str) -> str:
    """Write one row; a key in quotes stays in quotes, as Postfix looks it up."""
    row = f"{key} {value}"
    if row.startswith("#") or not row.isprintable():
        message = f"a Postfix table cannot hold the row {row!r}"
        raise DataError(message)
    return row
