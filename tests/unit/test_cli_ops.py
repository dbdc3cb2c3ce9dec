"""Commands for whoever runs the host: events, mailbox, config, init, db, status, aliases."""

from __future__ import annotations

import fcntl
import grp
import json
import os
import stat
import time
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.unit.cli_host import Cli

from gatepost.config import Config, Database, Milter, Paths, Policyd, Site, load_config
from gatepost.journal.entries import Event, EventEntry, EventKind, Fact, FactKind
from gatepost.journal.journal import Journal
from gatepost.snapshot.generation import publish
from gatepost.snapshot.writer import build
from gatepost.store import tables
from gatepost.store.aliases import AliasRow, write_aliases
from gatepost.store.changes import Author
from gatepost.store.database import make_engine, reading
from gatepost.store.feed import read_position
from gatepost.store.journaled import store_entries
from gatepost_cli import output
from gatepost_cli.config_text import config_text, without_password
from gatepost_cli.ownership import advice, make_folders

ANN, BOB = "ann@example.com", "bob@example.com"


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    """A command line whose state lies beside its database."""
    cli = Cli(tmp_path, capsys)
    cli.configure(url(cli))
    with cli.config_file.open("a") as file:
        file.write(f'[paths]\nstate = "{tmp_path}"\n')
    return cli


def url(cli: Cli) -> str:
    return f"sqlite:///{cli.folder}/gatepost.db"


@pytest.fixture
def engine(cli: Cli) -> Iterator[sa.Engine]:
    cli.done("rules", "list")
    engine = make_engine(Database(url=url(cli)))
    yield engine
    engine.dispose()


def event(ref: str, sender: str, recipient: str, rule: int | None, at: float = 1.0) -> EventEntry:
    return EventEntry(
        ref, at, Event(EventKind.BLOCKED, "policyd", sender, recipient, "192.0.2.7", "", rule), "", 1
    )


def store(engine: sa.Engine, *entries: EventEntry) -> None:
    store_entries(engine, "journal", "mx1", list(enumerate(entries, start=1)))


def test_an_event_tells_its_rule_even_when_that_is_removed(cli: Cli, engine: sa.Engine) -> None:
    cli.done("block", "x.org")
    store(engine, event("R1", "joe@x.org", ANN, 1))
    cli.done("rules", "remove", "1")
    told = cli.done("events", "--json").json[0]
    assert (told["ref"], told["rule"], told["rule_removed"]) == ("R1", 1, True)
    assert told["rule_text"].startswith("block x.org for site")
    assert "1: block x.org for site (removed)" in cli.done("events").out


def test_one_event_is_told_in_words(cli: Cli, engine: sa.Engine) -> None:
    cli.done("block", "x.org")
    store(engine, event("R1", "joe@x.org", ANN, 1))
    told = cli.done("events", "--ref", "R1").out.splitlines()
    assert told[0] == "1970-01-01 00:00 UTC  blocked  ref R1"
    assert "  rule 1: block x.org for site" in told
    assert cli.done("events").out.startswith("AT ")


