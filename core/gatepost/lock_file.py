"""Room on the disk for LMDB's lock file, before LMDB maps it.

LMDB makes the file sparse. On a full disk the first touch of a page through the map would end the process
with SIGBUS; asked for beforehand, the same is an OSError that can be reported.
"""

from __future__ import annotations

import os
from pathlib import Path

MAX_READERS = 1024
_OCTETS = 64 * (MAX_READERS + 2)
"""a cache line for each reader and two for the head (lmdb's mdb.c, MDB_reader and MDB_txninfo)"""


def make_room(folder: Path) -> None:
    """Allocate the lock file of an environment; OSError when the disk is full."""
    descriptor = os.open(folder / "lock.mdb", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o644)
    try:
        if os.fstat(descriptor).st_size < _OCTETS:  # never touch one that is in use
            os.posix_fallocate(descriptor, 0, _OCTETS)
    finally:
        os.close(descriptor)
