"""The group `gatepost rules`."""

from __future__ import annotations

import click

from gatepost_cli.commands import RULES
from gatepost_cli.lazy import LazyGroup


@click.group(cls=LazyGroup, entries=RULES)
def rules() -> None:
    """List, remove, import, export and undo rules.

    \b
    gatepost rules list --for ann@example.com
    gatepost rules import blocklist.csv
    gatepost rules undo
    """
