"""`gatepost explain`: the JSON contract, and the words."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from tests.unit.cli_host import Cli
from tests.unit.snapshots import write

from gatepost.config import Database
from gatepost.pattern import parse_pattern
from gatepost.rule import Action, Rule, Terms
from gatepost.scope import parse_scope
from gatepost.store import tables
from gatepost.store.changes import Author, one_change
from gatepost.store.database import make_engine

ASK = ("explain", "--from", "joe@x.org", "--to", "ann@example.com")
ONE = {
    "recipient",
    "mailbox",
    "verdict",
    "by",
    "rule",
    "beats",
    "proof",
    "unproven",
    "policy_action",
    "warnings",
}


def add_alias(cli: Cli, address: str, *targets: str) -> None:
    engine = make_engine(Database(url=f"sqlite:///{cli.folder / 'gatepost.db'}"))
    row = {"address": address, "targets": targets, "remote": [], "source": "test"}
    with one_change(engine, Author("test", "test")) as (connection, change):
        connection.execute(sa.insert(tables.alias).values(row | {"changed_by": change}))


def test_nothing_decides(cli: Cli) -> None:
    told = cli.done(*ASK, "--json").json
    assert set(told) == ONE
    assert (told["verdict"], told["by"], told["rule"], told["beats"]) == ("none", "none", None, [])
    assert told["policy_action"] == "DUNNO"


def test_a_block_and_what_it_beats(cli: Cli) -> None:
    cli.done("allow", ".x.org", "--proof", "none")
    cli.done("block", "joe@x.org", "--for", "example.com")
    told = cli.done(*ASK, "--json").json
    assert (told["verdict"], told["by"], told["mailbox"]) == ("block", "rule", "ann@example.com")
    assert [told["rule"]] == cli.done("rules", "list", "--json", "--action", "block").json
    assert told["beats"] == cli.done("rules", "list", "--json", "--action", "allow").json
    assert told["policy_action"] == "550 5.7.1 Not accepted by the recipient's mail policy"


def test_an_allow_counts_as_proven_unless_told_otherwise(cli: Cli) -> None:
    cli.done("allow", "x.org")
    proven, unproven = cli.done(*ASK, "--json").json, cli.done(*ASK, "--json", "--unproven").json
    assert (proven["verdict"], proven["policy_action"]) == ("allow", "permit_auth_destination")
    assert (unproven["verdict"], unproven["policy_action"]) == ("none", "DUNNO")
    assert [rule["pattern"] for rule in unproven["unproven"]] == ["x.org"]


def test_header_from_is_not_known_at_rcpt(cli: Cli) -> None:
    cli.done("block", "y.org")
    told = cli.done(*ASK, "--header-from", "Joe <joe@y.org>", "--json").json
    assert (told["verdict"], told["policy_action"]) == ("block", "DUNNO")


def test_a_network_is_found_by_the_client(cli: Cli) -> None:
    cli.done("block", "2001:db8::/32")
    assert cli.done(*ASK, "--client", "2001:db8::7", "--json").json["rule"]["pattern"] == "2001:db8::/32"


def test_at_decides_what_has_expired(cli: Cli) -> None:
    cli.done("block", "x.org", "--expires", "2999-01-01")
    assert cli.done(*ASK, "--json").json["verdict"] == "block"
    assert cli.done(*ASK, "--at", "2999-01-02", "--json").json["verdict"] == "none"


def test_an_alias_of_several_mailboxes(cli: Cli) -> None:
    cli.done("block", "x.org", "--for", "ann@example.com")
    add_alias(cli, "sales@example.com", "ann@example.com", "bob@example.com")
    told = cli.done("explain", "--from", "joe@x.org", "--to", "sales@example.com", "--json").json
    assert set(told) == {"recipient", "policy_action", "targets", "warnings"}
    assert told["policy_action"] == "DUNNO"
    assert {t["mailbox"]: t["verdict"] for t in told["targets"]} == {
        "ann@example.com": "block",
        "bob@example.com": "none",
    }


def test_the_words(cli: Cli) -> None:
    cli.done("allow", "joe@x.org", "--proof", "none")
    cli.done("block", ".x.org", "--for", "example.com")
    add_alias(cli, "sales@example.com", "ann@example.com")
    lines = cli.done("explain", "--from", "joe@x.org", "--to", "sales@example.com").out.splitlines()
    assert [line.strip() for line in lines] == [
        "sales@example.com -> ann@example.com",
        "block by rule 2: block .x.org for example.com (reject)",
        "it is a domain rule for a domain with all below it and matches the envelope sender",
        "beats rule 1: allow joe@x.org for site (proof none)",
        "a domain rule goes before a site rule",
        "Postfix is told at RCPT: 550 5.7.1 Not accepted by the recipient's mail policy",
    ]


def test_the_words_for_what_is_not_proven_and_for_the_exempt(cli: Cli) -> None:
    cli.done("allow", "x.org", "--enforced")
    out = cli.done("explain", "--from", "joe@x.org", "--to", "abuse@example.com", "--unproven").out
    assert "postmaster and abuse are exempt" in out
    assert "not proven, so as if it were not there: rule 1: allow x.org" in out
    assert "none: no rule decides" in out


def test_the_words_for_what_is_only_taken_as_proven(cli: Cli) -> None:
    cli.done("allow", "x.org")
    assert "taken as proven; today no SPF or DKIM is checked" in cli.done(*ASK).out
    cli.done("allow", "joe@x.org", "--proof", "none")
    assert "taken as proven" not in cli.done(*ASK).out


@pytest.mark.parametrize(
    ("recipient", "warned"),
    [("ann@example.net", True), ("ann@Example.COM", False), ("sales@example.org", False), ("ann", False)],
)
def test_a_domain_that_is_not_of_this_site(cli: Cli, recipient: str, *, warned: bool) -> None:
    cli.configure(f"sqlite:///{cli.folder / 'gatepost.db'}", '["example.com"]')
    cli.done("rules", "list")
    add_alias(cli, "sales@example.org", "ann@example.com")
    told = cli.done("explain", "--from", "joe@x.org", "--to", recipient, "--json").json
    assert ["not among site.domains" in text for text in told["warnings"]] == [True] * warned


def test_without_the_database_the_snapshot_answers(cli: Cli) -> None:
    cli.configure("sqlite:////nowhere/gatepost.db")
    with cli.config_file.open("a") as file:
        file.write(f'[paths]\nstate = "{cli.folder}"\n')
    assert cli(*ASK).status == 69
    terms = Terms(Action.BLOCK, parse_pattern("x.org"), parse_scope("site"))
    write(cli.folder / "snapshot", [Rule(7, terms)])
    told = cli.done(*ASK, "--json").json
    assert (told["verdict"], told["rule"]["id"], told["rule"]["hits"]) == ("block", 7, None)
    assert told["warnings"][0].startswith("the database is down; this is by the snapshot of change 0")
    assert "block by rule 7: block x.org for site (reject)" in cli.done(*ASK).out
