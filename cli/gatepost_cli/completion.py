"""`gatepost completion`: click's own completion scripts."""

from __future__ import annotations

import click

from gatepost_cli.lazy import Command


@click.command(cls=Command)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script for a shell.

    \b
    gatepost completion bash > /etc/bash_completion.d/gatepost
    gatepost completion zsh > /usr/local/share/zsh/site-functions/_gatepost
    gatepost completion fish > ~/.config/fish/completions/gatepost.fish
    """
    from click.shell_completion import get_completion_class

    from gatepost_cli.main import gatepost

    kind = get_completion_class(shell)
    if kind is not None:
        click.echo(kind(gatepost, {}, "gatepost", "_GATEPOST_COMPLETE").source())
