"""allow, block and `rules …`: what they do and the JSON that scripts rely on."""

from __future__ import annotations

import gzip
import re
import time

import pytest
import sqlalchemy as sa
from tests.unit.cli_host import Cli

from gatepost.config import Database
from gatepost.store import tables
from gatepost.store.database import make_engine, writing

KEYS = {
    "id", "action", "effect", "pattern", "scope", "enforced", "proof", "expires", "note", "author", "origin",
    "created", "hits", "last_hit",
}  # fmt: skip


def test_the_contract_of_a_block(cli: Cli) -> None:
    words = (
        "--for",
        "example.com",
        "--effect",
        "junk",
        "--enforced",
        "--expires",
        "2999-01-01",
        "--note",
        "why",
    )
    cli.done("block", "X.org", *words)
    (rule,) = cli.done("rules", "list", "--json").json
    assert set(rule) == KEYS
    assert (rule["id"], rule["action"], rule["effect"], rule["proof"]) == (1, "block", "junk", None)
    assert (rule["pattern"], rule["scope"], rule["enforced"]) == ("x.org", "example.com", True)
    assert (rule["expires"], rule["note"], rule["origin"]) == ("2999-01-01T00:00:00Z", "why", "cli")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", rule["created"])
    assert (rule["hits"], rule["last_hit"]) == (0, None)


def test_the_contract_of_an_allow(cli: Cli) -> None:
    rule = cli.done("--json", "allow", "joe@x.org").json
    assert set(rule) == KEYS | {"replaced", "warnings"}
    assert (rule["effect"], rule["proof"], rule["scope"], rule["expires"]) == (None, "auto", "site", None)
    assert rule["replaced"] is None
    assert ["it asks for proof" in text for text in rule["warnings"]] == [True]


def test_an_ip_allow_has_no_proof(cli: Cli) -> None:
    assert cli.done("allow", "192.0.2.1", "--json").json["proof"] == "none"


def test_no_rules_are_an_empty_list(cli: Cli) -> None:
    assert cli.done("rules", "list", "--json").json == []


def test_a_replaced_rule_is_said(cli: Cli) -> None:
    cli.done("block", "x.org", "--effect", "junk")
    assert "it replaces rule 1: block x.org for site (junk)" in cli.done("block", "x.org").out
    assert cli.done("block", "x.org", "--json").json["replaced"] == 2


@pytest.mark.parametrize(
    ("before", "words", "warning"),
    [
        ([], "allow gmail.com", "anyone can have an address in gmail.com"),
        ([], "allow .com", "anyone can have an address in"),
        ([], "allow joe@gmail.com --proof none", ""),
        ([], "allow own.example", "own.example is a domain of your own"),
        ([], "allow .example", "own.example is a domain of your own"),
        ([], "block ann@own.example", "own.example is a domain of your own"),
        (["block x.org --for ann@example.com"], "block example.com", "example.com is a domain of your own"),
        ([], "block x.org --expires 2001-01-01", "expired already"),
        (["block x.org"], "allow x.org", "it decides nothing, because rule 1 always goes first"),
        (["allow x.org"], "block x.org", "it always goes before rule 1"),
        (
            ["block .org --enforced"],
            "allow joe@x.org --for ann@example.com",
            "because rule 1 always goes first",
        ),
        (["block 192.0.2.0/24 --enforced"], "allow 192.0.2.7", "because rule 1 always goes first"),
        (["block joe@x.org --enforced"], "allow x.org --proof none", ""),
        (["allow .x.org --for ann@example.com"], "block .x.org", ""),
        (["block x.org --enforced"], "block joe@x.org", ""),
        (
            [],
            "allow joe@x.org",
            "it asks for proof, and so counts as absent until Gatepost checks SPF and DKIM itself",
        ),
        ([], "allow joe@x.org --proof required", "for now: --proof none"),
        ([], "allow 192.0.2.7", ""),
    ],
)
def test_warnings(before: list[str], words: str, warning: str, cli: Cli) -> None:
    cli.configure(f"sqlite:///{cli.folder / 'gatepost.db'}", '["own.example"]')
    for line in before:
        cli.done(*line.split())
    found = cli.done(*words.split(), "--json").json["warnings"]
    assert warning in found[0] if warning else not found


