"""Keeping the snapshot in step with the database.

A database that is not the snapshot's never touches the snapshot: another one (a typo in the URL, an
empty one), or an earlier state of the same (a restored backup). That raises `ForeignDatabaseError`, and
the snapshot stays as it is until a person says `gatepost db adopt`.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
from pathlib import Path

import lmdb
from sqlalchemy.engine import Connection, Engine

from gatepost.errors import DatabaseError
from gatepost.position import Position
from gatepost.probe import text_key
from gatepost.snapshot import generation as generations
from gatepost.snapshot.complaint import complain
from gatepost.snapshot.generation import Generation, SnapshotError
from gatepost.snapshot.writer import Progress, apply, build
from gatepost.store.database import reading
from gatepost.store.feed import alias_rows, is_adopted, is_known, live_rows, read_changes, read_position

LOG = logging.getLogger("gatepost.agent")
_NO_SPACE = (lmdb.DiskError, lmdb.MapFullError)


class ForeignDatabaseError(DatabaseError):
    """The database is not the one that the snapshot was made from."""


class Feeder:
    """The only writer of the snapshot."""

    def __init__(self, engine: Engine, folder: Path, *, gib: int) -> None:
        """Write generations into a folder; nothing is opened yet."""
        self._engine = engine
        self._folder = folder
        self._gib = gib
        self._generation: Generation | None = None
        self._files: tuple[object, ...] = ()

    @property
    def generation(self) -> Generation | None:
        """The generation in force, open for writing."""
        return self._generation

    def open(self) -> None:
        """Open the generation in force; a damaged one is set aside."""
        self._folder.mkdir(parents=True, exist_ok=True)
        name = generations.current_name(self._folder)
        if name is None:
            return
        problem = generations.verify(self._folder, name)
        if problem is not None:
            aside = generations.set_aside(self._folder, name)
            LOG.error("snapshot %s is damaged and was set aside as %s: %s", name, aside.name, problem)
            return
        self._write_to(name)

    def step(self, progress: Progress = lambda _: None) -> bool:
        """Catch up with the database as far as it is now; True when the snapshot changed."""
        self._answer_complaint()
        try:
            with reading(self._engine) as connection:
                if not self._continues(connection) or self._is_replaced():
                    self._rebuild(connection, progress)
                    return True
                return self._catch_up(connection)
        except lmdb.Error as error:
            if not isinstance(error, _NO_SPACE):
                complain(self._folder)
            raise

    def position(self) -> Position | None:
        """Tell how far the snapshot is."""
        return None if self._generation is None else generations.read_stamp(self._generation)

    def knows(self, key: str) -> bool:
        """Whether the snapshot has an answer about an address, be it an alias or not."""
        if self._generation is None:
            return False
        with self._generation.environment.begin(db=self._generation.alias) as transaction:
            return transaction.get(text_key(key)) is not None

    def check_readers(self) -> None:
        """Free the places of readers that were killed; there are only so many, and each may hold old pages."""
        if self._generation is not None:
            self._generation.environment.reader_check()

    def close(self) -> None:
        """Let go of the files."""
        if self._generation is not None:
            self._generation.close()
            self._generation = None

    def _continues(self, connection: Connection) -> bool:
        """Whether the database goes on from the snapshot; False when it is its successor all the same."""
        stamp, here = self.position(), read_position(connection)
        if stamp is None:
            return False
        if (stamp.uuid, stamp.epoch) == (here.uuid, here.epoch) and is_known(connection, stamp):
            return True
        if is_adopted(connection, stamp):
            return False
        raise _foreign(stamp, here)

    def _catch_up(self, connection: Connection) -> bool:
        stamp = self.position()
        if self._generation is None or stamp is None:
            return False
        touched = read_changes(connection, stamp)
        if touched is None:
            return False
        while touched is not None:
            try:
                apply(self._generation, touched)
            except lmdb.Error as error:
                self._give_up(error)
                return True
            touched = read_changes(connection, touched.position)
        return True

    def _give_up(self, error: lmdb.Error) -> None:
        """Set a generation aside that cannot be written; the next step builds another."""
        if self._generation is None:
            return
        if isinstance(error, _NO_SPACE):
            raise SnapshotError(f"snapshot {self._generation.name}: {error}") from error
        name = self._generation.name
        self.close()
        LOG.error("snapshot %s cannot be written and is set aside: %s", name, error)
        generations.set_aside(self._folder, name)

    def _write_to(self, name: str) -> None:
        """Open a generation as the one in force."""
        self._generation = generations.open_for_writing(self._folder, name, gib=self._gib)
        self._files = generations.files_of(self._folder, name)

    def _is_replaced(self) -> bool:
        """Whether somebody took a file away: readers that come from now on would not see our locks, nor we theirs."""
        return (
            self._generation is not None
            and generations.files_of(self._folder, self._generation.name) != self._files
        )

    def _rebuild(self, connection: Connection, progress: Progress) -> None:
        position = read_position(connection)
        name = generations.new_name(self._folder)
        rows, aliases = live_rows(connection), alias_rows(connection)
        try:
            build(self._folder, name, rows, aliases, position, gib=self._gib, progress=progress)
        except BaseException:
            shutil.rmtree(self._folder / name, ignore_errors=True)
            raise
        self.close()
        generations.publish(self._folder, name)
        self._write_to(name)
        LOG.info("snapshot %s built, feed at %d", name, position.number)
        generations.remove_unread(self._folder, name)

    def _answer_complaint(self) -> None:
        """A reader found the generation damaged: look, and set it aside if so."""
        complaint = self._folder / generations.COMPLAINT
        if not complaint.exists():
            return
        complaint.unlink(missing_ok=True)
        known = self._files
        self.close()
        with contextlib.suppress(OSError):
            self.open()
        if known:  # a file exchanged meanwhile would look well to us, but not to those who opened it before
            self._files = known


def _foreign(stamp: Position, here: Position) -> ForeignDatabaseError:
    what = "a restored backup of it" if stamp.epoch <= here.epoch else "an older state of it"
    if stamp.uuid != here.uuid:
        what = "another database"
    return ForeignDatabaseError(
        f"the database is not the one the snapshot is from, it is {what} "
        f"(snapshot: {stamp.uuid} epoch {stamp.epoch} feed {stamp.number}; "
        f"database: {here.uuid} epoch {here.epoch} feed {here.number})",
        "mail goes on by the old snapshot; mend database.url, or accept this one with: gatepost db adopt",
    )
