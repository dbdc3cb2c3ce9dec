"""Running the real command line, in this process: it is quick, and the same code from its arguments on."""

from __future__ import annotations

import io
import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

from gatepost_cli.main import run

_WIDTH = "COLUMNS"


class _Terminal(io.StringIO):
    """What is printed here looks as on a terminal."""

    def isatty(self) -> bool:
        """Claim to be one."""
        return True


def run_gatepost(config_file: Path, line: str, columns: int | None = None) -> tuple[int, str]:
    """Run `gatepost LINE` as on a terminal of so many columns, or on a pipe; gives its exit status and output."""
    printed = _Terminal() if columns else io.StringIO()
    complained = io.StringIO()
    with _terminal_width(columns), redirect_stdout(printed), redirect_stderr(complained):
        status = run(["--config", str(config_file), *shlex.split(line)])
    return status, printed.getvalue() + complained.getvalue()


@contextmanager
def _terminal_width(columns: int | None) -> Iterator[None]:
    before = os.environ.get(_WIDTH)
    if columns:
        os.environ[_WIDTH] = str(columns)
    try:
        yield
    finally:
        os.environ.pop(_WIDTH, None)
        if before is not None:
            os.environ[_WIDTH] = before