def test_warnings_go_to_standard_error(cli: Cli) -> None:
    said = cli.done("allow", "gmail.com")
    assert said.err.startswith("warning: anyone")
    assert "warning" not in said.out


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        ([], [1, 2, 3]),
        (["--for", "site"], [1]),
        (["--for", "ann@example.com"], [3]),
        (["--action", "allow"], [3]),
        (["--pattern", "X.ORG"], [1]),
        (["--contains", "y."], [2]),
        (["--origin", "import"], []),
        (["--expired"], [2]),
        (["--limit", "2"], [1, 2]),
    ],
)
def test_filters(words: list[str], ids: list[int], cli: Cli) -> None:
    cli.done("block", "x.org")
    cli.done("block", "y.org", "--for", "example.com", "--expires", "2001-01-01")
    cli.done("allow", "joe@z.org", "--for", "ann@example.com")
    assert [rule["id"] for rule in cli.done("rules", "list", "--json", *words).json] == ids


def test_a_table_has_neither_box_nor_colour_in_a_pipe(cli: Cli) -> None:
    cli.done("block", "x.org")
    head, row = cli.done("rules", "list").out.splitlines()
    assert head.split() == ["ID", "ACTION", "PATTERN", "SCOPE", "TERMS", "EXPIRES", "HITS", "NOTE"]
    assert row.split() == ["1", "block", "x.org", "site", "reject", "never", "0"]


def test_show_knows_removed_rules_too(cli: Cli) -> None:
    cli.done("block", "x.org")
    cli.done("rules", "remove", "1")
    assert cli.done("rules", "show", "1", "--json").json["removed"] is True
    assert "removed   yes" in cli.done("rules", "show", "1").out


def test_remove_removes_all_or_nothing(cli: Cli) -> None:
    cli.done("block", "x.org")
    assert cli("rules", "remove", "1", "2").status == 65
    assert cli.patterns() == ["x.org"]
    assert [rule["id"] for rule in cli.done("rules", "remove", "1", "--json").json] == [1]


def test_undo_goes_back_step_by_step(cli: Cli) -> None:
    cli.done("block", "x.org")
    cli.done("block", "y.org")
    cli.done("rules", "undo", "--yes")
    assert cli.patterns() == ["x.org"]
    cli.done("rules", "undo", "--yes")
    assert cli.patterns() == []


def test_undo_brings_back_what_was_replaced(cli: Cli) -> None:
    cli.done("block", "x.org", "--note", "first")
    cli.done("block", "x.org", "--note", "second")
    told = cli.done("rules", "undo", "--yes", "--json").json
    assert told == {"batch": 2, "by": 3, "removed": 1, "restored": 1, "left": 0}
    assert [rule["note"] for rule in cli.done("rules", "list", "--json").json] == ["first"]


def test_undo_leaves_what_was_changed_since(cli: Cli) -> None:
    cli.done("block", "x.org")
    cli.done("block", "x.org", "--note", "since")
    told = cli.done("rules", "undo", "1", "--yes", "--json").json
    assert (told["by"], told["left"]) == (None, 1)
    assert cli.patterns() == ["x.org"]


def test_an_undo_can_be_undone(cli: Cli) -> None:
    cli.done("block", "x.org")
    cli.done("rules", "undo", "--yes")
    cli.done("rules", "undo", "2", "--yes")
    assert cli.patterns() == ["x.org"]
    newest = cli.done("rules", "log", "--json").json
    assert [(b["id"], b["undoes"], b["undone_by"]) for b in newest] == [
        (3, 2, None),
        (2, 1, 3),
        (1, None, None),
    ]


def test_undo_asks_and_nobody_answers(cli: Cli) -> None:
    cli.done("block", "x.org")
    assert cli("rules", "undo").status == 64
    assert cli.patterns() == ["x.org"]


def test_the_log_names_the_command_without_the_options_before_it(cli: Cli) -> None:
    cli.done("--json", "block", "x.org", "--note", "two words")
    (batch,) = cli.done("rules", "log", "--json").json
    assert batch["command"] == "block x.org --note 'two words'"
    assert (batch["added"], batch["removed"]) == (1, 0)
    assert "block x.org" in cli.done("rules", "log").out


@pytest.mark.parametrize(
    ("words", "left"),
    [
        (["--expired"], ["new.org", "used.org", "old.org"]),
        (["--older-than", "365d"], ["new.org", "expired.org"]),
        (["--unused-for", "26w"], ["new.org", "expired.org", "used.org"]),
        (["--older-than", "365d", "--origin", "import"], ["new.org", "expired.org", "used.org", "old.org"]),
    ],
)
def test_purge(words: list[str], left: list[str], cli: Cli) -> None:
    for pattern in ("new.org", "expired.org", "used.org", "old.org"):
        cli.done("block", pattern, *(["--expires", "2001-01-01"] if pattern == "expired.org" else []))
    engine = make_engine(Database(url=f"sqlite:///{cli.folder / 'gatepost.db'}"))
    with writing(engine) as connection:
        aged = tables.batch.update().where(tables.batch.c.id > 2)
        connection.execute(aged.values(at=time.time() - 400 * 86_400))
        connection.execute(
            sa.insert(tables.rule_hits).values(rule_id=3, hits=5, last_hit=time.time() - 86_400)
        )
    assert cli.done("rules", "purge", "--dry-run", "--json", *words).json == {
        "rules": 4 - len(left),
        "batch": None,
    }
    cli.done("rules", "purge", "--yes", *words)
    assert cli.patterns() == left


