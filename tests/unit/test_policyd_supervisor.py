"""The parent process: it ends when told, at whatever moment, and its workers with it."""

from __future__ import annotations

import subprocess
import sys
import time

SUPERVISE = """
import os, sys, time
from gatepost_policyd.supervisor import Supervisor
def work():
    print(os.getpid(), flush=True)
    time.sleep(float(sys.argv[1]))
print("ready", flush=True)
Supervisor(work, 3).run()
"""


def supervise(seconds: float) -> subprocess.Popen[str]:
    """Run three workers that work for so long."""
    command = [sys.executable, "-c", SUPERVISE, str(seconds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def test_it_ends_at_whatever_moment_it_is_told() -> None:
    parents = [supervise(60) for _ in range(10)]
    for number, parent in enumerate(parents):
        assert parent.stdout is not None
        assert parent.stdout.readline() == "ready\n"
        time.sleep(number * 0.002)
        parent.terminate()
    for parent in parents:
        parent.communicate(timeout=10)  # its end shows that the workers have let go of the pipe too
        assert parent.returncode in {0, -15}


def test_workers_that_die_at_once_do_not_burn_the_machine() -> None:
    with supervise(0) as parent:
        time.sleep(0.5)
        parent.terminate()
        out, _ = parent.communicate(timeout=10)
    assert len(out.splitlines()) <= 5
