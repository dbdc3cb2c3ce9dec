"""The command `gatepost`. Entry point: `main`."""

from __future__ import annotations

import os
import sys

import click

from gatepost.errors import UsageError
from gatepost_cli.boundary import guarded
from gatepost_cli.commands import COMMANDS
from gatepost_cli.context import App
from gatepost_cli.lazy import LazyGroup


def _print_version(ctx: click.Context, param: click.Parameter, value: object) -> None:
    del param
    if value and not ctx.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"gatepost {version('gatepost')}")
        ctx.exit()


@click.group(
    cls=LazyGroup,
    entries=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option("--config", metavar="FILE", help="Instead of $GATEPOST_CONFIG or /etc/gatepost/gatepost.toml.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error; $GATEPOST_DEBUG does the same.")
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_print_version,
    help="Print the version.",
)
@click.pass_obj
def gatepost(app: App, config: str | None, *, debug: bool) -> None:
    """Decide whose mail comes in, beside Postfix and Dovecot."""
    app.config_name = config
    app.debug = app.debug or debug


def run(arguments: list[str]) -> int:
    """Run a command line and give its exit status."""
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    app = App(debug=bool(os.environ.get("GATEPOST_DEBUG")) or "--debug" in options)

    def command() -> None:
        _refuse_bytes(arguments)
        gatepost.main(arguments, prog_name="gatepost", standalone_mode=False, obj=app)

    return guarded(
        command,
        as_json="--json" in options,
        debug=app.debug,
    )


def _refuse_bytes(arguments: list[str]) -> None:
    """Refuse what the shell gave in another encoding: no database would take it."""
    for argument in arguments:
        if any("\ud800" <= character <= "\udfff" for character in argument):
            raise UsageError(f"not UTF-8: {argument!r}")


def main() -> int:
    """Run the process's own command line."""
    return run(sys.argv[1:])
