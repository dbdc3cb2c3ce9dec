"""`gatepost explain`: the judge's own answer for a message that need not exist."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import click

from gatepost_cli.context import App, pass_app
from gatepost_cli.lazy import Command

if TYPE_CHECKING:  # imported when something is explained, not for --help
    from gatepost.errors import DatabaseError
    from gatepost.judge import Claims, Proofs, Target
    from gatepost.lookup import Lookup
    from gatepost_cli.explain_view import Explained


class Question(NamedTuple):
    """A message that need not exist."""

    recipient: str
    envelope: Claims
    """what is known at RCPT"""
    everything: Claims
    """what is known at the end of the message"""
    proofs: Proofs
    now: float
    domains: list[str]
    """the site's own, as far as they are known"""


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
    TIME is a date or time in UTC, or a span from now: 2026-12-31, 2026-12-31T18:00, 30d. While the database
    is down, the answer is by the snapshot, and says so.

    With --json: an object with recipient, mailbox, verdict (allow, block, none), by (rule, none), rule (as
    in rules list, or null), beats and unproven (lists of rules), proof, policy_action (what Postfix is told
    at RCPT), warnings (a list of texts). An alias of several mailboxes has recipient, policy_action, targets,
    an object a mailbox, and warnings. By the snapshot, note, author, origin, created and hits are null.

    \b
    gatepost explain --from joe@x.org --to ann@example.com
    gatepost explain --from joe@x.org --to sales@example.com --client 192.0.2.7 --unproven
    """
    from gatepost.errors import DatabaseError
    from gatepost.proofs import EverythingProven, NothingProven
    from gatepost_cli.times import parse_time

    now = app.now()
    when = parse_time(at, now) if at else now
    proofs = NothingProven() if unproven else EverythingProven()
    claims = _claims(sender, client, header_from)
    question = Question(recipient, *claims, proofs, when, app.config.site.domains)
    try:
        found = _by_database(app, question)
    except DatabaseError as wrong:
        found = _by_snapshot(app, question, wrong)
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


def _by_database(app: App, question: Question) -> Explained:
    from gatepost.store.database import reading
    from gatepost.store.rules import Filter, stream_records
    from gatepost.store.sql_lookup import SqlLookup

    with reading(app.open_database()) as connection:
        found = _explain(question, SqlLookup(connection))
        named = tuple({rule.id for rule in found.rules})
        records = {r.rule.id: r for r in stream_records(connection, Filter(ids=named))} if named else {}
    return replace(found, records=records)


def _by_snapshot(app: App, question: Question, wrong: DatabaseError) -> Explained:
    """Ask what the daemons ask while the database is down; without a snapshot either, say what is wrong."""
    from gatepost.snapshot.generation import SnapshotError
    from gatepost.snapshot.reader import SnapshotReader

    reader = SnapshotReader(app.config.snapshot_folder)
    position = reader.position()
    try:
        with reader.view() as view:
            found = _explain(question, view)
    except SnapshotError:
        raise wrong from None
    finally:
        reader.close()
    change = position.number if position else "?"
    warning = f"the database is down; this is by the snapshot of change {change} ({wrong.message})"
    return replace(found, warnings=(warning, *found.warnings))


def _explain(question: Question, lookup: Lookup) -> Explained:
    from gatepost.decision import RcptAnswer, at_rcpt
    from gatepost.judge import judge
    from gatepost.recipient import targets
    from gatepost_cli.explain_view import Explained

    recipient, envelope, everything, proofs, now, domains = question
    mailboxes = targets(recipient, lookup)
    at_first = tuple((target, judge(envelope, target, lookup, proofs, now)) for target in mailboxes)
    answer = at_rcpt([verdict for _, verdict in at_first])
    verdicts = at_first  # what is refused at RCPT has no end of message that could still change it
    if answer is not RcptAnswer.REJECT:
        verdicts = tuple((target, judge(everything, target, lookup, proofs, now)) for target in mailboxes)
    return Explained(recipient, everything, verdicts, answer, _foreign(recipient, mailboxes, domains))


def _foreign(recipient: str, mailboxes: Sequence[Target], domains: Iterable[str]) -> tuple[str, ...]:
    """Warn of a recipient that is neither in a domain of this site nor an alias."""
    from gatepost.address import parse_address
    from gatepost.domain import canonical_domain

    base = parse_address(recipient).base
    ours = set(map(canonical_domain, domains))
    is_alias = [target.mailbox for target in mailboxes] != [str(base)]
    if not ours or not base.domain or base.domain in ours or is_alias:
        return ()
    return (
        f"{base.domain} is not among site.domains: Postfix refuses to relay there whatever Gatepost says",
    )


def _tell(app: App, found: Explained) -> None:
    from gatepost_cli.explain_view import as_json, in_lines
    from gatepost_cli.output import print_json, warn

    if app.json:
        print_json(as_json(found))
        return
    for line in in_lines(found):
        click.echo(line)
    for text in found.warnings:
        warn(text)
