"""Where SQLite and PostgreSQL differ, and the only file that names either."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path
from shutil import copymode
from typing import Any

from sqlalchemy import (
    Connection,
    DateTime,
    Engine,
    Select,
    Table,
    TextClause,
    bindparam,
    create_engine,
    event,
    func,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError

from aggregator.core.errors import ConfigError, Problem
from aggregator.core.topics.coarse import AllOf, AnyOf, Coarse, OfFeeds, Term

_INSERT = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
_SUBSCRIPTIONS_LOCK = 0x61676772  # any constant will do, as long as every process takes the same
_MIGRATION_LOCK = 0x6D696772
_STORIES_LOCK = 0x73746F72


def parse_url(database: str) -> URL:
    """Read a database setting: `sqlite:///path`, `postgresql://..`. Raises ConfigError for any other database."""
    try:
        url = make_url(database)
    except ArgumentError:
        url = None
    if url is None or url.get_backend_name() not in _INSERT:
        raise ConfigError(
            [Problem(where="AGGREGATOR_DATABASE", message="expected sqlite:///PATH or postgresql://USER@HOST/NAME")]
        )
    return url.set(drivername="postgresql+psycopg") if url.get_backend_name() == "postgresql" else url


def file_of(database: str) -> Path | None:
    """The database's file, None when it lives in a server."""
    url = parse_url(database)
    return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None


def make_engine(database: str, *, application: str = "aggregator") -> Engine:
    """An engine whose write transactions lock at their start and whose commits survive a power cut."""
    url = parse_url(database)
    if url.get_backend_name() == "sqlite":
        if url.database:
            with suppress(OSError):  # opening the file tells it better
                Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(url, connect_args={"timeout": 5})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    # A connection string from the environment may name its own application; ours only fills the gap.
    options = "-c statement_timeout=30000 -c idle_in_transaction_session_timeout=60000"
    return create_engine(
        url,
        pool_pre_ping=True,
        pool_size=6,
        connect_args={"application_name": application, "options": options, "connect_timeout": 10},
    )


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # transactions are begun by _begin_sqlite alone
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=5000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later cannot be upgraded beside another writer: lock at once.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def insert(connection: Connection, table: Table) -> Any:
    """An INSERT that knows `on_conflict_do_nothing` and `on_conflict_do_update` on either database."""
    return _INSERT[connection.dialect.name](table)


def skip_locked(connection: Connection, query: Select[Any], *of: Table) -> Select[Any]:
    """The query, locking the rows it finds and passing over rows others hold; SQLite's writer holds them all."""
    if connection.dialect.name == "postgresql":
        return query.with_for_update(skip_locked=True, of=of or None)
    return query


def hold_rows(connection: Connection, query: Select[Any], *of: Table) -> Select[Any]:
    """The query, locking the rows it finds until the transaction ends."""
    return query.with_for_update(of=of or None) if connection.dialect.name == "postgresql" else query


def lock_subscriptions(connection: Connection, *, exclusive: bool) -> None:
    """Keep matches and subscriptions from being written past each other.

    A match takes it shared, a change of subscriptions exclusively: else a subscription made while a match is being
    stored would get no ledger row for it. SQLite has one writer at a time anyway.
    """
    if connection.dialect.name == "postgresql":
        take = func.pg_advisory_xact_lock if exclusive else func.pg_advisory_xact_lock_shared
        connection.execute(select(take(_SUBSCRIPTIONS_LOCK)))


def lock_stories(connection: Connection) -> None:
    """Hold back others who give entries their stories until this transaction ends: two reports of one must find each other.

    Taken last in a transaction, it cannot be waited for in a circle. SQLite has one writer at a time anyway.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_STORIES_LOCK)))


def lock_migrations(connection: Connection) -> None:
    """Hold back a second migration until this transaction ends; SQLite's own write lock does it there."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_MIGRATION_LOCK)))


def now_of(connection: Connection) -> datetime:
    """The database's own clock, to compare with ours; never used in a query."""
    if connection.dialect.name == "postgresql":
        return connection.execute(select(func.clock_timestamp(type_=DateTime(timezone=True)))).scalar_one()
    raw = connection.execute(text("SELECT strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now')")).scalar_one()
    return datetime.fromisoformat(str(raw))


