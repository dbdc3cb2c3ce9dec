"""Reading Postfix's virtual aliases as far as they can be listed, and asking about the rest (virtual(5)).

Entry point: `read_aliases`. The order of look-ups is Postfix's: each key is looked up in every table
before the next key is tried.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from gatepost.address import is_address, parse_address, quote_local
from gatepost.store.aliases import MAX_ADDRESS, AliasRow
from gatepost_agent.postfix_tables import PostfixTables
from gatepost_agent.postfix_values import Settings, canonical_key, is_asked_whole, targets

_MAX_DEPTH = 50


@dataclass(frozen=True, slots=True)
class Aliases:
    """What Postfix says."""

    rows: dict[str, AliasRow]
    """aliases, and addresses that were asked about and are none; without hosts in their sources"""
    unlisted: tuple[str, ...]
    """tables that can only be asked; if there are any, an address that is not in `rows` may be an alias"""


@dataclass(slots=True)
class _Table:
    name: str
    entries: dict[str, str]
    """all there are, or the answers so far"""
    listed: bool
    asked: set[str] = field(default_factory=set)


def is_askable(address: str) -> bool:
    """Whether an address can be an alias at all; what a client makes up may be none, or too long."""
    return len(address) <= MAX_ADDRESS and "\n" not in address and is_address(parse_address(address))


def read_aliases(postfix: PostfixTables, asked: Collection[str]) -> Aliases:
    """List what can be listed, and find out about the addresses asked and about all they lead to."""
    reading = _Reading(postfix)
    reading.take_listed()
    reading.follow(set(asked))
    return Aliases(reading.finish(), reading.unlisted)


class _Reading:
    """One reading of all tables."""

    def __init__(self, postfix: PostfixTables) -> None:
        self._postfix = postfix
        self._settings: Settings = postfix.settings()
        self._tables = [_open(postfix, name) for name in self._settings.alias_maps]
        self._here, complete = postfix.names_in(self._settings.here)
        self._here.add(self._settings.myorigin)
        self.unlisted = tuple(t.name for t in self._tables if not t.listed)
        if not complete and self._bare_names():
            self.unlisted += ("mydestination",)
        self._rows: dict[str, AliasRow] = {}

    def take_listed(self) -> None:
        """Make rows of all keys that are listed; tables that cannot be listed may know them too, and better."""
        keys = {key for table in self._tables for key in table.entries}
        addresses = {key for key in keys if not key.startswith("@") and "@" in key and is_askable(key)}
        bare = self._bare_names()
        addresses.update(f"{name}@{domain}" for name in bare for domain in self._here)
        wildcards = {key for key in keys if key.startswith("@")}
        self._ask(addresses | wildcards | bare)
        for address in addresses:
            self._note(address, self._keys(address))
        for wildcard in wildcards:
            self._note(wildcard, [wildcard])

    def follow(self, addresses: set[str]) -> None:
        """Find out about addresses and, where they may be aliases that are not listed, about all they lead to."""
        for _ in range(_MAX_DEPTH):
            if self.unlisted:
                addresses = addresses | {text for row in self._rows.values() for text in row.targets}
            addresses = {a for a in addresses - self._rows.keys() if not a.startswith("@") and is_askable(a)}
            if not addresses:
                return
            domains = {parse_address(address).domain for address in addresses}
            self._here |= self._postfix.among(self._settings.here, domains)
            self._ask({key for address in addresses for key in self._keys(address)})
            for address in addresses:
                self._note(address, self._keys(address))

    def finish(self) -> dict[str, AliasRow]:
        """Say of each target whether it is delivered here or goes on as an alias."""
        elsewhere = self._elsewhere({text for row in self._rows.values() for text in row.targets})
        return {
            address: AliasRow(address, row.targets, elsewhere.intersection(row.targets), row.source)
            for address, row in self._rows.items()
        }

    def _bare_names(self) -> set[str]:
        """Give the keys that are user names; a key that is the domain of others only declares an alias domain."""
        keys = {key for table in self._tables for key in table.entries}
        domains = {key.rpartition("@")[2] for key in keys if "@" in key}
        return {key for key in keys if "@" not in key} - domains

    def _keys(self, address: str) -> list[str]:
        """List the keys for an address in Postfix's order; the first is the whole address."""
        plain = parse_address(address)
        keys = [address, str(plain.base)]
        if plain.domain in self._here:
            keys += [quote_local(plain.local), quote_local(plain.base.local)]
        keys.append(f"@{plain.domain}")
        return list(dict.fromkeys(keys))

    def _ask(self, keys: set[str]) -> None:
        """Ask the tables that cannot be listed about keys that they were not asked about yet."""
        for table in self._tables:
            if not table.listed:
                fresh = {key for key in keys - table.asked if _may_have(table, key)}
                table.asked |= fresh
                table.entries |= self._postfix.ask(table.name, sorted(fresh))

    def _note(self, address: str, keys: list[str]) -> None:
        for key, table, value in self._found(keys):
            made = targets(value, address, self._settings)
            if key.startswith("@") and address != key and table.listed:
                made = ()  # the row of @domain says it
            self._rows[address] = AliasRow(address, made, frozenset(), table.name if made else "")
            return
        if not address.startswith("@"):
            self._rows[address] = AliasRow(address, (), frozenset(), "")

    def _found(self, keys: list[str]) -> Iterator[tuple[str, _Table, str]]:
        for key in keys:
            for table in self._tables:
                whole = key == keys[0] or not is_asked_whole(table.name)
                if whole and key in table.entries:
                    yield key, table, table.entries[key]

    def _elsewhere(self, texts: set[str]) -> frozenset[str]:
        aliases = {address for address, row in self._rows.items() if row.targets}
        alias_domains = {address.rpartition("@")[2] for address in aliases if address.startswith("@")}
        domains = {text: text.rpartition("@")[2] for text in texts}
        here = alias_domains
        for listed in self._settings.delivered:
            here |= self._postfix.among(listed, set(domains.values()) - here)
        return frozenset(
            text
            for text, domain in domains.items()
            if domain not in here and not {text, str(parse_address(text).base)} & aliases
        )


def _may_have(table: _Table, key: str) -> bool:
    """Whether Postfix would ask a table about a key: some are asked about whole addresses only."""
    return "@" in key[1:] or not is_asked_whole(table.name)


def _open(postfix: PostfixTables, name: str) -> _Table:
    entries = postfix.listed(name)
    if entries is None:
        return _Table(name, {}, listed=False)
    canonical: dict[str, str] = {}
    for key, value in entries.items():
        canonical.setdefault(canonical_key(key), value)
    return _Table(name, canonical, listed=True)
