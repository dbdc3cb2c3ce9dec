"""Writing rules in the form that `gatepost_cli.rule_file` reads."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from typing import TextIO

from gatepost.rule import Action
from gatepost.store.rules import RuleRecord
from gatepost_cli.rule_file import COLUMNS
from gatepost_cli.times import iso


def write_csv(records: Iterable[RuleRecord], out: TextIO) -> None:
    """Write CSV with its header line."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    quoting = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL)
    for record in records:
        odd = "\r" in record.note  # which Python before 3.13 does not quote by itself
        (quoting if odd else writer).writerow(_cells(record))


def write_jsonl(records: Iterable[RuleRecord], out: TextIO) -> None:
    """Write one JSON object a line, without what is empty."""
    for record in records:
        values = {name: cell for name, cell in zip(COLUMNS, _cells(record), strict=True) if cell}
        out.write(json.dumps(values, ensure_ascii=False) + "\n")


def _cells(record: RuleRecord) -> tuple[str, ...]:
    terms = record.rule.terms
    allows = terms.action is Action.ALLOW
    return (
        terms.action.value,
        terms.pattern.text,
        str(terms.scope),
        "" if allows else terms.effect.value,
        "yes" if terms.enforced else "",
        terms.demand.value if allows else "",
        iso(terms.expires) or "",
        record.note,
    )
