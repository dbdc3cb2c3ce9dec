"""A private host that runs as long as a block, and leaves no process and no folder, however that ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from gatepost_cli.demo.host import HostPlan, PrivateHost, remove_folder
from gatepost_cli.demo.place import check_lmdb, check_machine, choose_folder, make_folder, remove_leftovers
from gatepost_cli.demo.processes import adopt_orphans, end_descendants
from gatepost_cli.demo.signals import ignore_signals, leave_on_signals

DATABASE_FOLDER = "database"
"""of its own, so that the story can take it away and bring it back in one go"""


@contextmanager
def running_host(plan: HostPlan) -> Iterator[PrivateHost]:
    """Start a host in a temporary folder; signals end the block and never what comes after it."""
    check_machine()
    folder = choose_folder()
    ignore_signals()
    remove_leftovers()
    database = folder / DATABASE_FOLDER / "gatepost.db"
    host = PrivateHost(folder, replace(plan, database_url=f"sqlite:///{database}"))
    adopt_orphans()
    leave_on_signals()
    try:
        try:
            with make_folder(folder):
                check_lmdb(folder)
                database.parent.mkdir()
                host.start()
                yield host
        finally:
            ignore_signals()
    finally:
        host.stop()
        end_descendants()
        remove_folder(folder)
