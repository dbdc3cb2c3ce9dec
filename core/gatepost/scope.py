"""Scopes: for whom a rule holds. The text is empty for the site, a domain, or a mailbox."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from gatepost.address import is_address, parse_address
from gatepost.domain import canonical_domain, is_domain
from gatepost.errors import DataError

SITE_TEXT = "site"


class ScopeKind(enum.IntEnum):
    """Whom a rule holds for; the number is stored, never change one."""

    SITE = 0
    DOMAIN = 1
    MAILBOX = 2


@dataclass(frozen=True, slots=True)
class Scope:
    """A scope by its kind and canonical text (empty: the site)."""

    kind: ScopeKind
    text: str

    def __str__(self) -> str:
        """Show it as the command line takes it."""
        return self.text or SITE_TEXT


SITE = Scope(ScopeKind.SITE, "")


class ScopeError(DataError):
    """A text that is no scope."""


def parse_scope(text: str) -> Scope:
    """Read `site` (or nothing), a domain or a mailbox; a mailbox loses its +detail."""
    stripped = text.strip()
    if stripped.lower() in {"", SITE_TEXT}:
        return SITE
    if "@" in stripped:
        return _mailbox(stripped)
    domain = canonical_domain(stripped)
    if "." in domain and is_domain(domain):
        return Scope(ScopeKind.DOMAIN, domain)
    hint = "a scope is site, a domain like example.com, or a mailbox like ann@example.com"
    raise ScopeError(f"not a scope: {text!r}", hint)


def _mailbox(text: str) -> Scope:
    mailbox = parse_address(text).base
    if not is_address(mailbox):
        raise ScopeError(f"not a mailbox: {text!r}", "a mailbox is written like ann@example.com")
    return Scope(ScopeKind.MAILBOX, str(mailbox))
