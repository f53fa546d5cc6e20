"""The store suite runs on SQLite and on a real PostgreSQL, each test on a fresh database of its own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aggregator.store.database import Store
from tests.databases import make_ready


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of one that has the program's tables."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'aggregator.db'}"
        make_ready(url)
        return url
    make: Callable[[], str] = request.getfixturevalue("make_ready_database")
    return make()


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    opened = Store(database)
    yield opened
    opened.close()
