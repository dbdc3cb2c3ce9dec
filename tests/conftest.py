"""Settings and fixtures for all tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy.engine import Engine
from tests.integration.postgres import Postgres

from gatepost.config import Database
from gatepost.store.changes import Author
from gatepost.store.database import make_engine
from gatepost.store.schema import upgrade

settings.register_profile(
    "gatepost",
    max_examples=100,
    deadline=None,  # a busy machine is no fault of the code
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
settings.load_profile("gatepost")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One PostgreSQL for the whole run; a test that kills it starts it again."""
    server = Postgres()
    try:
        server.create()
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    """Settings of an empty database, once of each kind."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'gatepost.db'}"
    else:
        url = request.getfixturevalue("postgres").new_database()
    return Database(url=url, busy_timeout_seconds=10)


@pytest.fixture
def empty_engine(database: Database) -> Iterator[Engine]:
    """Connect to a database without a schema."""
    engine = make_engine(database)
    yield engine
    engine.dispose()


@pytest.fixture
def engine(empty_engine: Engine) -> Engine:
    """Connect to a database with the schema and no rules."""
    upgrade(empty_engine)
    return empty_engine


@pytest.fixture
def author() -> Author:
    """Somebody who changes rules, always at the same time."""
    return Author("ann", "gatepost block", lambda: 1_750_000_000.0)
