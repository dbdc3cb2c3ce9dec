"""The parent process: it ends when told, at whatever moment, and its workers with it."""

from __future__ import annotations

import subprocess
import sys
import time

SUPERVISE = """
import os, resource, sys, time
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
from gatepost_policyd.supervisor import Supervisor
def work():
    print("work", flush=True)
    {work}
print("ready", flush=True)
Supervisor(work, 3, lambda: print("crash", flush=True)).run()
"""


def supervise(work: str) -> subprocess.Popen[str]:
    """Run three workers that do this."""
    command = [sys.executable, "-c", SUPERVISE.format(work=work)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def said_in_half_a_second(work: str) -> list[str]:
    with supervise(work) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "ready\n"
        time.sleep(0.5)
        parent.terminate()
        return parent.communicate(timeout=10)[0].splitlines()


def test_it_ends_at_whatever_moment_it_is_told() -> None:
    parents = [supervise("time.sleep(60)") for _ in range(10)]
    for number, parent in enumerate(parents):
        assert parent.stdout is not None
        assert parent.stdout.readline() == "ready\n"
        time.sleep(number * 0.002)
        parent.terminate()
    for parent in parents:
        parent.communicate(timeout=10)  # the pipe's end shows that the workers are gone too
    assert {parent.returncode for parent in parents} <= {0, -15}


def test_workers_that_die_at_once_do_not_burn_the_machine() -> None:
    assert 3 <= said_in_half_a_second("pass").count("work") <= 5


def test_a_crash_is_told_and_an_exit_is_not() -> None:
    assert "crash" in said_in_half_a_second("os.abort()")
    assert "crash" not in said_in_half_a_second("sys.exit(3)")
