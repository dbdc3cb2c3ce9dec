"""The log of decisions: one line each, on standard error, written some at a time.

`logging` takes longer over a line than the judge over a message. So lines are gathered here and written
by a thread of their own; a kill -9 may lose the last half second of them, never the events.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from typing import TextIO

_WRITE_SECONDS = 0.5
_WAITING_LINES = 100_000
"""if nobody takes them, the oldest lines go"""


class DecisionLog:
    """Gathers lines; `start` and `stop` go around its use."""

    def __init__(self, name: str, stream: TextIO | None = None) -> None:
        """Write as the logger `name` would, at level INFO."""
        self._stream = stream or sys.stderr
        self._head = f"INFO {name}: "
        self._stamped = "JOURNAL_STREAM" not in os.environ
        self._lines: deque[tuple[float, str]] = deque(maxlen=_WAITING_LINES)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="decisions", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def stop(self) -> None:
        """Write what is left and end."""
        self._stop.set()
        self._thread.join()
        self.write()

    def note(self, line: str) -> None:
        """Take a line; what a stranger put into it has to be escaped (repr) already."""
        self._lines.append((time.time(), line))

    def write(self) -> None:
        """Write all lines that wait."""
        lines = []
        while self._lines:
            at, line = self._lines.popleft()
            lines.append(f"{_stamp(at) if self._stamped else ''}{self._head}{line}\n")
        if lines:
            with suppress(OSError):  # nobody reads our standard error, and mail goes on
                self._stream.write("".join(lines))
                self._stream.flush()

    def _run(self) -> None:
        while not self._stop.wait(_WRITE_SECONDS):
            self.write()


def _stamp(at: float) -> str:
    """Write a time as `logging` does."""
    return f"{time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(at))},{int(at % 1 * 1000):03d} "
