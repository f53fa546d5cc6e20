"""APScheduler as a ticker inside the service's own process: memory jobs only, so a restart has nothing to restore or to miss."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from aggregator.engine.contract import Job, JobStatus
from aggregator.engine.runs import Runs

# How long a cancelled job may tidy up before `stop` returns without it.
GRACE = timedelta(seconds=0.8)


class EmbeddedEngine:
    """The engine of one process. `clock` gives the instants that `status` shows; the ticks themselves follow the system's time."""

    def __init__(self, *, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._runs = Runs((), clock=clock)
        self._scheduler = AsyncIOScheduler(timezone=UTC)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._once_more: set[str] = set()

    async def start(self, jobs: Sequence[Job]) -> None:
        """Run each job at once and then at its pace; see `Engine.start`."""
        self._runs = Runs(jobs, clock=self._clock)
        self._loop = asyncio.get_running_loop()
        self._scheduler = AsyncIOScheduler(timezone=UTC)
        for job in jobs:
            # After a suspended laptop or a blocked loop, one tick stands for all that were missed, however late.
            self._scheduler.add_job(
                self._tick,
                IntervalTrigger(seconds=job.every.total_seconds(), timezone=UTC),
                args=(job.kind,),
                id=job.kind,
                coalesce=True,
                max_instances=1,
                misfire_grace_time=None,
            )
        self._scheduler.start()
        for job in jobs:
            self._begin(job.kind)

    async def stop(self) -> None:
        """End the ticks and cancel what runs; see `Engine.stop`."""
        if self._loop is None:
            return
        self._loop = None
        self._once_more.clear()
        self._scheduler.shutdown(wait=False)
        await self._runs.cancel(grace=GRACE)
        # APScheduler ends its timer in a callback of the loop, which must have had its turn.
        await asyncio.sleep(0)

    def wake(self, kind: str) -> None:
        """Run `kind` soon; see `Engine.wake`."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._wake, self._runs.known(kind))

    def status(self) -> Mapping[str, JobStatus]:
        """How each kind fares; see `Engine.status`."""
        return self._runs.status()

    async def _tick(self, kind: str) -> None:
        """A tick that finds its kind running is dropped: the run under way claims what has become due."""
        if not self._runs.is_running(kind):
            self._begin(kind)

    def _wake(self, kind: str) -> None:
        if self._runs.is_running(kind):
            self._once_more.add(kind)
        else:
            self._begin(kind)

    def _begin(self, kind: str) -> None:
        self._runs.begin(kind).add_done_callback(lambda _: self._ended(kind))

    def _ended(self, kind: str) -> None:
        if kind in self._once_more and self._loop is not None:
            self._once_more.discard(kind)
            self._begin(kind)
