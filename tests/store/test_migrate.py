"""Migrations: empty to head is the tables in code, head to base and back survives, strangers are refused."""

import errno
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from aggregator.core.errors import SchemaMismatchError, StoreError
from aggregator.store import dialect, migrate
from aggregator.store.migrate import Schema
from tests.factories import NOW


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty one, unlike elsewhere in this suite."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'aggregator.db'}"
    make: Callable[[], str] = request.getfixturevalue("make_database")
    return make()


def test_an_empty_database_upgraded_to_head_equals_the_tables_in_code(database: str) -> None:
    assert migrate.upgrade(database, now=NOW) is Schema.EMPTY
    assert migrate.inspect_schema(database) is Schema.CURRENT
    assert migrate.differences(database) == ()


def test_head_to_base_to_head_survives(database: str) -> None:
    migrate.upgrade(database, now=NOW)
    migrate.downgrade(database)
    assert migrate.inspect_schema(database) is Schema.EMPTY
    migrate.upgrade(database, now=NOW)
    assert migrate.differences(database) == ()


def test_an_upgrade_of_a_current_database_does_nothing(database: str) -> None:
    migrate.upgrade(database, now=NOW)
    assert migrate.upgrade(database, now=NOW) is Schema.CURRENT


def test_an_older_embedded_database_is_copied_aside_as_it_was_before_it_is_upgraded(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'aggregator.db'}"
    _make_older(database)
    (tmp_path / "aggregator.db").chmod(0o600)
    assert migrate.upgrade(database, now=NOW) is Schema.OLDER
    assert migrate.differences(database) == ()
    (copy,) = tmp_path.glob("aggregator.db.before-*")
    assert migrate.inspect_schema(f"sqlite:///{copy}") is Schema.OLDER
    assert copy.stat().st_mode & 0o777 == 0o600


def test_a_database_that_cannot_be_copied_aside_is_not_upgraded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = f"sqlite:///{tmp_path / 'aggregator.db'}"
    _make_older(database)
    monkeypatch.setattr("aggregator.store.dialect.copymode", _full)
    with pytest.raises(StoreError, match=r"was not upgraded.*No space left"):
        migrate.upgrade(database, now=NOW)
    assert migrate.inspect_schema(database) is Schema.OLDER
    assert not list(tmp_path.glob("aggregator.db.before-*"))


def test_a_database_of_a_newer_schema_is_refused_and_left_alone(database: str) -> None:
    migrate.upgrade(database, now=NOW)
    _set_version(database, "9999")
    with pytest.raises(SchemaMismatchError, match="newer aggregator"):
        migrate.upgrade(database, now=NOW)
    assert migrate.inspect_schema(database) is Schema.NEWER


def test_a_database_with_somebody_elses_tables_is_refused(database: str) -> None:
    engine = create_engine(dialect.parse_url(database))
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE orders (id INTEGER)"))
    engine.dispose()
    with pytest.raises(SchemaMismatchError, match="not aggregator's"):
        migrate.upgrade(database, now=NOW)


def test_a_database_in_a_folder_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    with pytest.raises(StoreError, match="cannot open the database"):
        migrate.upgrade(f"sqlite:///{blocked}/aggregator.db", now=NOW)


def _set_version(database: str, version: str) -> None:
    engine = create_engine(dialect.parse_url(database))
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :version"), {"version": version})
    engine.dispose()


def _make_older(database: str) -> None:
    migrate.upgrade(database, now=NOW)
    migrate.downgrade(database, to="-1")


def _full(_source: Path, _target: Path) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")
