"""`gatepost mailbox …`: all that is kept about one address."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gatepost_cli.commands import MAILBOX
from gatepost_cli.context import App, pass_app
from gatepost_cli.lazy import Command, LazyGroup

if TYPE_CHECKING:  # imported when a command runs, not for --help
    from gatepost.journal.entries import Entry
    from gatepost.journal.journal import Journal
    from gatepost.store.mailbox import Erased


@click.group(cls=LazyGroup, entries=MAILBOX)
def mailbox() -> None:
    """Export, rename or erase what is kept about a mailbox.

    \b
    gatepost mailbox export ann@example.com
    gatepost mailbox rename ann@example.com anna@example.com
    """


@click.command(cls=Command)
@click.argument("address")
@pass_app
def export(app: App, address: str) -> None:
    """Print all that is kept about a mailbox, as JSON.

    One object with mailbox, rules (in its scope), rules_naming_it, events, aliases, commands (of the audit),
    waiting (entries of this host's journal that are not in the database yet).

    \b
    gatepost mailbox export ann@example.com
    """
    from dataclasses import asdict

    from gatepost.store.mailbox import find_kept
    from gatepost_cli.events import event_json
    from gatepost_cli.output import print_json
    from gatepost_cli.rule_view import rule_json

    name = _mailbox(address)
    kept = find_kept(app.open_database(), name)
    print_json(
        {
            "mailbox": name,
            "rules": [rule_json(record) | {"removed": record.removed} for record in kept.in_scope],
            "rules_naming_it": [rule_json(record) | {"removed": record.removed} for record in kept.naming],
            "events": [event_json(event) for event in kept.events],
            "aliases": [
                {"address": r.address, "targets": r.targets, "source": r.source} for r in kept.aliases
            ],
            "commands": kept.commands,
            "waiting": [asdict(entry) for entry in _waiting(app, name)],
        }
    )


@click.command(cls=Command)
@click.argument("old")
@click.argument("new")
@click.option("--yes", is_flag=True, help="Ask nothing.")
@pass_app
def rename(app: App, old: str, new: str, *, yes: bool) -> None:
    """Move the rules of a mailbox to another name.

    Rules of others that name the old address as their pattern stay. gatepost rules undo takes it back.

    With --json: an object with moved and there_already.

    \b
    gatepost mailbox rename ann@example.com anna@example.com
    """
    from dataclasses import asdict

    from gatepost.errors import UsageError
    from gatepost.store import mailbox as store
    from gatepost_cli.output import confirm, print_json

    names = _mailbox(old), _mailbox(new)
    if names[0] == names[1]:
        raise UsageError(f"{old} and {new} are the same mailbox")
    engine = app.open_database()
    count = sum(not record.removed for record in store.find_kept(engine, names[0]).in_scope)
    confirm(f"Move {count} rules from {names[0]} to {names[1]}?", yes=yes)
    done = store.rename(engine, app.author, *names)
    if app.json:
        print_json(asdict(done))
        return
    click.echo(f"moved {done.moved} rules from {names[0]} to {names[1]}")
    if done.there_already:
        click.echo(f"{done.there_already} were there already and were only removed from {names[0]}")


@click.command(cls=Command)
@click.argument("address")
@click.option("--yes", is_flag=True, help="Ask nothing.")
@pass_app
def erase(app: App, address: str, *, yes: bool) -> None:
    """Erase all that is kept about a mailbox, for good.

    Its rules, the rules that name it, its events, its aliases, its traces in the audit, and what waits in
    this host's journal. Every host builds its snapshot anew. It cannot be undone.

    With --json: an object with rules, events, aliases, commands, journal, and unreached, a list of texts.

    \b
    gatepost mailbox erase ann@example.com
    """
    from gatepost.store import mailbox as store
    from gatepost_cli.output import confirm

    name = _mailbox(address)
    engine = app.open_database()
    kept = store.find_kept(engine, name)
    rules = len(kept.in_scope) + len(kept.naming)
    confirm(
        f"Erase {rules} rules, {len(kept.events)} events, {len(kept.aliases)} aliases of {name}?", yes=yes
    )
    waiting = _erase_waiting(app, name)
    _tell_erased(app, store.erase(engine, app.author, name), waiting)


def _mailbox(text: str) -> str:
    from gatepost.errors import UsageError
    from gatepost.scope import ScopeKind, parse_scope

    scope = parse_scope(text)
    if scope.kind is not ScopeKind.MAILBOX:
        raise UsageError(f"not a mailbox: {text!r}", "a mailbox is written like ann@example.com")
    return scope.text


def _journal(app: App) -> Journal | None:
    from gatepost.journal.journal import Journal

    folder = app.config.journal_folder
    return Journal(folder) if folder.is_dir() else None


def _waiting(app: App, name: str) -> list[Entry]:
    from gatepost.journal.entries import Fact, FactKind

    journal = _journal(app)
    if journal is None:
        return []
    entries = [entry for _, entry in journal.read(0, journal.waiting()) if not isinstance(entry, Fact)]
    facts = [fact for kind in FactKind for fact in journal.facts(kind)]
    return [entry for entry in (*entries, *facts) if is_about(entry, name)]


def _erase_waiting(app: App, name: str) -> int:
    journal = _journal(app)
    return 0 if journal is None else journal.erase(lambda entry: is_about(entry, name))


def is_about(entry: Entry, name: str) -> bool:
    """Whether a journal entry names a mailbox."""
    from gatepost.address import parse_address
    from gatepost.journal.entries import EventEntry, Fact

    if isinstance(entry, Fact):
        texts: tuple[str, ...] = (entry.key,)
    elif isinstance(entry, EventEntry):
        texts = (entry.event.sender, entry.event.recipient, entry.event.header_from)
    else:
        return False
    return any(str(parse_address(text).base) == name for text in texts)


def _tell_erased(app: App, erased: Erased, waiting: int) -> None:
    from dataclasses import asdict

    from gatepost_cli.output import print_json

    counts = asdict(erased) | {"journal": waiting}
    if app.json:
        print_json(counts | {"unreached": list(_UNREACHED)})
        return
    for what, count in counts.items():
        click.echo(f"{what:9}{count} erased")
    click.echo("not reached:")
    for text in _UNREACHED:
        click.echo(f"  {text}")


_UNREACHED = (
    "other hosts' journals, until their agents run; erase once more then",
    "other hosts' snapshots, until their agents build them anew",
    "snapshots that were set aside as damaged (snapshot/*.bad under paths.state)",
    "Postfix: an alias that is in its tables still comes back with the next aliases sync",
    "backups, mail logs, and the mail itself",
)
