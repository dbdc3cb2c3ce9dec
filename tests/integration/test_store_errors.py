"""What the store tells when it fails."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from sqlite3 import connect
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine
from tests.integration.postgres import Postgres

from gatepost.config import Database
from gatepost.errors import ConfigError, DatabaseError
from gatepost.pattern import parse_pattern
from gatepost.rule import Action, Terms
from gatepost.scope import SITE
from gatepost.store.changes import Author
from gatepost.store.database import connect_url, make_engine, writing
from gatepost.store.rules import NewRule, add_rule, count_rules, list_rules
from gatepost.store.schema import HEAD, current_revision, require_schema, upgrade

X = NewRule(Terms(Action.BLOCK, parse_pattern("x.org"), SITE))


def complaint(settings: Database) -> DatabaseError:
    """Try to read, and give the error."""
    engine = make_engine(settings)
    with pytest.raises(DatabaseError) as caught:
        require_schema(engine)
    engine.dispose()
    return caught.value


def test_a_missing_schema_is_told(database: Database) -> None:
    error = complaint(database)
    assert (error.message, error.hint) == (
        "the database has no schema yet",
        "create it with: gatepost db upgrade",
    )


def test_reading_without_a_schema_shows_the_way_out(empty_engine: Engine) -> None:
    with pytest.raises(DatabaseError) as caught:
        list_rules(empty_engine)
    assert caught.value.hint == "create or upgrade the schema with: gatepost db upgrade"


def test_a_newer_schema_is_left_alone(engine: Engine) -> None:
    with writing(engine) as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    for touch in (require_schema, upgrade):
        with pytest.raises(DatabaseError, match="of a newer Gatepost") as caught:
            touch(engine)
        assert caught.value.hint == "upgrade Gatepost on this host too"
    assert current_revision(engine) == "9999"


def test_an_older_schema_is_told(engine: Engine) -> None:
    with writing(engine) as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0000'"))
    with pytest.raises(DatabaseError, match=f"has schema 0000, {HEAD} is needed") as caught:
        require_schema(engine)
    assert caught.value.hint == "run: gatepost db upgrade"


def test_a_folder_in_place_of_the_file_is_told(tmp_path: Path) -> None:
    error = complaint(Database(url=f"sqlite:///{tmp_path}"))
    assert error.message == f"database sqlite:///{tmp_path}: unable to open database file"
    assert error.hint == "mail goes on by the last snapshot; see: gatepost doctor"


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "gatepost.db").write_text("these are not the rows you are looking for" * 100)
    assert (
        "file is not a database" in complaint(Database(url=f"sqlite:///{tmp_path / 'gatepost.db'}")).message
    )


def test_a_locked_file_is_told_after_the_time_that_was_set(tmp_path: Path, author: Author) -> None:
    engine = make_engine(Database(url=f"sqlite:///{tmp_path / 'gatepost.db'}", busy_timeout_seconds=0.1))
    upgrade(engine)
    with closing(connect(tmp_path / "gatepost.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseError, match="database is locked"):
            add_rule(engine, author, X)
        assert count_rules(engine) == 0  # reading goes on
    engine.dispose()


def test_a_server_that_is_not_there_is_told(tmp_path: Path) -> None:
    error = complaint(Database(url=f"postgresql+psycopg://gatepost:secret@/gatepost?host={tmp_path}"))
    assert "No such file or directory" in error.message
    assert "secret" not in error.message
    assert error.hint == "mail goes on by the last snapshot; see: gatepost doctor"


def test_a_database_that_is_not_there_is_not_taken_for_a_missing_schema(postgres: Postgres) -> None:
    error = complaint(Database(url=postgres.url("nowhere")))
    assert 'database "nowhere" does not exist' in error.message
    assert error.hint == "mail goes on by the last snapshot; see: gatepost doctor"


def test_a_server_that_was_killed_is_told_and_found_again(postgres: Postgres, author: Author) -> None:
    engine = make_engine(Database(url=postgres.new_database()))
    upgrade(engine)
    postgres.kill()
    try:
        with pytest.raises(DatabaseError):
            count_rules(engine)
    finally:
        postgres.start()
    add_rule(engine, author, X)
    assert count_rules(engine) == 1
    engine.dispose()


def test_an_unknown_kind_of_database_is_a_matter_of_configuration() -> None:
    with pytest.raises(ConfigError, match="no such database: oracular") as caught:
        make_engine(Database(url="oracular://host/name"))
    assert "postgresql+psycopg" in caught.value.hint


def test_the_password_is_the_first_line_of_its_file(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("sé:cret@\nsecond line\n")
    url = connect_url(Database(url="postgresql+psycopg://gatepost@db/gatepost", password_file=str(file)))
    assert (url.password, url.host) == ("sé:cret@", "db")


def test_a_password_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"database\.password_file: .*No such file"):
        connect_url(Database(password_file=str(tmp_path / "password")))


def test_a_dead_network_path_to_postgresql_is_noticed_soon(postgres: Postgres) -> None:
    engine = make_engine(Database(url=postgres.new_database()))
    with engine.connect() as connection:
        driver: Any = connection.connection.dbapi_connection  # psycopg's own, which SQLAlchemy does not type
        settings = driver.info.get_parameters()
    engine.dispose()
    assert {name: settings[name] for name in settings if name.startswith(("keepalives_", "tcp_"))} == {
        "keepalives_idle": "10",
        "keepalives_interval": "5",
        "keepalives_count": "3",
        "tcp_user_timeout": "20000",
    }
