"""`make bench`: measure, print ratios beside targets, write JSON."""

from __future__ import annotations

import os
import platform
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import click
from rich.console import Console

from . import build, suites
from .figures import Figure, table, write_json
from .processes import BenchError
from .suites import FULL_SIZES, QUICK_SIZES, Plan

TABLE_WIDTH = 150  # also where the output is no terminal
PARTS = ("policy", "milter", "snapshot", "import", "cli")
SUITES: tuple[Callable[[Plan, Path], Iterator[Figure]], ...] = (
    suites.cli,
    suites.peers,
    suites.postfix,
    suites.lists,
)


@click.command()
@click.option("--quick", is_flag=True, help="Few rounds, lists of 1 thousand and 100 thousand rules.")
@click.option("--only", type=click.Choice(PARTS), multiple=True, help="A part to measure; may be repeated.")
@click.option("--rules", type=int, multiple=True, help="A length of the list; may be repeated.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Where to write the figures.")
def main(*, quick: bool, only: tuple[str, ...], rules: tuple[int, ...], json_file: Path | None) -> None:
    """Measure Gatepost against what does nothing, in one run."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that all servers end
    sizes = tuple(sorted(rules)) or (QUICK_SIZES if quick else FULL_SIZES)
    parts = frozenset(only or PARTS)
    plan = Plan(parts, sizes, 3, 1, 4, 200) if quick else Plan(parts, sizes, 5, 3, 18, 400)
    figures, failed = _measure(plan)
    Console(width=max(Console().width, TABLE_WIDTH)).print(table(figures))
    target = json_file or build.CACHE / "figures.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    write_json(target, figures, _machine())
    click.echo(f"written to {target}")
    if failed:
        raise click.ClickException("\n".join(failed))


def _measure(plan: Plan) -> tuple[list[Figure], list[str]]:
    """All suites, each in spite of the others' failures."""
    figures: list[Figure] = []
    failed: list[str] = []
    with tempfile.TemporaryDirectory(prefix="gatepost-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # Postfix and postfwd are other users
        for suite in SUITES:
            try:
                for figure in suite(plan, folder):
                    figures += [figure] if figure.part in plan.parts else []
            except BenchError as error:
                failed.append(f"{suite.__name__}: {error}")
    return figures, failed


def _machine() -> dict[str, object]:
    return {
        "cpus": len(os.sched_getaffinity(0)),
        "system": platform.platform(),
        "python": platform.python_version(),
        "load": os.getloadavg(),
    }


if __name__ == "__main__":
    main()
