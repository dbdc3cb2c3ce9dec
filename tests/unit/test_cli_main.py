"""The frame around all commands: help, exit statuses, errors, completion."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest
from tests.unit.cli_host import Cli

from gatepost.errors import GatepostError
from gatepost_cli import boundary
from gatepost_cli.lazy import LazyGroup
from gatepost_cli.main import gatepost, run
from gatepost_cli.user import login_name

GATEPOST = [sys.executable, "-c", "import sys; from gatepost_cli.main import main; sys.exit(main())"]


def all_commands(
    group: LazyGroup, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], str, click.Command]]:
    """Go through all commands with the help of their entries."""
    for name, entry in group.entries.items():
        command = group.get_command(click.Context(group), name)
        assert command is not None, name
        yield (*path, name), entry.help, command
        if isinstance(command, LazyGroup):
            yield from all_commands(command, (*path, name))


assert isinstance(gatepost, LazyGroup)
COMMANDS = [pytest.param(*found, id=" ".join(found[0])) for found in all_commands(gatepost)]


@pytest.mark.parametrize(("path", "listed", "command"), COMMANDS)
def test_the_list_says_what_the_command_says_of_itself(
    path: tuple[str, ...], listed: str, command: click.Command
) -> None:
    first = " ".join(inspect.cleandoc(command.help or "").split("\n\n")[0].split())
    assert first == listed


@pytest.mark.parametrize(("path", "listed", "command"), COMMANDS)
def test_every_command_has_an_example(path: tuple[str, ...], listed: str, command: click.Command) -> None:
    assert f"gatepost {' '.join(path)}" in (command.help or "")


@pytest.mark.parametrize(("path", "listed", "command"), COMMANDS)
def test_every_command_takes_json(path: tuple[str, ...], listed: str, command: click.Command) -> None:
    assert "--json" in {option for param in command.params for option in param.opts}


@pytest.mark.parametrize(("path", "listed", "command"), COMMANDS)
def test_every_command_has_help(path: tuple[str, ...], listed: str, command: click.Command, cli: Cli) -> None:
    assert listed[:12] in cli.done(*path, "--help").out


def test_help_imports_nothing_heavy() -> None:
    heavy = "{'sqlalchemy', 'rich', 'cattrs', 'alembic', 'lmdb', 'Milter', 'asyncio'}"
    code = f"import sys; from gatepost_cli.main import run; run(['--help']); sys.exit(str({heavy} & set(sys.modules)))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "set()" in ended.stderr


@pytest.mark.parametrize(
    ("words", "status", "text"),
    [
        (["blok", "x.org"], 64, "Did you mean block?"),
        (["rules", "lst"], 64, "Did you mean list?"),
        (["frobnicate"], 64, "No such command 'frobnicate'."),
        (["block", "x.org", "--exfect", "junk"], 64, "'--effect'"),
        (["block"], 64, "Missing argument 'PATTERN'"),
        (["block", "x.org", "y.org"], 64, "unexpected extra argument"),
        (["block", "x.org", "--effect", "spam"], 64, "'spam'"),
        (["allow", "x.org", "--effect", "junk"], 64, "--effect is for block"),
        (["block", "x.org", "--proof", "auto"], 64, "--proof is for allow"),
        (["allow", "192.0.2.1", "--proof", "required"], 64, "not for IP addresses"),
        (["block", "x.org", "--expires", "soon"], 64, "30d"),
        (["block", "*.x.org"], 65, "did you mean .x.org"),
        (["block", "joe@x y.org"], 65, "at character 5 of"),
        (["block", "x.org", "--for", "example"], 65, "ann@example.com"),
        (["block", "x.org", "--for", "ann@example.com", "--enforced"], 65, "cannot be enforced"),
        (["block", "\udcff.org"], 64, "not UTF-8"),
        (["rules", "show", "17"], 65, "no rule 17"),
        (["rules", "remove", "17"], 65, "no rule 17"),
        (["rules", "undo"], 65, "nothing to undo"),
        (["rules", "undo", "17"], 65, "no batch 17"),
        (["rules", "purge"], 64, "--expired"),
        (["rules", "import", "/nowhere.csv"], 64, "/nowhere.csv"),
        (["rules", "import", "/dev/null", "--origin", "cli"], 64, "origin"),
        (["explain", "--from", "a@x.org", "--to", "b@x.org", "--client", "no"], 65, "192.0.2.7"),
    ],
)
def test_a_wrong_command_line_is_told_the_way_out(words: list[str], status: int, text: str, cli: Cli) -> None:
    said = cli(*words)
    assert (said.status, said.out) == (status, "")
    assert text in said.err
    assert "Traceback" not in said.err


def test_errors_are_json_where_json_is_asked_for(cli: Cli) -> None:
    said = cli("block", "*.x.org", "--json")
    assert set(json.loads(said.err)) == {"error", "hint"}


def test_without_a_command_there_is_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 64
    assert "Commands:" in capsys.readouterr().err


def test_no_configuration(cli: Cli) -> None:
    cli.config_file.unlink()
    said = cli("rules", "list")
    assert said.status == 78
    assert "gatepost init" in said.err


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("sqlite:////", "a folder"),
        ("sqlite:////nowhere/gatepost.db", "no folder /nowhere"),
        ("sqlite:////dev/null/gatepost.db", "no folder"),
        ("postgresql+psycopg://nobody@127.0.0.1:1/x", "connection failed"),
    ],
)
def test_no_database(url: str, text: str, cli: Cli) -> None:
    cli.configure(url)
    said = cli("explain", "--from", "a@x.org", "--to", "ann@example.com")
    assert said.status == 69
    assert text in said.err
    assert "hint: " in said.err


def test_a_file_that_is_no_database(cli: Cli) -> None:
    (cli.folder / "gatepost.db").write_text("junk")
    said = cli("rules", "list")
    assert said.status == 69
    assert "not a database" in said.err


def fail(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (GatepostError("odd", "look"), 70, "gatepost: odd\nhint: look\n"),
        (ZeroDivisionError("x"), 70, "unexpected ZeroDivisionError: x"),
        (KeyboardInterrupt(), 130, ""),
        (click.Abort(), 130, ""),
        (boundary.Declined(), 1, "nothing was changed\n"),
    ],
)
def test_every_end_has_its_status(
    error: BaseException, status: int, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert boundary.guarded(lambda: fail(error), as_json=False, debug=False) == status
    assert text in capsys.readouterr().err


def test_the_traceback_is_for_debugging(capsys: pytest.CaptureFixture[str]) -> None:
    boundary.guarded(lambda: fail(ZeroDivisionError("x")), as_json=False, debug=True)
    assert "Traceback" in capsys.readouterr().err


def test_a_reader_that_goes_away_is_no_error() -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as out:
        ended = subprocess.run([*GATEPOST, "--help"], stdout=out, stderr=subprocess.PIPE, check=False)
    assert (ended.returncode, ended.stderr) == (1, b"")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str, cli: Cli) -> None:
    assert "_GATEPOST_COMPLETE" in cli.done("completion", shell).out


def test_completion_knows_the_commands() -> None:
    words = {"_GATEPOST_COMPLETE": "bash_complete", "COMP_WORDS": "gatepost rules im", "COMP_CWORD": "2"}
    ended = subprocess.run(GATEPOST, env=os.environ | words, capture_output=True, text=True, check=False)
    assert ended.stdout == "plain,import\n"


def test_the_author_is_who_called_sudo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_USER", "ann")
    assert login_name() == "ann"
