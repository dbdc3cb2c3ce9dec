"""Generations of the snapshot: switching, letting go, and damage."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.unit.snapshots import change, touched, write

from gatepost.lookup import Alias
from gatepost.pattern import parse_pattern
from gatepost.probe import sender_probes
from gatepost.rule import Action, Rule, Terms
from gatepost.scope import parse_scope
from gatepost.snapshot.generation import (
    COMPLAINT,
    SnapshotError,
    current_name,
    new_name,
    open_for_writing,
    publish,
    remove_unread,
    set_aside,
    verify,
)
from gatepost.snapshot.reader import SnapshotReader
from gatepost.snapshot.writer import apply

NAME = "00000001"
READ = """
import sys
from pathlib import Path
from gatepost.probe import sender_probes
from gatepost.snapshot.generation import SnapshotError
from gatepost.snapshot.reader import SnapshotReader
reader = SnapshotReader(Path(sys.argv[1]))
def ids(scope):
    return [match.rule.id for match in view.matches(scope, sender_probes("joe@x.org"), None)]
"""
COMPARE = (
    READ
    + """
views = odd = last = 0
print("ready", flush=True)
while last < 1000:
    with reader.view() as view:
        (one,), (two,) = ids(""), ids("example.com")
        alias = view.alias("sales@example.com")
    views, last = views + 1, one
    odd += not one == two == int(alias.targets[0])
print(views, odd)
"""
)
OPEN = (
    READ
    + """
try:
    with reader.view() as view:
        ids("")
except SnapshotError as error:
    print(error)
"""
)
HOLD = (
    READ
    + """
for line in sys.stdin:
    if line == "follow\\n":
        reader.follow()
    with reader.view() as view:
        print(*ids(""), flush=True)
