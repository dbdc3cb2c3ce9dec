"""`gatepost rules import`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import click

from gatepost.errors import DataError, UsageError
from gatepost_cli.context import App, pass_app
from gatepost_cli.lazy import Command

if TYPE_CHECKING:  # imported when something is imported, not for --help
    from gatepost.store.bulk import Summary
    from gatepost.store.staging import Staged
    from gatepost_cli.input_file import Input
    from gatepost_cli.rule_file import BadLine

_SHOWN = 20
_LONGEST_ORIGIN = 32
_LINES_A_STEP = 5000


@click.command("import", cls=Command)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--yes", is_flag=True, help="Ask nothing.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@click.option(
    "--origin", default="import", metavar="NAME", help="What these rules are known by; default import."
)
@click.option(
    "--replace-origin", is_flag=True, help="Also remove rules of that origin that FILE does not name."
)
@click.option(
    "--format", "form", type=click.Choice(["csv", "jsonl"]), help="Default: by FILE's name, else csv."
)
@pass_app
def import_(
    app: App, file: str, origin: str, form: str | None, *, yes: bool, dry_run: bool, replace_origin: bool
) -> None:
    """Add the rules of a file, as one batch.

    FILE is CSV whose first line names the columns action,pattern,scope and if wanted
    effect,enforced,proof,expires,note; or one JSON object a line with the same keys. It may be compressed
    by gzip; - is standard input. A rule with the same action, pattern, scope and enforcement is replaced.
    If any line is bad, nothing is changed. gatepost rules undo takes the whole batch back.

    With --json: an object with new, changed, same, repeated, gone (counts) and batch (null if nothing was
    written) and warnings (a list of texts).

    \b
    gatepost rules import blocklist.csv --dry-run
    gatepost rules import blocklist.csv.gz --origin vendor --replace-origin --yes
    """
    from gatepost.store.bulk import importing
    from gatepost_cli.input_file import open_input
    from gatepost_cli.output import confirm
    from gatepost_cli.progress import progress

    _refuse_origin(origin)
    batch = None
    with open_input(file) as source, importing(app.open_database(), origin, replace=replace_origin) as work:
        summary = work.load(_good_lines(source, form or _form(file), app.now()))
        if not app.json:
            _show(summary, origin)
        if not dry_run and summary.touches:
            confirm("Import this?", yes=yes)
            with progress("writing", summary.writes) as done:
                batch = work.apply(app.author, summary, done)
    _tell(app, summary, batch)


def _refuse_origin(origin: str) -> None:
    if not 0 < len(origin) <= _LONGEST_ORIGIN or origin == "cli":
        hint = f"choose a name of at most {_LONGEST_ORIGIN} characters, but not cli, which is that of allow and block"
        raise UsageError(f"no origin for an import: {origin!r}", hint)


def _form(file: str) -> str:
    return "jsonl" if file.removesuffix(".gz").endswith((".jsonl", ".ndjson")) else "csv"


def _good_lines(source: Input, form: str, now: float) -> Iterator[Staged]:
    """Read all lines, with a bar; DataError in the end if any of them was bad."""
    from gatepost_cli.progress import progress
    from gatepost_cli.rule_file import BadLine, read_csv, read_jsonl

    bad: list[BadLine] = []
    count = 0
    read = read_jsonl if form == "jsonl" else read_csv
    with progress("reading", source.size) as done:
        for number, line in enumerate(read(source.lines, now)):
            if number % _LINES_A_STEP == 0:
                done(source.position())
            if isinstance(line, BadLine):
                count += 1
                bad += [line] if count <= _SHOWN else []
            elif not count:
                yield line
    if count:
        raise DataError(
            _complaint(source.name, bad, count), "nothing was changed; correct the file and import it again"
        )


def _complaint(name: str, bad: Iterable[BadLine], count: int) -> str:
    lines = [one.shown(name) for one in bad]
    more = [f"and {count - len(lines)} more"] if count > len(lines) else []
    noun = "bad line" if count == 1 else "bad lines"
    return "\n  ".join([f"{count} {noun} in {name}", *lines, *more])


def _show(summary: Summary, origin: str) -> None:
    counts = {
        "new": (summary.new, "to be added"),
        "changed": (summary.changed, "with other terms than now"),
        "same": (summary.same, "there already"),
        "repeated": (summary.repeated, "lines for a rule that a later line names again"),
        "gone": (summary.gone, f"of origin {origin} that the file does not name, to be removed"),
    }
    for name, (count, text) in counts.items():
        if count:
            click.echo(f"{count:>10,}  {text}")
        for example in summary.examples.get(name, ()):
            click.echo(f"{'':12}{example}")


def _warnings(summary: Summary) -> list[str]:
    from gatepost_cli.rule_warnings import UNTIL_PROVEN

    if not summary.unproven:
        return []
    what = f"{summary.unproven:,} of these ask for proof, and so count as absent {UNTIL_PROVEN}"
    return [f"{what}; for now: none in the column proof"]


def _tell(app: App, summary: Summary, batch: int | None) -> None:
    from gatepost_cli.output import print_json, warn

    if app.json:
        counts = {name: getattr(summary, name) for name in ("new", "changed", "same", "repeated", "gone")}
        print_json(counts | {"batch": batch, "warnings": _warnings(summary)})
        return
    for text in _warnings(summary):
        warn(text)
    if batch is None:
        click.echo("nothing to do" if not summary.touches else "nothing was changed")
    else:
        click.echo(f"imported as batch {batch}; to take it back: gatepost rules undo {batch}")