def test_a_narrow_terminal_gets_words(cli: Cli, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    store(engine, event("R1", "joe@x.org", ANN, None))
    monkeypatch.setattr(output, "terminal_width", lambda: 80)
    assert max(map(len, cli.done("events").out.splitlines())) < 80
    assert "AT " not in cli.done("events").out


@pytest.mark.parametrize(
    ("options", "refs"),
    [
        (("--to", ANN), ["R2", "R1"]),
        (("--to", "example.com"), ["R3", "R2", "R1"]),
        (("--from", "joe@x.org"), ["R3", "R1"]),
        (("--ref", "r3"), ["R3"]),
        (("--since", "1970-01-01T00:00:02"), ["R3", "R2"]),
        (("--kind", "junked"), []),
        (("--limit", "1"), ["R3"]),
    ],
)
def test_events_are_filtered(cli: Cli, engine: sa.Engine, options: tuple[str, ...], refs: list[str]) -> None:
    first = event("R1", "Joe@X.org", "Ann+x@example.com", None)
    store(engine, first, event("R2", "jim@x.org", ANN, None, 2.0), event("R3", "joe@x.org", BOB, None, 3.0))
    assert [found["ref"] for found in cli.done("events", *options, "--json").json] == refs


def test_renaming_a_mailbox_moves_its_rules_and_can_be_undone(cli: Cli) -> None:
    cli.done("block", "x.org", "--for", ANN, "--note", "spam")
    cli.done("block", "x.org", "--for", BOB)
    cli.done("allow", "y.org", "--for", ANN)
    assert cli.done("mailbox", "rename", ANN, BOB, "--yes", "--json").json == {"moved": 1, "there_already": 1}
    scopes = [rule["scope"] for rule in cli.done("rules", "list", "--json").json]
    assert scopes == [BOB, BOB]
    cli.done("rules", "undo", "--yes")
    assert len(cli.done("rules", "list", "--for", ANN, "--json").json) == 2


def test_renaming_asks(cli: Cli) -> None:
    assert cli("mailbox", "rename", ANN, BOB).status == 64
    assert cli("mailbox", "rename", ANN, "Ann+x@EXAMPLE.com", "--yes").status == 64
    assert cli("mailbox", "rename", "example.com", BOB, "--yes").status == 64


def everything_about_ann(cli: Cli, engine: sa.Engine) -> None:
    cli.done("block", "x.org", "--for", ANN)
    cli.done("block", "y.org", "--for", ANN)
    cli.done("rules", "remove", "2")
    cli.done("allow", "Ann@example.com", "--for", BOB)
    cli.done("block", "z.org", "--for", BOB)
    store(engine, event("R1", "joe@x.org", "Ann+x@Example.com", 1), event("R2", "joe@x.org", BOB, None))
    author = Author("agent@mx1", "aliases sync")
    rows = [
        AliasRow("sales@example.com", (ANN, BOB), frozenset(), "mx1 hash:/v"),
        AliasRow(ANN, (), frozenset(), "mx1"),
    ]
    write_aliases(engine, author, rows)
    journal = Journal(cli.folder / "journal")
    journal.append([event("R3", "", ANN, None), event("R4", "", BOB, None)], [Fact(FactKind.ASKED, ANN, 1.0)])
    journal.close()


def test_an_export_has_all_that_is_kept(cli: Cli, engine: sa.Engine) -> None:
    everything_about_ann(cli, engine)
    kept = cli.done("mailbox", "export", ANN).json
    assert [rule["removed"] for rule in kept["rules"]] == [False, True]
    assert [rule["scope"] for rule in kept["rules_naming_it"]] == [BOB]
    assert [found["ref"] for found in kept["events"]] == ["R1"]
    assert [alias["address"] for alias in kept["aliases"]] == [ANN, "sales@example.com"]
    assert len(kept["commands"]) == 3
    assert len(kept["waiting"]) == 2


def test_erasing_leaves_nothing(cli: Cli, engine: sa.Engine) -> None:
    everything_about_ann(cli, engine)
    erased = cli.done("mailbox", "erase", ANN, "--yes", "--json").json
    del erased["unreached"]
    assert erased == {"rules": 3, "events": 1, "aliases": 2, "commands": 3, "journal": 3}
    kept = cli.done("mailbox", "export", ANN).json
    assert [value for name, value in kept.items() if name != "mailbox"] == [[]] * 6
    assert cli.patterns() == ["z.org"]


def test_the_numbers_of_erased_rules_are_not_given_again(cli: Cli, engine: sa.Engine) -> None:
    everything_about_ann(cli, engine)
    cli.done("block", "last.org", "--for", ANN)
    cli.done("mailbox", "erase", ANN, "--yes")
    assert cli.done("block", "new.org", "--json").json["id"] == 6


def test_erased_text_is_not_in_the_files_any_more(cli: Cli, engine: sa.Engine) -> None:
    everything_about_ann(cli, engine)
    cli.done("mailbox", "erase", ANN, "--yes")
    octets = b"".join(file.read_bytes() for file in cli.folder.glob("gatepost.db*"))
    assert b"ann@example.com" not in octets.lower()


def test_erasing_makes_every_host_build_its_snapshot_anew(cli: Cli, engine: sa.Engine) -> None:
    cli.done("mailbox", "erase", ANN, "--yes")
    with reading(engine) as connection:
        assert connection.scalar(sa.select(tables.site.c.epoch)) == 2


def test_config_show_is_a_file_that_can_be_read_again(cli: Cli, tmp_path: Path) -> None:
    shown = cli.done("config", "show").out
    (tmp_path / "again.toml").write_text(shown)
    assert load_config(tmp_path / "again.toml") == load_config(cli.config_file)
    assert cli.done("config", "show", "--json").json == tomllib.loads(shown)


def test_every_setting_has_a_comment(cli: Cli) -> None:
    lines = cli.done("config", "show", "--defaults").out.splitlines()
    assert all(
        lines[i - 1].startswith("# ") for i, line in enumerate(lines) if " = " in line and line[0] != "#"
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql+psycopg://u:p@ss:w@db/name", "postgresql+psycopg://u:…@db/name"),
        ("postgresql+psycopg://u@db/name", "postgresql+psycopg://u@db/name"),
        ("postgresql+psycopg://db/name?password=secret&x=1", "postgresql+psycopg://db/name?password=…&x=1"),
        ("sqlite:////var/lib/gatepost.db", "sqlite:////var/lib/gatepost.db"),
    ],
)
def test_passwords_are_not_shown(text: str, shown: str) -> None:
    assert without_password(text) == shown


