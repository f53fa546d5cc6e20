"""Procrastinate on PostgreSQL: any number of processes share few coarse jobs, each kind running in one of them at a moment.

It lives in a schema of its own with a small pool of its own, and never takes part in the store's transactions.
"""

import asyncio
import contextlib
import math
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import structlog
from procrastinate import App, JobContext, PsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
from procrastinate.jobs import Status

from aggregator.core.errors import SchemaMismatchError, StoreError
from aggregator.engine.contract import Job, JobStatus
from aggregator.engine.procrastinate_schema import apply_schema, conninfo, schema_applied
from aggregator.engine.runs import Runs

__all__ = ["STALLED_AFTER", "ProcrastinateEngine", "apply_schema", "schema_applied"]

POOL_SIZE = 4
STALLED_AFTER = timedelta(seconds=30)
# `stop` shares its second between the jobs that tidy up, the worker that signs off, and the pool.
GRACE = timedelta(seconds=0.4)
CLOSING = 0.2
# A worker that starts anew because the database was away lets its jobs end; `stop` does not wait for this.
RESTART_GRACE = 25.0
LONGEST_PAUSE = 30.0
# Rows of runs that a restart aborted tell their story for a week.
KEEP_ENDED_HOURS = 168

DATABASE_TIME: Final = "SELECT extract(epoch FROM clock_timestamp())::float8 AS now"
STILL_RUNNING: Final = "SELECT id, task_name FROM procrastinate_jobs WHERE status = 'doing' AND id = ANY(%(ids)s)"

log = structlog.get_logger(__name__)


