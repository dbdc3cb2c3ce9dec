"""`gatepost demo` as a process of its own: what it tells, and that it leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import smtplib
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from gatepost_cli.demo.imap import where_lies

PROGRAM = """
import sys
from gatepost_cli.demo import story
from gatepost_cli.main import main
story.CHAPTERS = {chapters}
sys.exit(main())
"""
WHOLE = "story.CHAPTERS"
ONE = "story.CHAPTERS[:1]"
WRONG = "(Chapter('', '', (Ask('rules list', says=('elephant',)),)),)"
SECONDS = 90


@pytest.fixture
def place(server_folder: Path) -> Path:
    """Give each demonstration a TMPDIR of its own."""
    folder = Path(tempfile.mkdtemp(dir=server_folder, prefix="t"))
    folder.chmod(0o755)
    return folder


def begin(place: Path, chapters: str, *options: str) -> subprocess.Popen[str]:
    """Start a demonstration of these chapters, in a process group of its own."""
    program = "from gatepost_cli.demo.steps import *\n" + PROGRAM.format(chapters=chapters)
    return subprocess.Popen(
        [sys.executable, "-c", program, "demo", *options],
        env=os.environ | {"TMPDIR": str(place)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for(process: subprocess.Popen[str], text: str) -> str:
    """Read what it prints up to a line with this text."""
    assert process.stdout is not None
    read = ""
    for line in process.stdout:
        read += line
        if text in line:
            return read
    pytest.fail(f"it ended without {text!r}:\n{read}{process.communicate()[1]}")


def read_object(process: subprocess.Popen[str]) -> str:
    """Read one JSON object, which ends with a brace at the beginning of a line."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line == "}\n":
            break
    return "".join(lines)


def wait_for_folder(place: Path) -> None:
    while not list(place.glob("gatepost-demo-*")):
        os.sched_yield()


def left(place: Path) -> list[str]:
    """Find folders, and processes that stand in them or were told of them."""
    processes = [
        path.name for path in Path("/proc").glob("[0-9]*") if _belongs(path, f"{place}/gatepost-demo-")
    ]
    return [*processes, *map(str, place.iterdir())]


def _belongs(process: Path, folder: str) -> bool:
    try:
        stands = str((process / "cwd").readlink()).startswith(folder)
        return stands or any(folder.encode() in (process / n).read_bytes() for n in ("cmdline", "environ"))
    except OSError:
        return False


def test_the_whole_story_is_as_it_must_be(place: Path) -> None:
    process = begin(place, WHOLE)
    told, complaint = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, told + complaint
    assert "checks passed" in told
    assert "\x1b" not in told, "no colours on a pipe"
    assert left(place) == []


def test_what_is_not_as_it_must_be_is_shown_and_counted(place: Path) -> None:
    process = begin(place, WRONG)
    told, complaint = process.communicate(timeout=SECONDS)
    assert process.returncode == 1
    assert "expected: elephant" in told
    assert "1 of 2 checks failed" in told
    assert "gatepost: 1 check failed" in complaint
    assert left(place) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_in_the_middle_leaves_nothing(place: Path, number: signal.Signals) -> None:
    process = begin(place, WHOLE)
    wait_for(process, "$ gatepost block 198.51.100.0/24")
    process.send_signal(number)
    complaint = process.communicate(timeout=SECONDS)[1]
    assert process.returncode == 128 + number
    assert complaint == "interrupted; everything is stopped and removed\n"
    assert left(place) == []


@pytest.mark.parametrize("seconds", [0.0, 0.1, 0.2, 0.3, 0.5])
def test_control_c_while_servers_start_leaves_nothing(place: Path, seconds: float) -> None:
    process = begin(place, WHOLE)
    wait_for_folder(place)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(seconds)
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=SECONDS)
    assert process.returncode == 128 + signal.SIGINT
    assert left(place) == []


def test_what_a_killed_one_left_does_not_disturb_the_next_and_is_removed_by_it(place: Path) -> None:
    killed = begin(place, WHOLE)
    wait_for(killed, "1. A blocked address")
    killed.kill()
    killed.communicate()
    assert len(left(place)) > 5
    following = begin(place, ONE)
    told, complaint = following.communicate(timeout=SECONDS)
    assert following.returncode == 0, told + complaint
    assert left(place) == []


def test_two_at_once_do_not_disturb_each_other(place: Path) -> None:
    both = [begin(place, ONE), begin(place, ONE)]
    for process in both:
        told, complaint = process.communicate(timeout=SECONDS)
        assert process.returncode == 0, told + complaint
    assert left(place) == []


def test_kept_servers_can_be_used_until_control_c(place: Path) -> None:
    process = begin(place, ONE, "--keep", "--json")
    host = json.loads(read_object(process))["host"]
    sender, ann = "joe@friends.example", "ann@example.com"
    with smtplib.SMTP("127.0.0.1", host["smtp_port"], source_address=(host["client"], 0)) as smtp:
        smtp.sendmail(sender, ann, "Subject: hello\r\n\r\nhi")
    while where_lies(host["imap_port"], ann, host["password"], "hello") != "INBOX":
        os.sched_yield()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=SECONDS)
    assert process.returncode == 0
    assert left(place) == []
