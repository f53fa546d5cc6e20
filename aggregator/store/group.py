"""Group commit: many small writes share one transaction, and each is replayed alone when together they fail."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Generic, TypeVar

from sqlalchemy import Connection

from aggregator.store.database import Store

T = TypeVar("T")
R = TypeVar("R")

SIZE = 64
WAIT = 0.25  # seconds that the first of a batch may wait for company


class GroupCommit(Generic[T, R]):
    """Gathers items and gives them to `work` up to `SIZE` at a time, in the order they came.

    `work` takes a connection and the items and gives back one result for each. Used as an async context manager; what
    is not yet written when it is left by an exception is dropped.
    """

    def __init__(self, store: Store, work: Callable[[Connection, Sequence[T]], Sequence[R]]) -> None:
        self._store = store
        self._work = work
        self._waiting: list[tuple[T, asyncio.Future[R]]] = []
        self._arrived = asyncio.Event()
        self._full = asyncio.Event()

    async def __aenter__(self) -> "GroupCommit[T, R]":
        self._writer = asyncio.create_task(self._write())
        return self

    async def __aexit__(self, *_error: object) -> None:
        self._writer.cancel()
        await asyncio.gather(self._writer, return_exceptions=True)
        for _, future in self._waiting:
            future.cancel()

    def submit(self, item: T) -> asyncio.Future[R]:
        """Queue an item; the future ends when it is committed, or with the exception that kept it from being."""
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        self._arrived.set()
        if len(self._waiting) >= SIZE:
            self._full.set()
        return future

    async def _write(self) -> None:
        while True:
            await self._arrived.wait()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._full.wait(), WAIT)
            batch, self._waiting = self._waiting[:SIZE], self._waiting[SIZE:]
            if not self._waiting:
                self._arrived.clear()
            if len(self._waiting) < SIZE:
                self._full.clear()
            await self._commit(batch)

    async def _commit(self, batch: Sequence[tuple[T, asyncio.Future[R]]]) -> None:
        try:
            results = await self._store.writing(self._work, [item for item, _ in batch])
        except Exception as error:  # noqa: BLE001 - whatever fails the batch, its neighbours get their own turn
            if len(batch) > 1:
                for alone in batch:
                    await self._commit([alone])
            elif not batch[0][1].done():
                batch[0][1].set_exception(error)
            return
        for one, result in zip(batch, results, strict=True):
            if not one[1].done():
                one[1].set_result(result)
