"""`gatepost allow` and `gatepost block`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from gatepost.errors import UsageError
from gatepost_cli.context import App, pass_app
from gatepost_cli.lazy import Command

if TYPE_CHECKING:  # imported when a rule is made, not for --help
    from sqlalchemy.engine import Engine

    from gatepost.rule import Action, Terms
    from gatepost.store.rules import RuleRecord


@dataclass(frozen=True, slots=True)
class Wish:
    """A rule in the words of the command line."""

    pattern: str
    scope: str
    enforced: bool
    effect: str | None
    expires: str
    note: str
    proof: str | None


def _wish(function: Callable[..., None]) -> Callable[..., None]:
    for decorate in (
        click.option("--note", default="", metavar="TEXT", help="Why; shown by rules list."),
        click.option(
            "--proof", type=click.Choice(["auto", "required", "none"]), help="For allow; default auto."
        ),
        click.option(
            "--expires", default="never", metavar="WHEN", help="12h, 30d, 2w, a date in UTC, never."
        ),
        click.option("--effect", type=click.Choice(["reject", "junk"]), help="For block; default reject."),
        click.option("--enforced", is_flag=True, help="Narrower scopes cannot override it."),
        click.option(
            "--for", "scope", default="site", metavar="SCOPE", help="site (default), a domain, a mailbox."
        ),
        click.argument("pattern"),
    ):
        function = decorate(function)
    return function


@click.command(cls=Command)
@_wish
@pass_app
def allow(app: App, /, **words: Any) -> None:  # the fields of Wish
    """Let mail in that matches PATTERN.

    PATTERN is an address (joe@x.org), a domain (x.org), a domain with all below it (.x.org), a local part
    anywhere (joe@), an IP address or a network. An allow by anything but an IP asks for proof by SPF or
    DKIM that the sender is no forger; --proof none does without.

    \b
    gatepost allow joe@x.org --for ann@example.com
    gatepost allow x.org --for example.com --expires 30d --note "until they have moved"
    gatepost allow 192.0.2.0/24
    """
    from gatepost.rule import Action

    _make(app, Action.ALLOW, Wish(**words))


@click.command(cls=Command)
@_wish
@pass_app
def block(app: App, /, **words: Any) -> None:  # the fields of Wish
    """Keep mail out that matches PATTERN.

    PATTERN is an address (joe@x.org), a domain (x.org), a domain with all below it (.x.org), a local part
    anywhere (joe@), an IP address or a network. A block refuses mail in the SMTP dialogue; with
    --effect junk it is accepted and filed into Junk.

    \b
    gatepost block .x.org
    gatepost block x.org --for example.com --effect junk
    gatepost block 192.0.2.0/24 --enforced --note "open proxies"
    """
    from gatepost.rule import Action

    _make(app, Action.BLOCK, Wish(**words))


def _make(app: App, action: Action, wish: Wish) -> None:
    from gatepost.store.rules import NewRule, add_rule

    terms = _terms(action, wish, app.now())
    engine = app.open_database()
    record, replaced = add_rule(engine, app.author, NewRule(terms, wish.note))
    _tell(app, record, replaced, _warnings(app, engine, record))


def _terms(action: Action, wish: Wish, now: float) -> Terms:
    from gatepost.pattern import parse_pattern
    from gatepost.rule import Demand, Effect, Terms, make_terms
    from gatepost.scope import parse_scope
    from gatepost_cli.times import parse_expiry

    pattern = parse_pattern(wish.pattern)
    _refuse_what_does_not_fit(action, wish, needs_proof=pattern.needs_proof)
    terms = Terms(
        action,
        pattern,
        parse_scope(wish.scope),
        wish.enforced,
        Effect(wish.effect or "reject"),
        Demand(wish.proof or "auto"),
        parse_expiry(wish.expires, now),
    )
    return make_terms(terms)


def _refuse_what_does_not_fit(action: Action, wish: Wish, *, needs_proof: bool) -> None:
    if action == "allow" and wish.effect:
        raise UsageError("--effect is for block: an allow has no effect but to let mail in")
    if action == "block" and wish.proof:
        raise UsageError("--proof is for allow: a block needs no proof, it holds for forgers too")
    if not needs_proof and wish.proof in {"auto", "required"}:
        raise UsageError("--proof is not for IP addresses: nobody can forge the address of a connection")


def _warnings(app: App, engine: Engine, record: RuleRecord) -> list[str]:
    from gatepost.store.database import reading
    from gatepost.store.scopes import scope_domains
    from gatepost.store.sql_lookup import SqlLookup
    from gatepost_cli.rule_warnings import own_domains, warnings

    with reading(engine) as connection:
        own = own_domains(app.config.site.domains, scope_domains(connection))
        return warnings(record.rule, SqlLookup(connection), own, app.now())


def _tell(app: App, record: RuleRecord, replaced: RuleRecord | None, found: list[str]) -> None:
    from gatepost_cli.output import print_json, warn
    from gatepost_cli.rule_view import in_words, rule_json

    if app.json:
        print_json(rule_json(record) | {"replaced": replaced and replaced.rule.id, "warnings": found})
        return
    click.echo(f"rule {record.rule.id}: {in_words(record.rule.terms)}")
    if replaced is not None:
        click.echo(f"it replaces rule {replaced.rule.id}: {in_words(replaced.rule.terms)}")
    for text in found:
        warn(text)