def test_config_check_lists_all_mistakes(cli: Cli) -> None:
    cli.config_file.write_text("[policyd]\nworkers = 0\nworker = 1\n")
    refused = cli("config", "check")
    assert refused.status == 78
    assert "policyd.workers" in refused.err
    assert "policyd.worker:" in refused.err


def test_init_writes_a_file_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli = Cli(tmp_path, capsys)
    options = ("--state", f"{tmp_path}/state", "--domain", "example.com", "--mynetworks", "192.0.2.0/24")
    cli.done("init", *options)
    made = load_config(cli.config_file)
    assert (made.site.domains, made.site.mynetworks) == (["example.com"], ["192.0.2.0/24"])
    assert cli.done("db", "status", "--json").json["schema"]
    assert cli("init", *options).status == 78
    assert cli("init", *options, "--force").status == 0


def test_init_refuses_what_it_could_not_read_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cli = Cli(tmp_path, capsys)
    refused = cli("init", "--state", f"{tmp_path}/state", "--mynetworks", "nonsense")
    assert (refused.status, cli.config_file.exists()) == (78, False)


def test_init_says_how_to_go_on_without_the_database(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cli = Cli(tmp_path, capsys)
    (tmp_path / "password").write_text("secret\n")
    url = "postgresql+psycopg://gatepost@127.0.0.1:9/gatepost"
    words = ("--database", url, "--password-file", f"{tmp_path}/password", "--state", f"{tmp_path}/state")
    refused = cli("init", *words)
    assert refused.status == 69
    assert "settings and folders are made, but the database has no schema yet" in refused.err
    assert "go on with: gatepost db upgrade" in refused.err
    assert load_config(cli.config_file).database.password_file == f"{tmp_path}/password"


@pytest.fixture
def beside(tmp_path: Path) -> Config:
    """Settings of a host without its user; the sockets lie in a queue directory."""
    (tmp_path / "queue").mkdir()
    listen = f"unix:{tmp_path}/queue/gatepost/socket"
    return Config(
        paths=Paths(str(tmp_path / "state")),
        site=Site(user="no-such-user"),
        policyd=Policyd([listen], []),
        milter=Milter(listen),
    )


def test_postfix_may_enter_before_there_is_the_user(beside: Config, tmp_path: Path) -> None:
    make_folders(beside)
    made = (tmp_path / "queue/gatepost").stat()
    assert stat.S_IMODE(made.st_mode) == 0o2750
    assert made.st_gid == (grp.getgrnam("postfix").gr_gid if os.geteuid() == 0 else os.getegid())


def test_init_tells_how_to_make_the_user(
    beside: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_folders(beside)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    text = advice(beside, tmp_path / "gatepost.toml")
    state = f"{tmp_path}/state"
    assert f"adduser --system --group --home {state} --no-create-home no-such-user" in text
    assert f"chown no-such-user {tmp_path}/queue/gatepost" in text
    assert advice(replace(beside, site=Site(user="root")), tmp_path) == ""


def test_db_upgrade_says_when_there_is_nothing_to_do(cli: Cli) -> None:
    assert cli.done("db", "upgrade", "--json").json["changed"]
    assert not cli.done("db", "upgrade", "--json").json["changed"]


def test_db_adopt_without_a_snapshot_does_nothing(cli: Cli) -> None:
    assert cli.done("db", "adopt", "--yes", "--json").json == {"adopted": False, "epoch": 1}


def test_status_says_what_does_not_run(cli: Cli) -> None:
    told = cli("status", "--json")
    parts = {part["name"]: part["ok"] for part in told.json["parts"]}
    assert told.status == 69
    assert parts == {"database": False, "snapshot": False, "agent": False, "policyd": False, "milter": False}


def at_change(cli: Cli, engine: sa.Engine, ahead: int) -> dict[str, dict[str, object]]:
    with reading(engine) as connection:
        here = read_position(connection)
    stamp = replace(here, number=here.number + ahead)
    build(cli.folder / "snapshot", "00000001", [], [], stamp, gib=1)
    publish(cli.folder / "snapshot", "00000001")
    return {part["name"]: part for part in cli("status", "--json").json["parts"]}


@pytest.mark.parametrize(
    ("ahead", "ok", "says"),
    [
        (0, True, "change 1"),
        (-1, False, "change 0, 1 behind"),
        (1, False, "change 2 is ahead of the database"),
    ],
)
def test_status_compares_the_snapshot_with_the_database(
    cli: Cli, engine: sa.Engine, ahead: int, says: str, *, ok: bool
) -> None:
    cli.done("block", "x.org")
    part = at_change(cli, engine, ahead)["snapshot"]
    assert part["ok"] is ok
    assert str(part["says"]).startswith(says)


@pytest.mark.parametrize(("seconds", "lives"), [(10.0, True), (70.0, False)])
def test_an_agent_that_runs_and_is_silent_is_not_well(cli: Cli, seconds: float, *, lives: bool) -> None:
    written = {"at": time.time() - seconds, "waiting": 0, "trouble": {}}
    (cli.folder / "status.json").write_text(json.dumps(written))
    with (cli.folder / "agent.lock").open("w") as running:
        fcntl.flock(running, fcntl.LOCK_EX)
        parts = {part["name"]: part["ok"] for part in cli("status", "--json").json["parts"]}
    assert parts["agent"] is lives


def test_aliases_are_listed_by_address_and_domain(cli: Cli, engine: sa.Engine) -> None:
    rows = [
        AliasRow("sales@example.com", (ANN, "joe@x.org"), frozenset({"joe@x.org"}), "mx1 hash:/v"),
        AliasRow("@example.net", (BOB,), frozenset(), "mx1 hash:/v"),
        AliasRow(ANN, (), frozenset(), "mx1"),
    ]
    write_aliases(engine, Author("agent@mx1", "aliases sync"), rows)
    listed = cli.done("aliases", "list", "--json").json
    assert [alias["address"] for alias in listed] == ["@example.net", "sales@example.com"]
    assert listed[1]["elsewhere"] == ["joe@x.org"]
    assert len(cli.done("aliases", "list", "example.net", "--json").json) == 1
    assert len(cli.done("aliases", "list", "Sales+x@example.com", "--json").json) == 1


def test_the_text_of_settings_shows_secrets_only_when_told(cli: Cli) -> None:
    cli.configure("postgresql+psycopg://u:secret@db/name")
    config = load_config(cli.config_file)
    assert "secret" in config_text(config, secrets=True)
    assert "secret" not in config_text(config, secrets=False)
