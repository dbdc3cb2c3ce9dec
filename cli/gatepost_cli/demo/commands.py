"""Running the real command line, in this process: it is quick, and the same code from its arguments on."""

from __future__ import annotations

import io
import shlex
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

from gatepost_cli.main import run


def run_gatepost(config_file: Path, line: str) -> tuple[int, str]:
    """Run `gatepost LINE`; gives its exit status and all that it printed."""
    printed = io.StringIO()
    with redirect_stdout(printed), redirect_stderr(printed):
        status = run(["--config", str(config_file), *shlex.split(line)])
    return status, printed.getvalue()