def lock_growth(connection: Connection, table: Table) -> None:
    """Wait until every row that was numbered so far is there, and hold back new ones until this transaction ends.

    PostgreSQL numbers rows before it commits them, so a lower one may come after a higher one. SQLite has one writer.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"LOCK TABLE {table.name} IN SHARE MODE"))


def store_words(connection: Connection, rows: Sequence[tuple[int, Sequence[str]]]) -> None:
    """Put rows of words into the word index, each under its id; none of them was there when this transaction began."""
    if connection.dialect.name == "postgresql":
        # Another process may be storing the very same rows, which is not seen before it commits.
        values = "VALUES (:id, array_to_tsvector(CAST(:words AS text[])))"
        into = f"INSERT INTO entry_words (revision_id, words) {values} ON CONFLICT DO NOTHING"
        connection.execute(text(into), [{"id": number, "words": list(words)} for number, words in rows])
    else:
        into = "INSERT INTO entry_words (rowid, words) VALUES (:id, :words)"
        connection.execute(text(into), [{"id": number, "words": " ".join(words)} for number, words in rows])


def newest_words(connection: Connection) -> int:
    """The highest id in the word index, 0 when it is empty."""
    if connection.dialect.name == "postgresql":
        newest = text("SELECT revision_id FROM entry_words ORDER BY revision_id DESC LIMIT 1")
    else:
        newest = text("SELECT rowid FROM entry_words ORDER BY rowid DESC LIMIT 1")
    return connection.execute(newest).scalar() or 0


def having_words(connection: Connection, wanted: Term | AllOf | AnyOf) -> TextClause:
    """A subquery: the ids in the word index of rows that have the words a bound asks for. It asks for no feeds."""
    if connection.dialect.name == "postgresql":
        found = text("SELECT revision_id FROM entry_words WHERE words @@ CAST(:wanted AS tsquery)")
        return found.bindparams(bindparam("wanted", _asked(wanted, ("'", "'", ":*", " & ", " | ")), unique=True))
    found = text("SELECT rowid FROM entry_words WHERE entry_words MATCH :wanted")
    return found.bindparams(bindparam("wanted", _asked(wanted, ('"', '"', "*", " AND ", " OR ")), unique=True))


def _asked(wanted: Coarse, signs: tuple[str, str, str, str, str]) -> str:
    """A bound in a database's own words. Indexed words hold no quote, so none is escaped."""
    opening, closing, beginning, both, either = signs
    match wanted:
        case Term(word, prefix):
            return f"{opening}{word}{closing}{beginning if prefix else ''}"
        case AllOf(parts):
            return f"({both.join(_asked(part, signs) for part in parts)})"
        case AnyOf(parts):
            return f"({either.join(_asked(part, signs) for part in parts)})"
        case OfFeeds():
            raise ValueError("the word index knows no feeds")


def backup(source: Path, target: Path) -> None:
    """Copy an embedded database as it was last committed, whoever may be writing to it.

    It takes a connection of its own: one that writes waits for itself for ever. Raises OSError and leaves nothing behind
    when the copy cannot be made.
    """
    try:
        with closing(sqlite3.connect(source)) as there, closing(sqlite3.connect(target)) as copy:
            there.backup(copy)
        copymode(source, target)
    except (sqlite3.Error, OSError) as error:
        target.unlink(missing_ok=True)
        raise OSError(f"{target}: {error}") from error


def integrity(connection: Connection) -> Sequence[str]:
    """What the database finds wrong in itself; empty when nothing is."""
    if connection.dialect.name == "postgresql":
        return ()
    found = [str(row[0]) for row in connection.execute(text("PRAGMA integrity_check"))]
    found += [f"foreign key violated in {row[0]}" for row in connection.execute(text("PRAGMA foreign_key_check"))]
    try:
        with connection.begin_nested():
            connection.execute(text("INSERT INTO entry_words (entry_words, rank) VALUES ('integrity-check', 1)"))
    except DatabaseError as error:
        found.append(f"the word index is not sound: {error.orig}")
    return [line for line in found if line != "ok"]
