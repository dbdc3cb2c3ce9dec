"""`gatepost explain`: the judge's own answer for a message that need not exist."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gatepost_cli.context import App, pass_app
from gatepost_cli.lazy import Command

if TYPE_CHECKING:  # imported when something is explained, not for --help
    from sqlalchemy.engine import Connection

    from gatepost.judge import Claims, Proofs
    from gatepost_cli.explain_view import Explained


@click.command(cls=Command)
@click.option("--from", "sender", metavar="A", required=True, help="Envelope sender; <> is that of a bounce.")
@click.option("--to", "recipient", metavar="B", required=True, help="Recipient, an alias too.")
@click.option("--client", metavar="IP", default="", help="Client address.")
@click.option("--header-from", metavar="A", multiple=True, help="From: header; more than one if said again.")
@click.option("--at", metavar="TIME", help="Judge as of this time, which decides what has expired.")
@click.option("--unproven", is_flag=True, help="As if SPF and DKIM had proven nothing.")
@pass_app
def explain(
    app: App,
    *,
    sender: str,
    recipient: str,
    client: str,
    header_from: tuple[str, ...],
    at: str | None,
    unproven: bool,
) -> None:
    """Tell what becomes of a message, and by which rule.

    There is no message to prove anything with, so an allow is taken as proven; --unproven says the opposite.
    TIME is a date or time in UTC, or a span from now: 2026-12-31, 2026-12-31T18:00, 30d.

    With --json: an object with recipient, mailbox, verdict (allow, block, none), by (rule, none), rule (as
    in rules list, or null), beats and unproven (lists of rules), proof, policy_action (what Postfix is told
    at RCPT). An alias of several mailboxes has recipient, policy_action and targets, an object a mailbox.

    \b
    gatepost explain --from joe@x.org --to ann@example.com
    gatepost explain --from joe@x.org --to sales@example.com --client 192.0.2.7 --unproven
    """
    from gatepost.proofs import EverythingProven, NothingProven
    from gatepost.store.database import reading
    from gatepost_cli.times import parse_time

    now = app.now()
    when = parse_time(at, now) if at else now
    proofs = NothingProven() if unproven else EverythingProven()
    claims = _claims(sender, client, header_from)
    with reading(app.open_database()) as connection:
        found = _explain(connection, recipient, claims, proofs, when)
    _tell(app, found)


def _claims(sender: str, client: str, header_from: tuple[str, ...]) -> tuple[Claims, Claims]:
    """Give what is known at RCPT, and what is known at the end of the message."""
    from gatepost.errors import DataError
    from gatepost.header_from import parse_from
    from gatepost.judge import Claims
    from gatepost.network import parse_client
    from gatepost.probe import header_probes, sender_probes

    network = parse_client(client)
    if client and network is None:
        raise DataError(f"not an IP address: {client!r}", "write it like 192.0.2.7 or 2001:db8::7")
    probes = sender_probes(sender)
    authors = parse_from(header_from)
    header = header_probes(authors.addresses, certain=authors.certain)
    return Claims(probes, network), Claims((*probes, *header), network)


def _explain(
    connection: Connection, recipient: str, claims: tuple[Claims, Claims], proofs: Proofs, now: float
) -> Explained:
    from gatepost.decision import RcptAnswer, at_rcpt
    from gatepost.judge import judge
    from gatepost.recipient import targets
    from gatepost.store.rules import Filter, stream_records
    from gatepost.store.sql_lookup import SqlLookup
    from gatepost_cli.explain_view import Explained

    envelope, everything = claims
    lookup = SqlLookup(connection)
    mailboxes = targets(recipient, lookup)
    at_first = tuple((target, judge(envelope, target, lookup, proofs, now)) for target in mailboxes)
    answer = at_rcpt([verdict for _, verdict in at_first])
    verdicts = at_first  # what is refused at RCPT has no end of message that could still change it
    if answer is not RcptAnswer.REJECT:
        verdicts = tuple((target, judge(everything, target, lookup, proofs, now)) for target in mailboxes)
    named = {r.id for _, v in verdicts for r in (v.rule, *v.beats, *v.unproven) if r is not None}
    records = {r.rule.id: r for r in stream_records(connection, Filter(ids=tuple(named)))} if named else {}
    return Explained(recipient, everything, verdicts, answer, records)


def _tell(app: App, found: Explained) -> None:
    from gatepost_cli.explain_view import as_json, in_lines
    from gatepost_cli.output import print_json

    if app.json:
        print_json(as_json(found))
        return
    for line in in_lines(found):
        click.echo(line)
