"""`gatepost demo`."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

import click

from gatepost.errors import GatepostError
from gatepost_cli.context import App, pass_app
from gatepost_cli.lazy import Command

if TYPE_CHECKING:  # imported when the story is told, not for --help
    from gatepost_cli.demo.host import PrivateHost
    from gatepost_cli.demo.results import Told
    from gatepost_cli.demo.show import Show


class StoryFailedError(GatepostError):
    """Something in the story was not as it must be."""

    exit_status = 1


@click.command(cls=Command)
@click.option("--keep", is_flag=True, help="Leave everything running until Ctrl-C, and say how to use it.")
@pass_app
def demo(app: App, *, keep: bool) -> None:
    """Tell what Gatepost does, with real mail on a private host.

    Starts a Postfix, a Dovecot and Gatepost's daemons in a temporary folder, on free ports of loopback;
    nothing of this machine's own mail is touched. Every step is checked, and the exit status is 1 if one is
    not as it must be. In the end all is stopped and removed. Only root can start mail servers.

    With --json: an object with ok, seconds, checks, failed, host, and chapters with their steps.

    \b
    gatepost demo
    gatepost demo --keep
    """
    from gatepost_cli.demo.show import Show, make_console
    from gatepost_cli.demo.signals import Interrupted

    show = Show(make_console(quiet=app.json))
    try:
        failed = _run(show, as_json=app.json, keep=keep)
    except Interrupted:
        click.echo("interrupted; everything is stopped and removed", err=True)
        raise
    show.paragraph("Everything is stopped and removed.")
    if failed:
        raise StoryFailedError(
            f"{failed} check{'s' * (failed > 1)} failed", "look for what was expected in the story above"
        )


def _run(show: Show, *, as_json: bool, keep: bool) -> int:
    """Start, tell, and stop everything; gives the number of failed checks."""
    from gatepost_cli.demo.cast import PLAN
    from gatepost_cli.demo.running import running_host

    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        with show.busy("Starting Postfix, Dovecot and Gatepost …"):
            host = stack.enter_context(running_host(PLAN))
        told = _tell(host, show)
        seconds = time.monotonic() - began
        show.summary(told, seconds)
        if as_json:
            _print_json(host, told, seconds)
        if keep:
            _stay(host, show)
        stack.enter_context(show.busy("Stopping …"))
    return sum(not row.ok for chapter in told for row in chapter.checks)


def _tell(host: PrivateHost, show: Show) -> list[Told]:
    from gatepost_cli.demo.perform import Performer
    from gatepost_cli.demo.results import Told
    from gatepost_cli.demo.story import CHAPTERS, introduction

    show.introduction(introduction(host))
    performer = Performer(host, show.columns_for_commands)
    told = []
    for number, chapter in enumerate(CHAPTERS, 1):
        show.chapter(number, chapter)
        results = []
        for step in chapter.steps:
            results.append(performer.perform(step))
            show.result(results[-1])
        told.append(Told(chapter, tuple(results)))
    return told


def _print_json(host: PrivateHost, told: list[Told], seconds: float) -> None:
    from gatepost_cli.demo.keep import place_json
    from gatepost_cli.demo.results import told_json
    from gatepost_cli.output import print_json

    checks = [row for chapter in told for row in chapter.checks]
    failed = sum(not row.ok for row in checks)
    print_json(
        {
            "ok": not failed,
            "seconds": round(seconds, 2),
            "checks": len(checks),
            "failed": failed,
            "host": place_json(host),
            "chapters": [told_json(chapter) for chapter in told],
        }
    )


def _stay(host: PrivateHost, show: Show) -> None:
    """Wait for Ctrl-C, which is here the wished-for end."""
    from gatepost_cli.demo.keep import how_to_use
    from gatepost_cli.demo.signals import Interrupted

    with contextlib.suppress(Interrupted):
        show.ways(how_to_use(host))
        show.paragraph("Everything keeps running until Ctrl-C.", "bold")
        while True:
            time.sleep(1)
