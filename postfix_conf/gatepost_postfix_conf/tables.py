"""The look-up tables that main.cf names, and the file that drops the verdict header. Pure.

Source: postmap(1), virtual(5), header_checks(5).
"""

from __future__ import annotations

import re

from gatepost.errors import DataError
from gatepost_postfix_conf.model import PostfixModel, Table

DOMAINS = "domains"
MAILBOXES = "mailboxes"
ALIASES = "aliases"
VERDICT_CHECKS = "verdict_header_checks"
VERDICT_HEADER = "X-Gatepost-Verdict"

_NEEDS_QUOTES = re.compile(r'[\s"\\]|^#')


def lookup_tables(model: PostfixModel) -> tuple[Table, ...]:
    """Say which addresses exist here and where the aliases lead, in a fixed order."""
    aliases = ((alias, ", ".join(targets)) for alias, targets in sorted(model.aliases))
    return (
        Table(DOMAINS, tuple((domain, "here") for domain in sorted(model.domains))),
        Table(MAILBOXES, tuple((mailbox, "here") for mailbox in sorted(model.mailboxes))),
        Table(ALIASES, tuple(aliases)),
    )


def table_text(table: Table, command: str) -> str:
    """Write a table as the source text that postmap(1) reads; DataError on a row of two lines."""
    rows = (f"{_key(key)} {_one_line(value)}" for key, value in table.rows)
    return "\n".join([banner(command), *rows, ""])


def verdict_checks_text(command: str) -> str:
    """Write the header_checks(5) file that drops every verdict header."""
    return f"{banner(command)}\n/^{VERDICT_HEADER}:/ IGNORE\n"


def banner(command: str) -> str:
    """Begin a generated file: who wrote it, and what writes it again."""
    return f"# Written by Gatepost; change it with: {command}"


def _key(key: str) -> str:
    """Quote a key that postmap(1) would otherwise cut at a space or take for a comment."""
    if not _NEEDS_QUOTES.search(_one_line(key)):
        return key
    return '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _one_line(text: str) -> str:
    if not text.isprintable():
        message = f"a table row cannot hold the control character in {text!r}"
        raise DataError(message)
    return text