def test_stats(cli: Cli) -> None:
    cli.done("block", "x.org", "--expires", "2001-01-01")
    cli.done("allow", "192.0.2.1", "--for", "example.com", "--expires", "3d")
    told = cli.done("rules", "stats", "--json").json
    assert (told["rules"], told["actions"]) == (2, {"allow": 1, "block": 1})
    assert (told["kinds"], told["scopes"]) == ({"domain": 1, "network": 1}, {"site": 1, "domain": 1})
    assert (told["expired"], told["expiring_soon"], told["never_hit"], told["top"]) == (1, 1, 2, [])
    assert "never hit" in cli.done("rules", "stats").out


def test_import_shows_and_counts(cli: Cli) -> None:
    cli.done("block", "same.org")
    cli.done("block", "changed.org", "--note", "old")
    file = cli.folder / "list.csv"
    file.write_text(
        "action,pattern,note\nblock,same.org,\nblock,changed.org,new\nblock,new.org,a\nblock,NEW.org,b\n"
    )
    said = cli.done("rules", "import", str(file), "--dry-run")
    assert "block changed.org for site: note old -> new" in said.out
    told = cli.done("rules", "import", str(file), "--yes", "--json").json
    assert told == {"new": 1, "changed": 1, "same": 1, "repeated": 1, "gone": 0, "batch": 3, "warnings": []}
    notes = {rule["pattern"]: rule["note"] for rule in cli.done("rules", "list", "--json").json}
    assert notes == {"same.org": "", "changed.org": "new", "new.org": "b"}


def test_import_counts_what_will_not_be_proven(cli: Cli) -> None:
    file = cli.folder / "list.csv"
    file.write_text("action,pattern,proof\nallow,x.org,\nallow,y.org,none\nallow,192.0.2.7,\nblock,z.org,\n")
    said = cli.done("rules", "import", str(file), "--yes")
    assert said.err.startswith("warning: 1 of these ask for proof")
    assert cli.done("rules", "import", str(file), "--yes", "--json").json["warnings"] == []


def test_a_bad_line_keeps_all_out(cli: Cli) -> None:
    file = cli.folder / "list.csv"
    file.write_text("action,pattern\nblock,x.org\n" + "block,*\n" * 25)
    said = cli("rules", "import", str(file), "--yes")
    assert said.status == 65
    assert f"{file}:3: pattern: not a pattern: '*'" in said.err
    assert "25 bad lines" in said.err
    assert "and 5 more" in said.err
    assert cli.patterns() == []


def test_import_reads_gzip(cli: Cli) -> None:
    file = cli.folder / "list.jsonl.gz"
    file.write_bytes(gzip.compress(b'{"action": "block", "pattern": "x.org"}\n'))
    cli.done("rules", "import", str(file), "--yes")
    assert cli.patterns() == ["x.org"]


def test_import_can_follow_a_list_that_changes(cli: Cli) -> None:
    file = cli.folder / "list.csv"
    words = ("rules", "import", str(file), "--origin", "vendor", "--replace-origin", "--yes", "--json")
    cli.done("block", "mine.org")
    file.write_text("action,pattern\nblock,a.org\nblock,b.org\n")
    cli.done(*words)
    file.write_text("action,pattern\nblock,b.org\nblock,c.org\n")
    told = cli.done(*words).json
    assert (told["new"], told["same"], told["gone"]) == (1, 1, 1)
    assert cli.patterns() == ["mine.org", "b.org", "c.org"]


def test_export_to_a_file_and_to_standard_output(cli: Cli) -> None:
    cli.done("block", "x.org", "--effect", "junk")
    file = cli.folder / "out.csv"
    cli.done("rules", "export", str(file))
    expected = "action,pattern,scope,effect,enforced,proof,expires,note\nblock,x.org,site,junk,,,,\n"
    assert file.read_text() == cli.done("rules", "export").out == expected
    assert '"effect": "junk"' in cli.done("rules", "export", "--format", "jsonl").out
