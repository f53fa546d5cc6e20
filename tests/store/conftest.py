"""The store suite runs on SQLite and on a real PostgreSQL, each test on a fresh database."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aggregator.store import migrate
from aggregator.store.database import Store
from tests.factories import NOW


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'aggregator.db'}"
    make: Callable[[], str] = request.getfixturevalue("make_database")
    return make()


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    migrate.upgrade(database, now=NOW)
    opened = Store(database)
    yield opened
    opened.close()
