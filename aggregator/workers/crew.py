"""One pool of worker processes with the same topics. It hands work over and tells how it ended, and judges nothing."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from threading import Lock
from typing import Any, TypeVar

from pebble import ProcessPool

from aggregator.workers.inside import enter

_PRELOADED = ["aggregator.core.reading.document", "aggregator.core.topics.index", "aggregator.workers.inside"]

In = TypeVar("In")
Out = TypeVar("Out")


class _Pool(ProcessPool):
    """Ends its processes before it takes their locks away.

    Pebble does it the other way round: a process that is still on its way in then misses a lock and says so at length.
    """

    def _stop_pool(self) -> None:
        if self._pool_manager_loop is not None:
            self._pool_manager_loop.join()  # it would start others in their place
        self._pool_manager.worker_manager.force_stop_workers()  # type: ignore[no-untyped-call]  # pebble leaves it bare
        super()._stop_pool()  # type: ignore[no-untyped-call]  # as above


class Crew:
    """One pool of processes, all with the same topics, and the pipe whose end tells them that their parent is gone.

    `definitions` are the topics as `inside.define_all` gives them.
    """

    def __init__(self, definitions: tuple[bytes, ...], *, size: int, memory: int) -> None:
        context = get_context("forkserver")
        context.set_forkserver_preload(_PRELOADED)
        self._watched, self._held = context.Pipe(duplex=False)
        self._joining = Lock()
        self._under_way: set[Future[Any]] = set()
        arguments = (definitions, memory, self._watched)
        self.pool = _Pool(max_workers=size, initializer=enter, initargs=arguments, context=context)
        # `active` starts the processes, here and not in the event loop.
        self.pool.active  # noqa: B018 - see above

    async def call(
        self, function: Callable[..., Out], work: tuple[In, ...], seconds: float | None
    ) -> Out | BaseException:
        """What `function(work)` gives in a process, or the exception it ended in; a broken pool is one too."""
        try:
            future = self.pool.schedule(function, args=(work,), timeout=seconds)
        except RuntimeError as error:
            return BrokenProcessPool(str(error))
        self._under_way.add(future)
        try:
            (outcome,) = await asyncio.gather(asyncio.wrap_future(future), return_exceptions=True)
        finally:
            self._under_way.discard(future)
        return outcome

    def drain(self) -> None:
        """End the processes when they have done what they were given."""
        self.pool.close()  # type: ignore[no-untyped-call]  # pebble leaves it bare
        self._join()

    def dismiss(self) -> None:
        """End the processes now; whoever waits for their work is told that it is cancelled."""
        self.pool.stop()  # type: ignore[no-untyped-call]  # pebble leaves it bare
        self._join()
        # A task that was just being handed over when the pool stopped is one that pebble itself forgets.
        for future in tuple(self._under_way):
            future.cancel()

    def _join(self) -> None:
        # A crew that is being drained may be dismissed meanwhile, and pebble does not bear two that join it.
        with self._joining:
            self.pool.join()
            self._watched.close()
            self._held.close()
