"""The one place where a command's end becomes an exit status, and an exception a text for a person.

The exit statuses are those of sysexits.h, as `gatepost.errors` draws them; a usage error of click is 64,
anything unexpected 70, a refused question 1, a reader of the output that went away 1 (as click has it), and
an interrupt 130, as in a shell.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable

import click
from click.exceptions import NoArgsIsHelpError

from gatepost.errors import GatepostError, UsageError

_INTERRUPTED = 130
_BROKEN_PIPE = 1
_BUG = 70


class Declined(Exception):  # noqa: N818  not an error: a person said no
    """The question was answered with no."""

    exit_status = 1


def guarded(run: Callable[[], object], *, as_json: bool, debug: bool) -> int:
    """Run the command line and give the exit status."""
    try:
        run()
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(
            os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno()
        )  # so that the exit does not flush again
        return _BROKEN_PIPE
    except (click.Abort, KeyboardInterrupt):
        return _INTERRUPTED
    except Declined:
        click.echo("nothing was changed", err=True)
        return Declined.exit_status
    except Exception as error:  # noqa: BLE001  the last resort, which says so
        return _report(error, as_json=as_json, debug=debug)
    return 0


def _report(error: Exception, *, as_json: bool, debug: bool) -> int:
    if debug:
        click.echo("".join(traceback.format_exception(error)), err=True, nl=False)
    if isinstance(error, NoArgsIsHelpError) and not as_json:
        click.echo(error.format_message(), err=True)
        return UsageError.exit_status
    message, hint, status = _explained(error)
    if as_json:
        click.echo(json.dumps({"error": message, "hint": hint or None}, ensure_ascii=False), err=True)
    else:
        click.echo(f"gatepost: {message}" + (f"\nhint: {hint}" if hint else ""), err=True)
    return status


def _explained(error: Exception) -> tuple[str, str, int]:
    """Give message, hint and exit status of an exception."""
    if isinstance(error, GatepostError):
        return error.message, error.hint, error.exit_status
    if isinstance(error, click.ClickException):
        ctx = error.ctx if isinstance(error, click.UsageError) else None
        hint = f"see: {ctx.command_path} --help" if ctx else ""
        return error.format_message(), hint, UsageError.exit_status
    hint = "this is a bug of Gatepost; for the traceback say: gatepost --debug …"
    return f"unexpected {type(error).__name__}: {error}", hint, _BUG
