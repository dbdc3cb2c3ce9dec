"""`gatepost events`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gatepost_cli.context import App, pass_app
from gatepost_cli.lazy import Command

if TYPE_CHECKING:  # imported when events are read, not for --help
    from collections.abc import Iterator

    from gatepost.store.events import EventRecord


@click.command(cls=Command)
@click.option("--ref", default="", help="The reference that a refused sender was told.")
@click.option(
    "--to", "recipient", default="", metavar="ADDRESS", help="For this recipient, or this domain's."
)
@click.option("--from", "sender", default="", metavar="ADDRESS", help="From this sender or domain.")
@click.option("--since", metavar="WHEN", help="A span back from now, like 2h or 7d, or a time in UTC.")
@click.option("--kind", type=click.Choice(["blocked", "junked", "unproven"]), help="Only these.")
@click.option(
    "--limit", type=click.IntRange(min=1), default=100, show_default=True, help="No more than this many."
)
@pass_app
def events(
    app: App, *, ref: str, recipient: str, sender: str, since: str | None, kind: str | None, limit: int
) -> None:
    """Tell what was blocked, junked or unproven, and by which rule.

    Newest first. On a terminal that is too narrow for the table, and with --ref, each is told in a few lines.
    Equal events within a minute are one, counted; the agent forgets them after 30 days.

    With --json: a list of objects with ref, at, kind, service, host, sender, header_from, recipient, client,
    queue_id, count, rule (its number, or null), rule_text, rule_removed.

    \b
    gatepost events --to ann@example.com --since 2h
    gatepost events --ref 7K2M9QXW4T
    """
    from gatepost.journal.entries import EventKind
    from gatepost.store.events import EventFilter, list_events

    wanted = EventFilter(ref, recipient, sender, _since(app, since), EventKind(kind) if kind else None)
    found = list_events(app.open_database(), wanted, limit)
    _print(app, found, in_words=bool(ref))
    if len(found) == limit and not app.json:
        click.echo(f"only the newest {limit} are shown; for more say --limit", err=True)


def _since(app: App, text: str | None) -> float | None:
    from gatepost.errors import UsageError
    from gatepost_cli.times import parse_span, parse_time

    if text is None:
        return None
    try:
        return app.now() - parse_span(text)
    except UsageError:
        return parse_time(text, app.now())


def _print(app: App, found: list[EventRecord], *, in_words: bool) -> None:
    from gatepost_cli.output import Column, plain_table, print_json_list, print_table, terminal_width

    if app.json:
        print_json_list(map(event_json, found))
        return
    titles = ("at", "kind", "from", "to", "client", "rule", "ref")
    columns, rows = (*map(Column, titles), Column("count", right=True)), list(map(_row, found))
    if found and (in_words or max(map(len, plain_table(columns, rows))) > terminal_width()):
        for event in found:
            click.echo("\n".join(_lines(event)))
    else:
        print_table(columns, rows)


def _lines(event: EventRecord) -> Iterator[str]:
    """Tell an event in lines that are narrow but for long addresses."""
    from gatepost_cli.times import short

    yield f"{short(event.at)} UTC  {event.kind}  ref {event.ref}"
    yield f"  from {event.sender or '<>'}"
    if event.header_from and event.header_from != event.sender:
        yield f"  header From {event.header_from}"
    yield f"  to {event.recipient}"
    yield f"  client {event.client}, {event.service} on {event.host}"
    yield f"  rule {_rule_text(event)}"
    if event.queue_id:
        yield f"  queue id {event.queue_id}"
    if event.count > 1:
        yield f"  {event.count} times within a minute"


def event_json(event: EventRecord) -> dict[str, object]:
    """Give an event as JSON."""
    from gatepost_cli.rule_view import in_words
    from gatepost_cli.times import iso

    names = ("service", "host", "sender", "header_from", "recipient", "client", "queue_id", "count")
    return {
        "ref": event.ref,
        "at": iso(event.at),
        "kind": event.kind,
        **{name: getattr(event, name) for name in names},
        "rule": event.rule_id,
        "rule_text": in_words(event.rule.rule.terms) if event.rule else None,
        "rule_removed": event.rule.removed if event.rule else None,
    }


def _row(event: EventRecord) -> tuple[str, ...]:
    from gatepost_cli.times import short

    return (
        short(event.at),
        event.kind,
        event.sender or "<>",
        event.recipient,
        event.client,
        _rule_text(event),
        event.ref,
        str(event.count),
    )


def _rule_text(event: EventRecord) -> str:
    if event.rule_id is None:
        return "-"
    if event.rule is None:
        return f"{event.rule_id}: (erased)"
    terms = event.rule.rule.terms
    removed = " (removed)" if event.rule.removed else ""
    return f"{event.rule_id}: {terms.action} {terms.pattern} for {terms.scope}{removed}"
