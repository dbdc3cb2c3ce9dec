"""Aliases as a real Postfix's postconf and postmap tell them."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pytest
from tests.integration.postfix_folder import PostfixFolder

from gatepost.lookup import Alias, MemoryLookup
from gatepost.recipient import targets
from gatepost_agent.postfix_aliases import Aliases, read_aliases
from gatepost_agent.postfix_tables import PostfixError, PostfixTables


@pytest.fixture
def postfix(tmp_path: Path) -> PostfixFolder:
    return PostfixFolder(tmp_path / "postfix")


def read(postfix: PostfixFolder, *asked: str) -> Aliases:
    return read_aliases(PostfixTables(str(postfix.folder)), asked)


def plain(aliases: Aliases) -> dict[str, tuple[str, ...]]:
    return {address: row.targets for address, row in aliases.rows.items()}


def mailboxes(aliases: Aliases, recipient: str) -> Collection[str]:
    known = {a: Alias(row.targets, row.remote) for a, row in aliases.rows.items() if row.targets}
    return {target.mailbox for target in targets(recipient, MemoryLookup([], known))}


@pytest.mark.parametrize("kind", ["hash", "lmdb", "texthash"])
def test_a_table_that_can_be_listed_is_listed(postfix: PostfixFolder, kind: str) -> None:
    postfix.configure(
        postfix.table(kind, "virtual", {"Sales@Example.com": "ann@example.com, bob@example.com"})
    )
    aliases = read(postfix)
    assert plain(aliases) == {"sales@example.com": ("ann@example.com", "bob@example.com")}
    assert aliases.unlisted == ()


def test_a_table_written_into_main_cf_is_listed(postfix: PostfixFolder) -> None:
    postfix.configure("inline:{{sales@example.com = ann, bob}, info@example.com=ann}")
    assert mailboxes(read(postfix), "sales@example.com") == {"ann@example.com", "bob@example.com"}


def test_without_tables_there_are_no_aliases(postfix: PostfixFolder) -> None:
    assert read(postfix) == Aliases({}, ())


def test_the_first_table_wins_for_the_same_key(postfix: PostfixFolder) -> None:
    first = postfix.table("hash", "first", {"a@example.com": "ann"})
    postfix.configure(
        first, postfix.table("lmdb", "second", {"a@example.com": "bob", "b@example.com": "bob"})
    )
    assert mailboxes(read(postfix), "a@example.com") == {"ann@example.com"}
    assert mailboxes(read(postfix), "b@example.com") == {"bob@example.com"}


def test_an_address_beats_a_whole_domain_of_an_earlier_table(postfix: PostfixFolder) -> None:
    first = postfix.table("hash", "first", {"@example.net": "ann@example.com"})
    postfix.configure(first, postfix.table("hash", "second", {"bob@example.net": "carl"}))
    aliases = read(postfix)
    assert mailboxes(aliases, "bob@example.net") == {"carl@example.com"}
    assert mailboxes(aliases, "dora@example.net") == {"ann@example.com"}


def test_a_bare_name_holds_in_local_domains(postfix: PostfixFolder) -> None:
    table = postfix.table("hash", "virtual", {"root": "ann", "bob@example.com": "carl", "bob": "ann"})
    postfix.configure(table, mydestination="example.com, localhost", myorigin="example.org")
    aliases = plain(read(postfix))
    assert aliases["root@localhost"] == aliases["root@example.com"] == ("ann@example.org",)
    assert aliases["bob@example.com"] == ("carl@example.org",)


def test_the_declaration_of_an_alias_domain_is_no_alias(postfix: PostfixFolder) -> None:
    table = postfix.table(
        "hash", "virtual", {"shop.example": "anything", "a@shop.example": "ann@example.com"}
    )
    postfix.configure(table)
    assert list(plain(read(postfix))) == ["a@shop.example"]


def test_an_alias_domain_maps_every_user(postfix: PostfixFolder) -> None:
    postfix.configure(postfix.table("hash", "virtual", {"@shop.example": "@example.com"}))
    assert mailboxes(read(postfix), "ann+x@shop.example") == {"ann@example.com"}


def test_nested_aliases_and_detail(postfix: PostfixFolder) -> None:
    entries = {"all@example.com": "team@example.com", "team@example.com": "ann", "team+x@example.com": "bob"}
    postfix.configure(postfix.table("hash", "virtual", entries))
    aliases = read(postfix)
    assert mailboxes(aliases, "all@example.com") == {"ann@example.com"}
    assert mailboxes(aliases, "team+x@example.com") == {"bob@example.com"}
    assert mailboxes(aliases, "team+y@example.com") == {"ann@example.com"}


def test_a_loop_ends(postfix: PostfixFolder) -> None:
    entries = {"a@example.com": "b@example.com", "b@example.com": "a@example.com"}
    postfix.configure(postfix.table("hash", "virtual", entries))
    assert mailboxes(read(postfix), "a@example.com") == {""}


def test_a_target_elsewhere_has_no_mailbox_here(postfix: PostfixFolder) -> None:
    entries = {"a@example.com": "ann, bob@x.org, c@x.org", "c@x.org": "carl@example.net"}
    postfix.configure(postfix.table("hash", "virtual", entries))
    aliases = read(postfix)
    assert aliases.rows["a@example.com"].remote == {"bob@x.org"}
    assert mailboxes(aliases, "a@example.com") == {"", "ann@example.com", "carl@example.net"}


def test_local_domains_may_be_in_files_and_tables(postfix: PostfixFolder) -> None:
    (postfix.folder / "domains").write_text("# ours\nx.org\n")
    others = postfix.table("hash", "others", {"y.org": "ok"})
    table = postfix.table("hash", "virtual", {"a@example.com": "b@x.org, c@y.org, d@z.org"})
    postfix.configure(
        table, virtual_mailbox_domains=f"{postfix.folder}/domains", mydestination=f"!z.org {others}"
    )
    assert read(postfix).rows["a@example.com"].remote == {"d@z.org"}


def test_a_table_that_cannot_be_listed_is_asked(postfix: PostfixFolder) -> None:
    table = postfix.sqlite({"sales@example.com": "team@example.com", "team@example.com": "ann, bob@x.org"})
    postfix.configure(table)
    aliases = read(postfix, "sales@example.com", "ann@example.com")
    assert aliases.unlisted == (table,)
    assert mailboxes(aliases, "sales@example.com") == {"ann@example.com", ""}
    assert aliases.rows["ann@example.com"].targets == ()


def test_a_table_that_is_asked_beats_later_ones_that_are_listed(postfix: PostfixFolder) -> None:
    asked = postfix.sqlite({"a@example.com": "ann", "@example.net": "carl@example.com"})
    listed = postfix.table("hash", "virtual", {"a@example.com": "bob", "b@example.net": "bob"})
    postfix.configure(asked, listed)
    aliases = read(postfix, "x@example.net", "b@example.net")
    assert mailboxes(aliases, "a@example.com") == {"ann@example.com"}
    assert mailboxes(aliases, "x@example.net") == {"carl@example.com"}
    assert mailboxes(aliases, "b@example.net") == {"bob@example.com"}


def test_expressions_are_asked_whole_addresses_only(postfix: PostfixFolder) -> None:
    postfix.configure(postfix.table("pcre", "virtual", {"/^list-(.*)@/": "$1@example.com", "/^@/": "bob"}))
    aliases = read(postfix, "list-ann@example.com", "dora@example.com")
    assert mailboxes(aliases, "list-ann@example.com") == {"ann@example.com"}
    assert aliases.rows["dora@example.com"].targets == ()


def test_odd_addresses_are_not_asked_about(postfix: PostfixFolder) -> None:
    postfix.configure(postfix.sqlite({}))
    assert plain(read(postfix, "a\nb@example.com", '"a b"@example.com', "x" * 400)) == {
        '"a b"@example.com': ()
    }


@pytest.mark.parametrize(
    "table", ["hash:/nowhere/virtual", "sqlite:/nowhere/virtual.cf", "nonsense:/virtual"]
)
def test_a_broken_table_is_trouble(postfix: PostfixFolder, table: str) -> None:
    postfix.configure(postfix.table("hash", "virtual", {"a@example.com": "ann"}), table)
    with pytest.raises(PostfixError, match=r"alias table .*virtual"):
        read(postfix, "a@example.com")


def test_no_postfix_is_trouble(tmp_path: Path) -> None:
    with pytest.raises(PostfixError, match="postconf"):
        read_aliases(PostfixTables(str(tmp_path)), [])
