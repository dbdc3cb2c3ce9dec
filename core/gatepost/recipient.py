"""From a recipient address to the mailboxes it ends in, the way Postfix's cleanup goes (virtual(5))."""

from __future__ import annotations

from collections.abc import Iterator

from gatepost.address import Address, parse_address
from gatepost.judge import Target
from gatepost.lookup import Alias, Lookup

MAX_DEPTH = 50
_NOT_HERE = "", ""
EXEMPT_LOCAL_PARTS = frozenset({"postmaster", "abuse"})


def targets(recipient: str, lookup: Lookup) -> tuple[Target, ...]:
    """List the final mailboxes of a RCPT address with the domains whose rules count for each.

    An alias that leads in a circle or too deep, and a target that is not delivered here, gives a target
    without a mailbox: only the rules of the domain and of the site hold for it.
    """
    address = parse_address(recipient)
    exempt = is_exempt(recipient)
    found = {}
    for mailbox, domain in _finals(address, lookup, (), set()):
        domains = tuple(dict.fromkeys(d for d in (address.domain, domain) if d))
        found[mailbox, domains] = Target(mailbox, domains, exempt)
    return tuple(found.values())


def is_exempt(recipient: str) -> bool:
    """Whether only enforced rules count for a recipient, as RCPT names it."""
    return parse_address(recipient).base.local in EXEMPT_LOCAL_PARTS


def _finals(
    address: Address, lookup: Lookup, path: tuple[Address, ...], expanded: set[Address]
) -> Iterator[tuple[str, str]]:
    """Give mailbox and domain of every final target, both empty where there is no mailbox here."""
    names_itself = address in path[-1:]
    alias = None if names_itself else _alias(address, lookup)
    if alias is None:
        yield str(address.base), address.domain
    elif address in path or len(path) > MAX_DEPTH:
        yield _NOT_HERE
    elif address not in expanded:  # else aliases that share targets would be gone through 2^depth times
        expanded.add(address)
        for text in alias.targets:
            if text in alias.remote:
                yield _NOT_HERE
            else:
                yield from _finals(parse_address(text), lookup, (*path, address), expanded)


def _alias(address: Address, lookup: Lookup) -> Alias | None:
    """Look an address up as Postfix does: with its extension, without, and the whole domain."""
    base = address.base
    found = lookup.alias(str(address))
    if found is None and base != address:
        found = lookup.alias(str(base))
    if found is None:
        found = _whole_domain(base, lookup)
    return found


def _whole_domain(base: Address, lookup: Lookup) -> Alias | None:
    """Find `@domain`; a target that is itself `@other` keeps the local part."""
    found = lookup.alias(f"@{base.domain}")
    if found is None:
        return None

    def fill(text: str) -> str:
        return str(Address(base.local, text[1:])) if text.startswith("@") else text

    return Alias(tuple(map(fill, found.targets)), frozenset(map(fill, found.remote)))
