"""`gatepost doctor`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from gatepost_cli.context import App, pass_app
from gatepost_cli.lazy import Command

if TYPE_CHECKING:  # imported when the command runs, not for --help
    from gatepost_cli.doctor.finding import Finding


@click.command(cls=Command)
@pass_app
def doctor(app: App) -> None:
    """Look for what is wrong on this host, and say how to mend it.

    The exit status is 78 when there is an error, and 0 with nothing but warnings. With --json: a list of
    objects with level (error, warning), what, why, mend.

    \b
    gatepost doctor
    """
    from gatepost.errors import ConfigError
    from gatepost_cli.output import print_json
    from gatepost_cli.user import act_as

    findings = list(_configuration(app))
    if not findings:
        act_as(app.config.site.user)
        findings = list(_examine(app))
    if app.json:
        print_json([finding._asdict() for finding in findings])
    else:
        _print(findings)
    errors = sum(finding.level == "error" for finding in findings)
    if errors:
        raise ConfigError(f"{errors} errors found")


def _configuration(app: App) -> Iterator[Finding]:
    from gatepost.errors import ConfigError
    from gatepost_cli.doctor.finding import error

    try:
        _ = app.config
    except ConfigError as wrong:
        yield error(wrong.message, "nothing of Gatepost starts without its settings", wrong.hint)


def _examine(app: App) -> Iterator[Finding]:
    from gatepost_cli.doctor import daemons, postfix, stores

    yield from stores.examine(app.config, app.now())
    yield from daemons.examine(app.config)
    yield from postfix.examine(app.config)


def _print(findings: list[Finding]) -> None:
    for finding in findings:
        click.echo(f"{finding.level}: {finding.what}\n  why:  {finding.why}\n  mend: {finding.mend}")
    if not findings:
        click.echo("all is well")
