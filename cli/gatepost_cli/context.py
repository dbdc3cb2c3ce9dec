"""What the commands of one run share: the options before the command, the configuration, the database."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gatepost_cli.user import act_as, login_name

if TYPE_CHECKING:  # SQLAlchemy and cattrs are imported by the commands that need them
    from sqlalchemy.engine import Engine

    from gatepost.config import Config
    from gatepost.store.changes import Author


@dataclass(slots=True)
class App:
    """One run of the command line."""

    config_name: str | None = None
    """as given by --config"""
    json: bool = False
    debug: bool = False
    command_line: str = ""
    """the command with its arguments, for the audit"""
    user: str = field(default_factory=login_name)
    """who runs it, looked up before root is given up"""
    _config: Config | None = None

    @property
    def config(self) -> Config:
        """The configuration, read once."""
        from gatepost.config import config_file, load_config

        if self._config is None:
            self._config = load_config(config_file(self.config_name))
        return self._config

    @property
    def author(self) -> Author:
        """Who changes something, for the audit."""
        from gatepost.store.changes import Author

        return Author(self.user, self.command_line)

    def now(self) -> float:
        """Give the time."""
        return time.time()

    def open_database(self) -> Engine:
        """Open the database as the site's user; an empty SQLite one gets its schema."""
        from gatepost.store.database import make_engine
        from gatepost.store.schema import require_schema, upgrade

        act_as(self.config.site.user)
        engine = make_engine(self.config.database)
        if engine.dialect.name == "sqlite" and _is_new(engine):
            self._refuse_successor()
            upgrade(engine)
        require_schema(engine)
        return engine

    def _refuse_successor(self) -> None:
        """Make no new database unasked where the mail path works by the snapshot of another one."""
        from gatepost.errors import DatabaseError
        from gatepost.snapshot.reader import SnapshotReader

        reader = SnapshotReader(self.config.snapshot_folder)
        known = reader.position()
        reader.close()
        if known is not None:
            raise DatabaseError(
                f"the database is empty, but the snapshot is from database {known.uuid}",
                "put that one back; or begin anew with: gatepost db upgrade && gatepost db adopt",
            )


def _is_new(engine: Engine) -> bool:
    """Whether a SQLite database has no table at all; says clearly why it cannot be opened."""
    import sqlalchemy as sa

    from gatepost.errors import DatabaseError
    from gatepost.store.database import reading

    file = Path(engine.url.database or ":memory:")
    if file.is_dir():
        raise DatabaseError(f"database.url names a folder: {file}", "name a file in it, such as gatepost.db")
    if not file.parent.is_dir():
        raise DatabaseError(f"no folder {file.parent} for the database", "make it, or correct database.url")
    with reading(engine) as connection:
        return not sa.inspect(connection).get_table_names()


pass_app = click.make_pass_decorator(App)
