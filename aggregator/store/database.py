"""The store's face: runs functions of a connection in transactions, one writer at a time, a few readers beside it."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from aggregator.core.errors import StoreError
from aggregator.store import dialect

__all__ = ["Connection", "Store"]

P = ParamSpec("P")
T = TypeVar("T")

READERS = 4


class Store:
    """One database. Every function given to it takes a connection first and does all its work in one transaction.

    `read` and `write` block; `reading` and `writing` are their twins for the event loop. A transaction is committed
    when the function returns and rolled back when it raises. Raises StoreError when the database fails.
    """

    def __init__(self, database: str, *, application: str = "aggregator") -> None:
        self.database = database
        self._engine = dialect.make_engine(database, application=application)
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store-writer")
        self._readers = ThreadPoolExecutor(max_workers=READERS, thread_name_prefix="store-reader")

    def read(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work` on one consistent view of the database."""
        with self._transaction(writes=False) as connection:
            return work(connection, *args, **kwargs)

    def write(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work` in a transaction that holds the write lock from its start."""
        with self._transaction(writes=True) as connection:
            return work(connection, *args, **kwargs)

    async def reading(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`read`, in a reader's thread."""
        call = partial(self.read, work, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._readers, call)

    async def writing(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`write`, in the writer's thread. Cancelling the caller does not undo a transaction under way."""
        call = partial(self.write, work, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._writer, call)

    def close(self) -> None:
        """Wait for transactions under way and let go of every connection."""
        self._writer.shutdown(wait=True, cancel_futures=True)
        self._readers.shutdown(wait=True, cancel_futures=True)
        self._engine.dispose()

    @contextmanager
    def _transaction(self, *, writes: bool) -> Iterator[Connection]:
        try:
            with self._engine.connect() as connection:
                connection = connection.execution_options(writes=writes)  # noqa: PLW2901 - the same connection, marked
                with connection.begin():
                    yield connection
        except DBAPIError as error:
            raise StoreError(f"the database failed: {_first_line(error.orig)}") from error
        except SQLAlchemyError as error:
            raise StoreError(f"the database could not be used: {_first_line(error)}") from error


def _first_line(error: BaseException | None) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
