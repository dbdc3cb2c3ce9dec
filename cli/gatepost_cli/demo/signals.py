"""Signals as the beginning of a good end: the first becomes an exception, and then none disturbs."""

from __future__ import annotations

import signal
from types import FrameType

_ALL = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_SIGNALS = tuple(number for number in _ALL if signal.getsignal(number) is not signal.SIG_IGN)
"""without those that nohup(1) or a shell has told us to ignore"""


class Interrupted(SystemExit):
    """One of the signals came; the exit status is the shell's, 128 plus its number."""


def leave_on_signals() -> None:
    """Raise Interrupted at the first SIGINT, SIGTERM or SIGHUP, and let no second one disturb the end."""
    for number in _SIGNALS:
        signal.signal(number, _leave)


def ignore_signals() -> None:
    """Let nothing interrupt what follows."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _leave(number: int, frame: FrameType | None) -> None:
    del frame
    ignore_signals()
    raise Interrupted(128 + number)
