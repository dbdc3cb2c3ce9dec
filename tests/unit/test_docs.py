"""The documents say what is: their commands exist, their links lead somewhere, their files are the rendered ones."""

from __future__ import annotations

import ast
import contextlib
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from tests.golden.cases import load_cases

from gatepost.config import Config
from gatepost_cli.config_text import config_text
from gatepost_cli.context import App
from gatepost_cli.lazy import LazyGroup
from gatepost_cli.main import gatepost
from gatepost_dovecot_conf.model import DovecotModel, Places
from gatepost_dovecot_conf.model import Listener as DovecotListener
from gatepost_dovecot_conf.render import dovecot_conf
from gatepost_dovecot_conf.verdict_script import verdict_script
from gatepost_postfix_conf.main_cf import main_settings
from gatepost_postfix_conf.model import PostfixModel
from gatepost_postfix_conf.tables import verdict_checks_text

ROOT = Path(__file__).parents[2]
DOCS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
ALL = [*DOCS, *(ROOT / n for n in ("HACKING.md", "CHANGELOG.md")), *sorted(ROOT.glob("*/README.md"))]
BLOCK = re.compile(r"^```\w*\n(.*?)^```|^((?:    .*\n)+)", re.MULTILINE | re.DOTALL)
TYPED = re.compile(r"^\s*(?:[#$] )?gatepost (?![\w.]*:)(.*)$", re.MULTILINE)
MENTIONED = re.compile(r"`gatepost ([^`…|]+)`")
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)")
NAMED_BLOCK = re.compile(r"<!-- (file: \S+|dovecot 2\.4) -->\n```\n(.*?)```", re.DOTALL)
MODEL = PostfixModel("mail.example.com", (), (), (), "unix:private/dovecot-lmtp", relay_policy=None)


def label(path: Path) -> str:
    return str(path.relative_to(ROOT))


def words_of(line: str) -> list[str]:
    """Split a command line and leave out what is the shell's."""
    words = shlex.split(line.replace("[", "").replace("]", ""), comments=True)
    end = next((i for i, word in enumerate(words) if re.match(r"\d?[>|&]", word)), len(words))
    return words[:end]


def parse(command: click.Command, words: list[str], parent: click.Context | None = None) -> None:
    """Parse as click would, without running anything; click.UsageError if it would refuse."""
    if not isinstance(command, LazyGroup):
        command.make_context(command.name, words, parent=parent).close()  # it may have opened a file
        return
    context = click.Context(command, parent=parent, info_name=command.name, obj=App())
    _, rest, _ = command.make_parser(context).parse_args(list(words))
    if rest:
        _, found, after = command.resolve_command(context, rest)
        assert found is not None
        parse(found, after, context)


def check(line: str) -> None:
    """Parse a line with the files that it names in the working folder."""
    words = words_of(line)
    for word in words:
        if re.fullmatch(r"[\w-]+\.(csv|csv\.gz)", word):
            Path(word).touch()
    with contextlib.suppress(click.exceptions.Exit):  # --help and --version end here
        parse(gatepost, words)


def commands(group: LazyGroup, path: str = "gatepost") -> Iterator[str]:
    """Name all commands that are no groups."""
    for name in group.entries:
        found = group.get_command(click.Context(group), name)
        if isinstance(found, LazyGroup):
            yield from commands(found, f"{path} {name}")
        else:
            yield f"{path} {name}"


def anchors(path: Path) -> set[str]:
    """Make the anchors of a file's headings, as forges do."""
    heads = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("path", ALL, ids=label)
def test_command_lines_can_be_typed_as_they_stand(path: Path) -> None:
    for found in BLOCK.finditer(path.read_text()):
        for line in TYPED.findall(found[1] or found[2]):
            check(line)


@pytest.mark.parametrize("path", ALL, ids=label)
def test_commands_that_are_mentioned_exist(path: Path) -> None:
    for line in MENTIONED.findall(path.read_text()):
        try:
            check(line)
        except click.MissingParameter:
            continue  # a mention need not be complete


def test_every_command_is_documented() -> None:
    assert isinstance(gatepost, LazyGroup)
    text = " ".join(path.read_text() for path in DOCS)
    assert [name for name in commands(gatepost) if not re.search(rf"{name}\b", text)] == []


@pytest.mark.parametrize("path", ALL, ids=label)
def test_links_lead_somewhere(path: Path) -> None:
    for name, anchor in LINK.findall(path.read_text()):
        target = path.parent / name if name else path
        assert target.exists(), name
        assert not anchor or anchor in anchors(target), anchor


def test_every_decision_record_is_listed() -> None:
    text = (ROOT / "docs/architecture.md").read_text()
    assert [p.name for p in (ROOT / "docs/adr").iterdir() if f"](adr/{p.name})" not in text] == []


def test_the_list_of_settings_is_complete() -> None:
    assert (
        f"```toml\n{config_text(Config(), secrets=False)}```" in (ROOT / "docs/configuration.md").read_text()
    )


def test_cited_cases_are_in_the_golden_table() -> None:
    cited = re.findall(r"^> (.*)$", (ROOT / "docs/rules.md").read_text(), re.MULTILINE)
    assert cited
    assert set(cited) <= {case.name for case in load_cases()}


def rendered(name: str, shown: str) -> str:
    """Give what the file must be; of main.cf the settings that the document shows."""
    if name.endswith("main.cf"):
        settings = [s for s in main_settings(MODEL) if re.search(rf"^{s.name} =", shown, re.MULTILINE)]
        return "".join(f"{s.name} = {s.value}".replace(" \n", "\n").rstrip() + "\n" for s in settings)
    if name.endswith(".sieve"):
        return verdict_script("docs/operations.md")
    return verdict_checks_text("").partition("\n")[2]


@pytest.mark.parametrize("path", [*DOCS[:1], ROOT / "docs/operations.md"], ids=label)
def test_configuration_files_are_as_rendered(path: Path) -> None:
    for name, shown in NAMED_BLOCK.findall(path.read_text()):
        if "dovecot" not in name or name.endswith(".sieve"):
            assert shown == rendered(name, shown)


@pytest.mark.parametrize(
    ("version", "mark"), [("2.3.19", "file: /etc/dovecot/local.conf"), ("2.4.1", "dovecot 2.4")]
)
def test_dovecot_is_told_what_the_renderer_says(version: str, mark: str) -> None:
    script = Path("/etc/dovecot/sieve/gatepost-verdict.sieve")
    places = Places(Path("/s"), Path("/p"), Path("/m"), script)
    lines = {
        line.strip()
        for line in dovecot_conf(DovecotModel(DovecotListener(143), ()), places, version).splitlines()
    }
    shown = dict(NAMED_BLOCK.findall((ROOT / "docs/operations.md").read_text()))[mark]
    assert [line for line in shown.splitlines() if line.strip() not in lines] == []


def logged(module: Path) -> Iterator[str]:
    """Give the longest fixed piece of every text that a module logs."""
    for node in ast.walk(ast.parse(module.read_text())):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="LOG")), args=[ast.Constant(value=str(text)), *_]
            ):
                yield max((piece.strip(" :") for piece in re.split(r"%[sdr]", text)), key=len)


def test_every_log_line_is_explained() -> None:
    text = (ROOT / "docs/operations.md").read_text()
    modules = [m for folder in ("core", "agent", "milter", "policyd") for m in (ROOT / folder).rglob("*.py")]
    assert [piece for module in modules for piece in logged(module) if piece not in text] == []