"""
)


def block(number: int, scope: str = "") -> Rule:
    return Rule(number, Terms(Action.BLOCK, parse_pattern("x.org"), parse_scope(scope)))


def many(count: int) -> list[Rule]:
    terms = [Terms(Action.BLOCK, parse_pattern(f"u{n}@x.org"), parse_scope("")) for n in range(count)]
    return [Rule(number, one) for number, one in enumerate(terms, start=1)]


def python(code: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@contextmanager
def reading(folder: Path, code: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", code, str(folder)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def ask(process: subprocess.Popen[str], line: str) -> str:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()
    return process.stdout.readline().strip()


def test_a_reader_never_sees_half_a_change(tmp_path: Path) -> None:
    def state(number: int) -> tuple[list[Rule], dict[str, Alias | None]]:
        return [block(number), block(number, "example.com")], {"sales@example.com": Alias((str(number),))}

    write(tmp_path, *state(1))
    with reading(tmp_path, COMPARE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        generation = open_for_writing(tmp_path, NAME, gib=1, sync=False)
        for number in range(2, 1001):
            rules, aliases = state(number)
            apply(generation, touched(rules, [("", "x.org"), ("example.com", "x.org")], aliases, number))
        generation.close()
        views, odd = process.stdout.readline().split()
    assert int(views) > 10
    assert odd == "0"


def test_a_reader_sees_a_change_at_its_next_look(tmp_path: Path) -> None:
    write(tmp_path, [block(1)])
    with reading(tmp_path, HOLD) as process:
        assert ask(process, "look") == "1"
        change(tmp_path, [touched([block(2)], [("", "x.org")])])
        assert ask(process, "look") == "2"


def test_readers_move_on_and_old_generations_go_when_unread(tmp_path: Path) -> None:
    write(tmp_path, [block(1)])
    with reading(tmp_path, HOLD) as process:
        assert ask(process, "look") == "1"
        write(tmp_path, [block(2)], name="00000002")
        remove_unread(tmp_path, "00000002")
        assert (tmp_path / NAME).exists()
        assert ask(process, "follow") == "2"
        remove_unread(tmp_path, "00000002")
        assert not (tmp_path / NAME).exists()
        assert ask(process, "look") == "2"


def test_a_killed_reader_holds_nothing(tmp_path: Path) -> None:
    write(tmp_path, [block(1)])
    with reading(tmp_path, HOLD) as process:
        ask(process, "look")
    write(tmp_path, [block(2)], name="00000002")
    remove_unread(tmp_path, "00000002")
    assert not (tmp_path / NAME).exists()


def test_names_go_up_and_are_not_used_again(tmp_path: Path) -> None:
    assert new_name(tmp_path) == NAME
    write(tmp_path, [block(1)], name="00000007")
    set_aside(tmp_path, "00000007")
    assert (new_name(tmp_path), current_name(tmp_path)) == ("00000008", None)


@pytest.mark.parametrize("pointer", ["", "junk", "../../etc", "0000001", "00000001 00000002", "\udcff"])
def test_a_pointer_that_is_no_name_is_none(tmp_path: Path, pointer: str) -> None:
    (tmp_path / "current").write_bytes(pointer.encode("utf-8", "surrogateescape"))
    assert current_name(tmp_path) is None


@pytest.mark.parametrize("folder", ["", "nowhere"])
def test_without_a_snapshot_there_is_an_error_and_a_way_out(tmp_path: Path, folder: str) -> None:
    with (
        pytest.raises(SnapshotError, match="there is no snapshot") as raised,
        SnapshotReader(tmp_path / folder).view(),
    ):
        pass
    assert "gatepost agent" in raised.value.hint


def test_a_pointer_to_nothing_is_an_error_and_a_complaint(tmp_path: Path) -> None:
    publish(tmp_path, NAME)
    with pytest.raises(SnapshotError), SnapshotReader(tmp_path).view():
        pass
    assert (tmp_path / COMPLAINT).exists()


def test_another_format_is_refused(tmp_path: Path) -> None:
    write(tmp_path, [block(1)])
    generation = open_for_writing(tmp_path, NAME, gib=1)
    with generation.environment.begin(write=True) as transaction:
        transaction.put(b"format", b"999", db=generation.meta)
    generation.close()
    with pytest.raises(SnapshotError, match="999"), SnapshotReader(tmp_path).view():
        pass


def damage(file: Path, how: str) -> None:
    content = file.read_bytes()
    half = len(content) // 2 // 4096 * 4096
    file.write_bytes(
        {
            "empty": b"",
            "a stub": content[:100],
            "one page": content[:4096],
            "two pages": content[:8192],
            "half": content[:half],
            "an octet short": content[:-1],
            "zeros": b"\0" * len(content),
            "garbage": b"\xa5" * len(content),
            "half zeros": content[:half] + b"\0" * (len(content) - half),
            "half garbage": content[:half] + b"\xa5" * (len(content) - half),
        }[how]
    )


AT_ONCE = ["empty", "a stub", "one page", "two pages", "half", "an octet short", "zeros", "garbage"]


@pytest.mark.parametrize("how", AT_ONCE)
def test_a_damaged_file_is_an_error_at_once(tmp_path: Path, how: str) -> None:
    write(tmp_path, many(2000))
    damage(tmp_path / NAME / "data.mdb", how)
    assert python(OPEN, tmp_path).startswith(f"snapshot {NAME}")
    assert (tmp_path / COMPLAINT).exists()


@pytest.mark.parametrize("how", [*AT_ONCE, "half zeros", "half garbage"])
def test_verify_finds_damage(tmp_path: Path, how: str) -> None:
    write(tmp_path, many(2000))
    damage(tmp_path / NAME / "data.mdb", how)
    assert verify(tmp_path, NAME)


def test_verify_is_content_with_a_good_generation(tmp_path: Path) -> None:
    write(tmp_path, many(100), {"sales@example.com": Alias(("ann@example.com",)), "ann@example.com": None})
    assert verify(tmp_path, NAME) is None


def test_a_reader_recovers_when_a_good_generation_comes(tmp_path: Path) -> None:
    publish(tmp_path, NAME)
    reader = SnapshotReader(tmp_path)
    with pytest.raises(SnapshotError), reader.view():
        pass
    write(tmp_path, [block(1)], name="00000002")
    reader.close()
    with reader.view() as view:
        assert [match.rule.id for match in view.matches("", sender_probes("joe@x.org"), None)] == [1]
    reader.close()
