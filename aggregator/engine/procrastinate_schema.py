"""The engine's own tables on PostgreSQL: made, versioned and upgraded by `db upgrade`, in a schema apart from ours.

The library's migrations are its text; which of them a database has seen is recorded beside its tables.
"""

from importlib import metadata, resources
from importlib.resources.abc import Traversable

import psycopg
from procrastinate.schema import SchemaManager
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from aggregator.core.errors import SchemaMismatchError, StoreError

SCHEMA = "procrastinate"
# One upgrade at a time on one database; the number only has to be ours ("aggr" in ASCII).
UPGRADE_LOCK = 0x61676772
CONNECT_SECONDS = 10


def conninfo(url: str) -> str:
    """What libpq reads of a store's URL (`postgresql://..`, with or without `+psycopg`), looking into our schema only."""
    scheme, separator, rest = url.partition("://")
    options = conninfo_to_dict(scheme.partition("+")[0] + separator + rest)
    asked = f"{options.get('options') or ''} -c search_path={SCHEMA}".strip()
    return make_conninfo("", **{"connect_timeout": CONNECT_SECONDS, **options, "options": asked})


def _migrations() -> dict[str, Traversable]:
    """The library's migration files by name, oldest first."""
    folder = resources.files("procrastinate.sql") / "migrations"
    return {
        file.name: file for file in sorted(folder.iterdir(), key=lambda file: file.name) if file.name.endswith(".sql")
    }


def schema_applied(url: str) -> bool:
    """Whether the engine's schema in the database is as new as the installed Procrastinate.

    Raises StoreError when the database cannot be reached.
    """
    try:
        with psycopg.connect(conninfo(url), autocommit=True) as connection:
            return set(_migrations()) <= _recorded(connection)
    except psycopg.Error as error:
        raise StoreError(f"the engine's database cannot be used: {error}") from error


def apply_schema(url: str) -> bool:
    """Make or upgrade the engine's schema; True when something changed. Two callers at once take turns.

    Each migration and the record of it share a transaction, so an upgrade that was cut short goes on where it stopped.
    Raises SchemaMismatchError when the schema was made by someone else, StoreError when the database refuses.
    """
    try:
        with psycopg.connect(conninfo(url), autocommit=True) as connection:
            connection.execute("SELECT pg_advisory_lock(%s)", (UPGRADE_LOCK,))
            recorded = _recorded(connection)
            if recorded:
                return _upgrade(connection, recorded)
            _install(connection)
            return True
    except psycopg.Error as error:
        hint = (
            "its user needs CREATE on the database" if isinstance(error, psycopg.errors.InsufficientPrivilege) else ""
        )
        raise StoreError(f"the engine's schema cannot be applied: {error}", hint=hint) from error


def _recorded(connection: psycopg.Connection) -> set[str]:
    found = connection.execute("SELECT to_regclass('aggregator_migration') IS NOT NULL").fetchone()
    if found is None or not found[0]:
        return set()
    return {name for (name,) in connection.execute("SELECT name FROM aggregator_migration")}


def _install(connection: psycopg.Connection) -> None:
    taken = connection.execute("SELECT to_regclass('procrastinate_jobs') IS NOT NULL").fetchone()
    if taken is not None and taken[0]:
        raise SchemaMismatchError(
            f"the schema {SCHEMA} holds tables that this program did not make",
            hint=f"give aggregator a database of its own, or rename that schema: ALTER SCHEMA {SCHEMA} RENAME TO ..",
        )
    with connection.transaction():
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
        connection.execute(SchemaManager.get_schema())
        connection.execute(
            "CREATE TABLE aggregator_migration (name text PRIMARY KEY, procrastinate text NOT NULL, at timestamptz DEFAULT now())"
        )
        for name in _migrations():
            _record(connection, name)


def _upgrade(connection: psycopg.Connection, recorded: set[str]) -> bool:
    pending = {name: file for name, file in _migrations().items() if name not in recorded}
    for name, file in pending.items():
        with connection.transaction():
            connection.execute(file.read_bytes())
            _record(connection, name)
    return bool(pending)


def _record(connection: psycopg.Connection, name: str) -> None:
    connection.execute(
        "INSERT INTO aggregator_migration (name, procrastinate) VALUES (%s, %s)",
        (name, metadata.version("procrastinate")),
    )
