"""Databases that have this program's tables: its migrations make them once a session, and every further one is a copy."""

import tempfile
from functools import cache
from pathlib import Path

from aggregator.store import dialect, migrate
from tests.factories import NOW


def make_ready(database: str) -> None:
    """Give a database its tables: a new SQLite file gets a copy of finished ones, any other is migrated."""
    path = dialect.file_of(database)
    if path is None or path.exists():
        migrate.upgrade(database, now=NOW)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_finished())


@cache
def _finished() -> bytes:
    """The file of a SQLite database to which nothing but the migrations was done."""
    with tempfile.TemporaryDirectory(prefix="aggregator-") as folder:
        path = Path(folder) / "aggregator.db"
        migrate.upgrade(f"sqlite:///{path}", now=NOW)
        return path.read_bytes()
