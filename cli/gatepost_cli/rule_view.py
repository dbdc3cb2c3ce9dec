"""A rule as JSON, as a row of a table and in words."""

from __future__ import annotations

from gatepost.rule import Action, Terms
from gatepost.store.rules import RuleRecord
from gatepost_cli.output import Column
from gatepost_cli.times import iso, short

COLUMNS = (
    Column("id", right=True),
    Column("action"),
    Column("pattern"),
    Column("scope"),
    Column("terms"),
    Column("expires"),
    Column("hits", right=True),
    Column("note"),
)


def rule_json(record: RuleRecord) -> dict[str, object]:
    """Give the contract of `rules list --json`; an allow has no effect and a block no proof."""
    terms = record.rule.terms
    allows = terms.action is Action.ALLOW
    return {
        "id": record.rule.id,
        "action": terms.action.value,
        "effect": None if allows else terms.effect.value,
        "pattern": terms.pattern.text,
        "scope": str(terms.scope),
        "enforced": terms.enforced,
        "proof": terms.demand.value if allows else None,
        "expires": iso(terms.expires),
        "note": record.note,
        "author": record.author,
        "origin": record.origin,
        "created": iso(record.created),
        "hits": record.hits,
        "last_hit": iso(record.last_hit),
    }


def rule_row(record: RuleRecord) -> tuple[str, ...]:
    """Give the cells of a table."""
    terms = record.rule.terms
    expires = short(terms.expires)
    return (
        str(record.rule.id),
        terms.action.value,
        terms.pattern.text,
        str(terms.scope),
        terms_text(terms),
        expires,
        str(record.hits),
        record.note,
    )


def terms_text(terms: Terms) -> str:
    """Say what else a rule demands, as far as it says anything."""
    own = f"proof {terms.demand}" if terms.action is Action.ALLOW else terms.effect.value
    return f"enforced, {own}" if terms.enforced else own


def in_words(terms: Terms) -> str:
    """Say a rule in one line."""
    text = f"{terms.action} {terms.pattern} for {terms.scope} ({terms_text(terms)})"
    return f"{text}, until {short(terms.expires)} UTC" if terms.expires is not None else text
