"""What import and snapshot build are compared with: the same rows, and nothing done with them."""

from __future__ import annotations

import hashlib
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import lmdb

from . import rule_list


def plain_insert_seconds(folder: Path, rules: int) -> float:
    """Put the rules into one SQLite table in one transaction, in seconds."""
    rows = [(r.action, r.pattern, r.scope, r.proof) for r in map(rule_list.rule, range(rules))]
    file = folder / "reference.db"

    def insert() -> None:
        database = sqlite3.connect(file)
        with database:
            columns = "action TEXT, pattern TEXT, scope TEXT, proof TEXT"
            database.execute(f"CREATE TABLE rule (id INTEGER PRIMARY KEY, {columns})")
            database.executemany("INSERT INTO rule VALUES (NULL, ?, ?, ?, ?)", rows)
        database.close()

    seconds = _seconds(insert)
    file.unlink()
    return seconds


def plain_snapshot_seconds(folder: Path, rules: int) -> float:
    """Put a sorted list of 16-byte keys with 16-byte values into LMDB in one transaction, in seconds."""
    keys = sorted(hashlib.blake2b(b"%d" % n, digest_size=16).digest() for n in range(rules))
    file = folder / "reference.lmdb"

    def put() -> None:
        with (
            lmdb.open(str(file), map_size=1 << 36, subdir=False, lock=False) as environment,
            environment.begin(write=True) as transaction,
        ):
            transaction.cursor().putmulti(zip(keys, keys, strict=True), append=True)

    seconds = _seconds(put)
    file.unlink()
    return seconds


def python_start_seconds() -> float:
    """Start Python and do nothing, in seconds."""
    return command_seconds([sys.executable, "-c", "pass"])


def command_seconds(command: list[str]) -> float:
    """Run a command, in seconds."""
    return _seconds(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL))


def _seconds(work: Callable[[], object]) -> float:
    start = time.monotonic()
    work()
    return time.monotonic() - start
