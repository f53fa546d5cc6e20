"""Brings a database to this program's schema, and tells how the two compare. The only importer of Alembic."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from aggregator.core.errors import SchemaMismatchError, StoreError
from aggregator.store import dialect, schema


class Schema(StrEnum):
    """How a database's schema compares with this program's."""

    EMPTY = "empty"
    OLDER = "older"
    CURRENT = "current"
    NEWER = "newer"
    FOREIGN = "foreign"  # tables, but not ours


def _scripts() -> Path:
    here = Path(__file__).resolve().parents[1]
    for place in (here.parent / "db", here / "db"):
        if (place / "versions").is_dir():
            return place
    raise StoreError("the migrations are missing from this installation", hint="install the package again")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_scripts()).replace("%", "%%"))
    return config


def head() -> str:
    """The revision this program's schema is."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


def inspect_schema(database: str) -> Schema:
    """How the database's schema compares with this program's. Raises StoreError when it cannot be opened."""
    with _open(database) as connection:
        return _compare(connection)


def _compare(connection: Connection) -> Schema:
    current = MigrationContext.configure(connection).get_current_revision()
    if current is None:
        others = set(inspect(connection).get_table_names()) - {"alembic_version"}
        return Schema.FOREIGN if others else Schema.EMPTY
    if current == head():
        return Schema.CURRENT
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    return Schema.OLDER if current in known else Schema.NEWER


def upgrade(database: str, *, now: datetime) -> Schema:
    """Bring the database to head; what it was before. An older embedded one is copied aside first.

    Raises SchemaMismatchError for a newer or foreign database, StoreError when it cannot be opened or copied.
    """
    with _open(database) as connection:
        dialect.lock_migrations(connection)
        before = _compare(connection)
        refuse(before)
        if before is Schema.OLDER and (path := dialect.file_of(database)):
            _copy_aside(path, path.with_name(f"{path.name}.before-{head()}-{now:%Y%m%dT%H%M%S}"))
        if before is not Schema.CURRENT:
            _run(connection, "head")
            connection.commit()
    return before


def _copy_aside(path: Path, target: Path) -> None:
    try:
        dialect.backup(path, target)
    except OSError as error:
        raise StoreError(
            f"the database was not upgraded, for no copy of it could be made: {error}",
            hint=f"make room for {path.stat().st_size / 1e6:,.0f} MB beside it, and run it again",
        ) from error


def refuse(schema: Schema) -> None:
    """Raise SchemaMismatchError when a database must not be touched by this program."""
    if schema is Schema.NEWER:
        raise SchemaMismatchError(
            "this database was made by a newer aggregator", hint="upgrade the program, or restore an older copy"
        )
    if schema is Schema.FOREIGN:
        raise SchemaMismatchError(
            "this database holds tables that are not aggregator's", hint="set AGGREGATOR_DATABASE to an empty one"
        )


def downgrade(database: str, *, to: str = "base") -> None:
    """Take the database back to a revision; `base` removes every table."""
    with _open(database) as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.downgrade(config, to)
        connection.commit()


def differences(database: str) -> tuple[str, ...]:
    """Where the database's tables differ from the schema in code; empty when they agree."""
    with _open(database) as connection:
        opts = {"compare_type": True, "include_name": _is_table_of_code}
        context = MigrationContext.configure(connection, opts=opts)
        return tuple(str(change) for change in compare_metadata(context, schema.feed.metadata))


def _is_table_of_code(name: str | None, kind: str, _parents: object) -> bool:
    """The word index is of another kind on each database, and brings tables of its own on one."""
    return kind != "table" or not (name or "").startswith("entry_words")


def _run(connection: Connection, to: str) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, to)


@contextmanager
def _open(database: str) -> Iterator[Connection]:
    engine = dialect.make_engine(database)
    try:
        try:
            connection = engine.connect().execution_options(writes=True)
        except (SQLAlchemyError, OSError) as error:
            raise unopenable(database, error) from error
        with connection:
            try:
                yield connection
            except OperationalError as error:  # some databases are opened by their first statement
                raise unopenable(database, error) from error
    finally:
        engine.dispose()


def unopenable(database: str, error: BaseException) -> StoreError:
    """The one line for a database that cannot be opened, whatever the driver called it."""
    path = dialect.file_of(database)
    cause = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
    hint = "check AGGREGATOR_DATABASE"
    if path is not None and (why := _unfit(path.parent)):
        cause = f"the folder {path.parent} {why}"
        hint = "make it one that this user may write to, or name another with AGGREGATOR_DATA_DIR or --data-dir"
    elif path is not None and path.is_dir():
        cause = "it is a folder"
    elif path is not None and path.exists() and not path.is_file():
        cause = "it is not a file"
    where = path or dialect.parse_url(database).render_as_string(hide_password=True)
    return StoreError(f"cannot open the database {where}: {cause}", hint=hint)


def _unfit(folder: Path) -> str:
    """Why no database can lie in `folder`; empty when one can."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        return "is a file"
    except OSError as error:
        return f"is not there and cannot be made: {error.strerror}"
    return "" if os.access(folder, os.W_OK | os.X_OK) else "cannot be written to by this user"
