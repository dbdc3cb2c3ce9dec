"""Results: a figure beside its reference and its target, as a table and as JSON. No I/O but the file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from rich.table import Table


@dataclass(frozen=True, slots=True)
class Target:
    """A bound for the ratio to the reference, or for the value where `of` says so."""

    at_least: float | None = None
    at_most: float | None = None
    of: str = "ratio"

    def __str__(self) -> str:
        sign, bound = ("≥", self.at_least) if self.at_most is None else ("≤", self.at_most)
        return f"{sign} {bound:g}" + ("" if self.of == "ratio" else " (value)")

    def met_by(self, figure: Figure) -> bool:
        """Whether the figure keeps the bound; one without the measure in question does not."""
        measured = figure.ratio if self.of == "ratio" else figure.value
        if measured is None:
            return False
        above = self.at_least is None or measured >= self.at_least
        return above and (self.at_most is None or measured <= self.at_most)


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured thing; value and reference have the same unit and come from the same run."""

    part: str
    subject: str
    value: float
    unit: str
    against: str = ""
    reference: float | None = None
    ratio: float | None = None
    target: Target | None = None

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without a target."""
        return None if self.target is None else self.target.met_by(self)


@dataclass(frozen=True, slots=True)
class Series:
    """What was measured of one thing, round by round."""

    name: str
    values: Sequence[float]


def paired(part: str, unit: str, mine: Series, reference: Series, target: Target | None = None) -> Figure:
    """A figure of medians, its ratio being the median of the ratios of the rounds."""
    ratios = [value / other for value, other in zip(mine.values, reference.values, strict=True)]
    value, other = median(mine.values), median(reference.values)
    return Figure(part, mine.name, value, unit, reference.name, other, median(ratios), target)


def table(figures: Sequence[Figure]) -> Table:
    """The table of ratios beside the targets."""
    drawn = Table("part", "what", title="Gatepost, measured")
    for heading in ("value", "unit"):
        drawn.add_column(heading, justify="right" if heading == "value" else "left")
    drawn.add_column("against")
    for heading in ("reference", "ratio", "target"):
        drawn.add_column(heading, justify="right")
    drawn.add_column("met")
    for figure in figures:
        drawn.add_row(*_row(figure))
    return drawn


def write_json(file: Path, figures: Sequence[Figure], machine: dict[str, object]) -> None:
    """Write all figures, and the machine that they belong to."""
    rows = [asdict(figure) | {"met": figure.met} for figure in figures]
    text = json.dumps({"machine": machine, "figures": rows}, indent=2, ensure_ascii=False)
    file.write_text(text + "\n", encoding="utf-8")


def _row(figure: Figure) -> tuple[str, ...]:
    met = {None: "", True: "[green]yes[/]", False: "[red]no[/]"}[figure.met]
    target = "" if figure.target is None else str(figure.target)
    numbers = (_number(figure.reference), _number(figure.ratio), target)
    head = (figure.part, figure.subject, _number(figure.value), figure.unit, figure.against)
    return (*head, *numbers, met)


def _number(value: float | None) -> str:
    """Three digits that count, thousands apart."""
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
