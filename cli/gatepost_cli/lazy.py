"""Groups whose commands are imported when they are run: `gatepost --help` imports none of them."""

from __future__ import annotations

import difflib
import importlib
import shlex
from collections.abc import Mapping
from typing import Any, NamedTuple, cast

import click

from gatepost_cli.context import App


class Entry(NamedTuple):
    """Where a command lies, and what the list of commands says of it."""

    place: str
    """module:attribute"""
    help: str
    """the first sentence of the command's own help; a test holds them equal"""


def json_option() -> click.Option:
    """Make the option --json, which is accepted before the commands and after each."""
    return click.Option(
        ["--json"],
        is_flag=True,
        expose_value=False,
        callback=_set_json,
        help="Print JSON; errors too, on standard error.",
    )


def _set_json(ctx: click.Context, param: click.Parameter, value: object) -> None:
    del param
    if value:
        ctx.ensure_object(App).json = True


class Command(click.Command):
    """A command that takes --json."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # click's own arguments, passed through
        """Make the command and add the option."""
        super().__init__(*args, **kwargs)
        self.params.append(json_option())


class LazyGroup(click.Group):
    """A group that knows its commands by name and place only."""

    def __init__(
        self, *args: Any, entries: Mapping[str, Entry], **kwargs: Any
    ) -> None:  # click's own arguments
        """Make the group; `entries` are listed in their order."""
        super().__init__(*args, **kwargs)
        self.entries = entries
        self.params.append(json_option())

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the commands."""
        del ctx
        return list(self.entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        del ctx
        entry = self.entries.get(cmd_name)
        if entry is None:
            return None
        module, _, attribute = entry.place.partition(":")
        return cast("click.Command", getattr(importlib.import_module(module), attribute))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is asked for, or say which one may be meant."""
        name = args[0]
        if name not in self.entries and not name.startswith("-"):
            close = difflib.get_close_matches(name, self.entries, n=1)
            meant = f" Did you mean {close[0]}?" if close else ""
            raise click.UsageError(f"No such command {name!r}.{meant}", ctx)
        if ctx.parent is None:
            ctx.ensure_object(App).command_line = shlex.join(args)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands with the texts of their entries."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in self.entries.items()])
