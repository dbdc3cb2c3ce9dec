"""The folders of the snapshot: opening a generation, checking it, publishing it, clearing old ones."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import lmdb

from gatepost.atomic import write_atomically
from gatepost.errors import UnavailableError
from gatepost.lock_file import MAX_READERS, make_room
from gatepost.position import Position

FORMAT = b"2"
POINTER = "current"
LENGTHS = b"lengths"
"""in `meta`, which prefix lengths of networks occur"""
COMPLAINT = "complaint"
"""a file that a reader leaves when it finds the generation in force damaged"""
ON_DEMAND = b"aliases_on_demand"
"""set in `meta` when Postfix has alias maps that cannot be listed"""
_NAME = re.compile(r"\d{8}")
_GIB = 1 << 30
_MAX_TABLES = 8
_TABLES = (b"meta", b"scope", b"alias")
_RULES = b"rule"


class SnapshotError(UnavailableError):
    """There is no snapshot, or it cannot be used."""


@dataclass(frozen=True, slots=True)
class Generation:
    """An open LMDB environment and its tables."""

    name: str
    environment: lmdb.Environment
    meta: lmdb._Database
    scope: lmdb._Database
    rule: lmdb._Database
    alias: lmdb._Database

    def close(self) -> None:
        """Let go of the files."""
        self.environment.close()


def current_name(folder: Path) -> str | None:
    """Read the pointer; None when nothing was published."""
    try:
        name = (folder / POINTER).read_text(encoding="ascii").strip()
    except (FileNotFoundError, UnicodeDecodeError):
        return None
    return name if _NAME.fullmatch(name) else None


def new_name(folder: Path) -> str:
    """Give the name of the next generation: one more than any that was there."""
    taken = [int(p.name[:8]) for p in folder.glob("[0-9]*") if p.name[:8].isdigit()]
    return f"{max(taken, default=0) + 1:08d}"


def open_for_reading(folder: Path, name: str) -> Generation:
    """Open a published generation; SnapshotError when it is damaged or of another format."""
    try:
        environment = lmdb.open(
            str(folder / name),
            readonly=True,
            lock=True,
            max_dbs=_MAX_TABLES,
            max_readers=MAX_READERS,
            create=False,
        )
    except (lmdb.Error, OSError) as error:
        raise SnapshotError(f"snapshot {name}: {error}") from error
    return _checked(name, environment)


def open_for_writing(folder: Path, name: str, *, gib: int, sync: bool = True) -> Generation:
    """Open or create a generation as its only writer; `gib` bounds its address space."""
    (folder / name).mkdir(parents=True, exist_ok=True)
    make_room(folder / name)
    environment = lmdb.open(
        str(folder / name), map_size=gib * _GIB, max_dbs=_MAX_TABLES, max_readers=MAX_READERS, sync=sync
    )
    return _tables(name, environment)


def _checked(name: str, environment: lmdb.Environment) -> Generation:
    try:
        _check_size(name, environment)
        generation = _tables(name, environment)
        with environment.begin(db=generation.meta) as transaction:
            found = transaction.get(b"format")
    except (lmdb.Error, OSError) as error:
        environment.close()
        raise SnapshotError(f"snapshot {name}: {error}") from error
    if found != FORMAT:
        generation.close()
        raise SnapshotError(f"snapshot {name}: format {found!r}, this version reads {FORMAT!r}")
    return generation


def _check_size(name: str, environment: lmdb.Environment) -> None:
    """Refuse a truncated file: reading the missing pages through the memory map would kill the process."""
    needed = (environment.info()["last_pgno"] + 1) * environment.stat()["psize"]
    size = (Path(environment.path()) / "data.mdb").stat().st_size
    if size < needed:
        message = f"snapshot {name}: {size} octets, {needed} expected"
        raise SnapshotError(message)


def _tables(name: str, environment: lmdb.Environment) -> Generation:
    create = not environment.flags()["readonly"]
    meta, scope, alias = (environment.open_db(table, create=create) for table in _TABLES)
    rule = environment.open_db(_RULES, create=create, dupsort=True, dupfixed=True)
    return Generation(name, environment, meta, scope, rule, alias)


def files_of(folder: Path, name: str) -> tuple[tuple[int, int] | None, ...]:
    """Tell the files of a generation from others of the same names; None for one that is not there."""
    return tuple(_identity(folder / name / file) for file in ("data.mdb", "lock.mdb"))


def _identity(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def publish(folder: Path, name: str) -> None:
    """Make a generation the one in force."""
    write_atomically(folder / POINTER, f"{name}\n")


def read_stamp(generation: Generation) -> Position | None:
    """Read how far into which database's history a generation is."""
    with generation.environment.begin(db=generation.meta) as transaction:
        value = transaction.get(b"position")
    return Position.decode(value) if value else None


def write_stamp(transaction: lmdb.Transaction, generation: Generation, position: Position) -> None:
    """Record the position inside the transaction that brings it about."""
    transaction.put(b"position", position.encode(), db=generation.meta)


def verify(folder: Path, name: str) -> str | None:
    """Read every page of a generation in a process of its own, as damage may kill it; says what is wrong."""
    command = [sys.executable, "-m", "gatepost.snapshot.verify", str(folder), name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return None
    return (done.stderr.strip().splitlines() or [f"reading it ended with status {done.returncode}"])[-1]


def set_aside(folder: Path, name: str) -> Path:
    """Move a damaged generation out of the way, for whoever wants to know what happened to it."""
    aside = folder / f"{name}.bad"
    shutil.rmtree(aside, ignore_errors=True)
    if (folder / name).exists():
        (folder / name).rename(aside)
    (folder / POINTER).unlink(missing_ok=True)
    return aside


def remove_unread(folder: Path, keep: str) -> None:
    """Remove other generations that no process reads any more."""
    for path in folder.iterdir():
        if _NAME.fullmatch(path.name) and path.name != keep and not _has_readers(path):
            shutil.rmtree(path, ignore_errors=True)


def _has_readers(path: Path) -> bool:
    with contextlib.suppress(lmdb.Error, OSError):
        environment = lmdb.open(str(path), readonly=True, lock=True, max_dbs=_MAX_TABLES, create=False)
        try:
            environment.reader_check()
            return any(line.split()[0] != str(os.getpid()) for line in environment.readers().splitlines()[1:])
        finally:
            environment.close()
    return False