class ProcrastinateEngine:
    """One worker among any number on the PostgreSQL at `url`, which must keep session state (no transaction pooler).

    `clock` gives the instants that `status` shows; ticks and heartbeats follow the database's time, which all workers share.
    `poll` is the pause between looks for a job that waits for its kind to be free. After `stalled_after` without a heartbeat
    a worker counts as dead, and every `rescue_every` the living take over what it had begun; every `settle_every` each worker
    looks after what it ended itself.
    """

    def __init__(
        self,
        url: str,
        *,
        clock: Callable[[], datetime],
        poll: timedelta = timedelta(seconds=1),
        stalled_after: timedelta = STALLED_AFTER,
        rescue_every: timedelta = timedelta(seconds=15),
        settle_every: timedelta = timedelta(seconds=10),
    ) -> None:
        self._url = url
        self._clock = clock
        self._poll = poll.total_seconds()
        self._stalled_after = stalled_after.total_seconds()
        self._rescue_every = rescue_every.total_seconds()
        self._settle_every = settle_every.total_seconds()
        self._runs = Runs((), clock=clock)
        self._connector = PsycopgConnector(conninfo=conninfo(url), min_size=1, max_size=POOL_SIZE, timeout=10.0)
        self._app = App(connector=self._connector)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._released: asyncio.Future[None] | None = None
        self._background: set[asyncio.Task[None]] = set()
        self._slots: dict[str, float] = {}
        self._ended: set[int] = set()
        self._ended_before: set[int] = set()

    async def start(self, jobs: Sequence[Job]) -> None:
        """Join the workers: each kind runs at once in one of them, then at its pace; see `Engine.start`.

        Raises SchemaMismatchError when `db upgrade` has not been run, StoreError when the database cannot be used.
        """
        self._runs = Runs(jobs, clock=self._clock)
        if not await asyncio.to_thread(schema_applied, self._url):
            raise SchemaMismatchError(
                "the engine's schema is missing or older than this program", hint="run `aggregator db upgrade`"
            )
        try:
            await self._app.open_async()
        except ConnectorException as error:
            raise StoreError(f"the engine's database cannot be used: {error.__cause__}") from error
        self._loop = asyncio.get_running_loop()
        self._released = self._loop.create_future()
        for job in jobs:
            # A queue a kind: during a rolling upgrade no worker takes a kind that only newer ones know.
            register = self._app.task(
                name=job.kind, queue=job.kind, lock=job.kind, queueing_lock=job.kind, pass_context=True
            )
            register(self._body(job.kind))
            self._spawn(self._defer(job.kind), f"first {job.kind}")
            self._keep(f"ticks of {job.kind}", partial(self._tick, job))
        kinds = [job.kind for job in jobs]
        self._keep("worker", partial(self._work, kinds))
        self._keep("rescue", partial(self._rescue, kinds))
        self._keep("settling", self._settle)

    async def stop(self) -> None:
        """Leave the workers and cancel what runs here; see `Engine.stop`."""
        if self._loop is None or self._released is None:
            return
        self._loop = None
        for task in self._background:
            task.cancel()
        await self._runs.cancel(grace=GRACE)
        # A run that does not listen is left to itself, so that the worker can sign off and the pool can close.
        self._released.set_result(None)
        if self._background:
            _, stuck = await asyncio.wait(self._background, timeout=GRACE.total_seconds())
            for task in stuck:
                log.warning("engine.stop_unfinished", task=task.get_name())
        try:
            await asyncio.wait_for(self._app.close_async(), timeout=CLOSING)
        except TimeoutError:
            log.warning("engine.stop_unfinished", task="pool")

    def wake(self, kind: str) -> None:
        """Run `kind` soon in one of the workers; see `Engine.wake`."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._wake, self._runs.known(kind))

    def status(self) -> Mapping[str, JobStatus]:
        """How each kind fares in this process; see `Engine.status`."""
        return self._runs.status()

    def _spawn(self, work: Coroutine[None, None, None], name: str) -> None:
        task = asyncio.create_task(work, name=f"engine {name}")
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    def _wake(self, kind: str) -> None:
        if self._loop is not None:
            self._spawn(self._defer(kind), f"wake {kind}")

    def _keep(self, name: str, step: Callable[[], Awaitable[float]]) -> None:
        self._spawn(self._forever(name, step), name)

    async def _forever(self, name: str, step: Callable[[], Awaitable[float]]) -> None:
        """Repeat `step`, which says how many seconds to pause. A database that is away makes pauses of 1 to 30 s, never an end."""
        retry_after = 1.0
        while True:
            try:
                pause = await step()
                retry_after = 1.0
            except Exception as error:
                # An engine without one of its parts would look alive and do nothing.
                known = isinstance(error, ConnectorException)
                log.warning("engine.part_failed", part=name, error=_cause(error), exc_info=not known)
                pause = retry_after
                retry_after = min(retry_after * 2, LONGEST_PAUSE)
            await asyncio.sleep(pause)

    def _body(self, kind: str) -> Callable[..., Awaitable[None]]:
        """What the worker runs for a job of `kind`: it always succeeds, so that its row goes and nothing is retried."""

        async def body(context: JobContext, *, timestamp: int = 0) -> None:
            del timestamp
            if self._loop is None or self._released is None:
                return
            run = self._runs.begin(kind)
            try:
                await asyncio.wait({run, self._released}, return_when=asyncio.FIRST_COMPLETED)
            except asyncio.CancelledError:
                run.cancel()
                raise
            finally:
                self._ended.add(context.job.id or 0)

        return body

    async def _work(self, kinds: Sequence[str]) -> float:
        """Be a worker until the database goes away; `_forever` makes a new one of it."""
        await self._app.job_manager.delete_old_jobs(
            nb_hours=KEEP_ENDED_HOURS, include_failed=True, include_cancelled=True, include_aborted=True
        )
        await self._app.run_worker_async(
            queues=kinds,
            concurrency=len(kinds),
            delete_jobs="successful",
            install_signal_handlers=False,
            shutdown_graceful_timeout=RESTART_GRACE,
            fetch_job_polling_interval=self._poll,
            update_heartbeat_interval=self._stalled_after / 3,
            stalled_worker_timeout=self._stalled_after,
        )
        return 1.0

    async def _tick(self, job: Job) -> float:
        """Queue `job` once a slot of its pace, whichever worker is first; slots are counted in the database's time."""
        every = job.every.total_seconds()
        row = await self._connector.execute_query_one_async(DATABASE_TIME)
        now = float(row["now"])
        slot = math.floor(now / every) * every
        if slot > self._slots.get(job.kind, slot):
            await self._defer_slot(job.kind, round(slot * 1000))
        self._slots[job.kind] = slot
        return slot + every - now

    async def _defer_slot(self, kind: str, timestamp: int) -> None:
        """Procrastinate keeps one row a kind with the last slot that was queued, and asks that the job carries it too."""
        task = self._app.tasks[kind].configure(task_kwargs={"timestamp": timestamp})
        with contextlib.suppress(AlreadyEnqueued):
            await self._app.job_manager.defer_periodic_job(job=task.job, periodic_id="tick", defer_timestamp=timestamp)

    async def _defer(self, kind: str) -> None:
        """Put one run of `kind` into the queue, unless one is waiting there already."""
        try:
            await self._app.tasks[kind].defer_async()
        except AlreadyEnqueued:
            pass
        except ConnectorException as error:
            log.warning("engine.wake_failed", kind=kind, error=_cause(error))

    async def _rescue(self, kinds: Sequence[str]) -> float:
        """Let no kind stay locked by a worker that died: Procrastinate keeps its jobs as running for ever."""
        for kind in kinds:
            for job in await self._app.job_manager.get_stalled_jobs(
                queue=kind, seconds_since_heartbeat=self._stalled_after
            ):
                await self._free(job.id or 0, kind)
        await self._app.job_manager.prune_stalled_workers(self._stalled_after)
        return self._rescue_every

    async def _settle(self) -> float:
        """Free what ended here a while ago and is still marked as running: its worker lives, so no rescue would come.

        It happens when the connection is cut between the end of a run and the note of it.
        """
        if self._ended_before:
            ids = list(self._ended_before)
            for row in await self._connector.execute_query_all_async(STILL_RUNNING, ids=ids):
                await self._free(row["id"], row["task_name"])
        self._ended_before, self._ended = self._ended, set()
        return self._settle_every

    async def _free(self, job_id: int, kind: str) -> None:
        # Another worker may have been faster; a database that went away shows itself in the next statement.
        with contextlib.suppress(ConnectorException):
            await self._app.job_manager.finish_job_by_id_async(job_id=job_id, status=Status.ABORTED, delete_job=True)
            log.warning("engine.job_freed", kind=kind)
        await self._defer(kind)


def _cause(error: Exception) -> str:
    """What PostgreSQL said, on one line: the library's own words only say that it said something."""
    return " ".join(str(error.__cause__ or error).split())
