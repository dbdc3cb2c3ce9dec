"""`gatepost policyd`, `milter` and `agent`: run a daemon in the foreground, as systemd wants it."""

from __future__ import annotations

import click

from gatepost_cli.context import App, pass_app
from gatepost_cli.lazy import Command


@click.command(cls=Command)
@pass_app
def policyd(app: App) -> None:
    """Run the policy daemon that Postfix asks at RCPT.

    It stays in the foreground, logs to standard error and ends with SIGTERM or SIGINT.

    \b
    gatepost policyd
    """
    _begin(app)
    from gatepost_policyd.supervisor import run

    run(app.config)


@click.command(cls=Command)
@pass_app
def milter(app: App) -> None:
    """Run the milter that judges at the end of each message.

    It stays in the foreground, logs to standard error and ends with SIGTERM or SIGINT.

    \b
    gatepost milter
    """
    _begin(app)
    from gatepost_milter.service import run

    run(app.config)


@click.command(cls=Command)
@pass_app
def agent(app: App) -> None:
    """Run the agent that keeps snapshot and database in step.

    It stays in the foreground, logs to standard error and ends with SIGTERM or SIGINT. One a host.

    \b
    gatepost agent
    """
    _begin(app)
    from gatepost_agent.agent import run

    run(app.config)


def _begin(app: App) -> None:
    """Log from here on, and give up root where the site has a user for Gatepost."""
    from gatepost_cli.logs import log_to_stderr
    from gatepost_cli.user import act_as

    log_to_stderr(debug=app.debug)
    act_as(app.config.site.user)
