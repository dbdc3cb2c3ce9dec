"""`gatepost config …`."""

from __future__ import annotations

import click

from gatepost_cli.commands import CONFIG
from gatepost_cli.context import App, pass_app
from gatepost_cli.lazy import Command, LazyGroup


@click.group(cls=LazyGroup, entries=CONFIG)
def config() -> None:
    """Show and check gatepost.toml.

    \b
    gatepost config check
    gatepost config show --defaults
    """


@click.command(cls=Command)
@click.option("--defaults", is_flag=True, help="The defaults, whatever gatepost.toml says.")
@pass_app
def show(app: App, *, defaults: bool) -> None:
    """Print the settings in force, as TOML with comments.

    Passwords are not shown. With --json: an object of sections.

    \b
    gatepost config show
    gatepost config show --defaults
    """
    import json
    import tomllib

    from gatepost.config import Config
    from gatepost_cli.config_text import config_text

    text = config_text(Config() if defaults else app.config, secrets=False)
    click.echo(
        json.dumps(tomllib.loads(text), ensure_ascii=False, indent=2) if app.json else text, nl=app.json
    )


@click.command(cls=Command)
@pass_app
def check(app: App) -> None:
    """Say what is wrong with gatepost.toml.

    All mistakes are listed at once, and the exit status is 78. With --json: an object with file and ok.

    \b
    gatepost config check
    gatepost --config ./gatepost.toml config check
    """
    from gatepost.config import config_file, load_config
    from gatepost_cli.output import print_json

    file = config_file(app.config_name)
    load_config(file)
    if app.json:
        print_json({"file": str(file), "ok": True})
        return
    click.echo(f"{file} is right")
