"""Bringing a case's rules and aliases into force on a running host."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from tests.golden.cases import Case, rules_of

from gatepost.journal.journal import Journal
from gatepost.store import tables
from gatepost.store.changes import Author, one_change
from gatepost.store.rules import NewRule, list_rules, remove_rows, rule_values
from gatepost_agent.alias_sync import AliasSync
from gatepost_cli.demo.host import PrivateHost

AUTHOR = Author("golden", "golden table")


@dataclass(frozen=True, slots=True)
class InForce:
    """A case on a host: the table's rule numbers are the database's here."""

    host: PrivateHost
    numbers: dict[int, int]
    """by the table's number"""

    def told(self, text: str) -> str:
        """Put the table's number where the database's stands: `rule=17` becomes `rule=2`."""
        head, mark, rest = text.partition("rule=")
        number, semicolon, tail = rest.partition(";")
        return head + mark + str(self.table_number(int(number))) + semicolon + tail if mark else text

    def table_number(self, number: int) -> int:
        """Give the number that the table knows a rule by."""
        return next(own for own, given in self.numbers.items() if given == number)


def _sync_aliases(host: PrivateHost) -> None:
    """Read Postfix's aliases as the agent does."""
    journal = Journal(host.config.journal_folder)
    try:
        AliasSync(host.engine, host.config.aliases.postfix_config, journal, "golden").sync()
    finally:
        journal.close()


def bring_into_force(case: Case, host: PrivateHost) -> InForce:
    """Replace everything and wait until the snapshot has it."""
    engine = host.engine
    old = [record.rule.id for record in list_rules(engine)]
    with one_change(engine, AUTHOR) as (connection, change):
        remove_rows(connection, change, old)
        numbers = {}
        for rule in rules_of(case):
            values = rule_values(NewRule(rule.terms), change)
            key = connection.execute(sa.insert(tables.rule).values(values)).inserted_primary_key
            assert key is not None
            numbers[rule.id] = key[0]
    if case.aliases or host.plan.aliases:
        host.set_aliases(case.aliases)
        _sync_aliases(host)
    host.wait_for_snapshot()
    engine.dispose()
    return InForce(host, numbers)
