"""Leaving no process behind, whatever happens: not even one that has detached itself.

Entry points: `adopt_orphans`, `end_descendants`. Source: prctl(2), PR_SET_CHILD_SUBREAPER.
"""

from __future__ import annotations

import ctypes
import os
import signal
from contextlib import suppress
from pathlib import Path

_PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """Become the parent of every descendant that loses its own, so that none can get away."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_descendants() -> None:
    """Kill all children, and theirs as they fall to us, until there is none."""
    while True:
        for pid in _children():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def command_of(pid: int) -> list[str]:
    """Give the arguments of a process; none if it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace").split("\0")[:-1]
    except OSError:
        return []


def all_pids() -> list[int]:
    """List the processes of this machine."""
    return [int(path.name) for path in Path("/proc").glob("[0-9]*")]


def _children() -> list[int]:
    return [pid for pid in all_pids() if _parent(pid) == os.getpid()]


def _parent(pid: int) -> int:
    """Read proc(5)'s stat file past a name that may hold spaces; 0 if the process has ended."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0
