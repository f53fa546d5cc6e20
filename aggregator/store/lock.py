"""One service a database: an advisory lock that the operating system or the server frees when its holder dies."""

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from sqlalchemy import text

from aggregator.core.errors import AlreadyRunningError, StoreError
from aggregator.store import dialect

_LOCK = 0x61676772_73657276  # the service's number among PostgreSQL's advisory locks
_HOLDERS = """
SELECT coalesce(a.application_name, '') || ', server process ' || a.pid || ', since ' || a.backend_start
FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted AND (l.classid::bigint << 32 | l.objid::bigint) = :lock
"""


@contextmanager
def service_lock(database: str, *, now: datetime) -> Iterator[None]:
    """Hold the database's service lock. Raises AlreadyRunningError, which says who holds it."""
    path = dialect.file_of(database)
    holder = f"process {os.getpid()} on {socket.gethostname()}, since {now:%Y-%m-%d %H:%M:%S} UTC"
    if path is None:
        with _server_lock(database, holder):
            yield
    else:
        with _file_lock(path, holder):
            yield


@contextmanager
def _file_lock(database: Path, holder: str) -> Iterator[None]:
    path = database.with_name(database.name + ".lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = path.open("a+", encoding="utf-8")
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror}", hint="make the data folder writable") from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.seek(0)
            raise AlreadyRunningError(handle.read().strip() or "an unnamed process") from None
        try:
            handle.truncate(0)
            # Not through the buffer, which would be written once more, and fail once more, when the file is closed.
            os.write(handle.fileno(), holder.encode())
        except OSError as error:
            raise StoreError(f"cannot write {path}: {error.strerror}", hint="make room on its disk") from error
        yield
        handle.truncate(0)


@contextmanager
def _server_lock(database: str, holder: str) -> Iterator[None]:
    engine = dialect.make_engine(database, application=f"aggregator: {holder}"[:63])
    try:
        # Autocommit: the lock belongs to the session, and no transaction stays open for the life of the service.
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            if not connection.execute(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": _LOCK}).scalar_one():
                found = connection.execute(text(_HOLDERS), {"lock": _LOCK}).scalars().first()
                raise AlreadyRunningError(found or "a process that just ended")
            yield
    finally:
        engine.dispose()


def holder_of(database: str) -> str | None:
    """Who runs the service on this database now, None when nobody does."""
    path = dialect.file_of(database)
    if path is None:
        engine = dialect.make_engine(database)
        try:
            with engine.connect() as connection:
                return connection.execute(text(_HOLDERS), {"lock": _LOCK}).scalars().first()
        finally:
            engine.dispose()
    lock = path.with_name(path.name + ".lock")
    try:
        with lock.open("r", encoding="utf-8") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return handle.read().strip() or "an unnamed process"
    except OSError:
        return None
    return None
