"""Turns a job into an observed run: at most one of a kind in this process, its failure recorded and logged, never passed on."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from aggregator.engine.contract import Job, JobStatus

# Room for one clear line in `status`; the log has the whole traceback.
ERROR_LENGTH = 300

log = structlog.get_logger(__name__)


class Runs:
    """The runs of one process. `clock` gives the aware UTC instants that `status` shows.

    Raises ValueError for two jobs of one kind or a pace that is not positive.
    """

    def __init__(self, jobs: Sequence[Job], *, clock: Callable[[], datetime]) -> None:
        self._jobs = {job.kind: job for job in jobs}
        if len(self._jobs) != len(jobs):
            raise ValueError("two jobs of one kind")
        if slow := [job.kind for job in jobs if job.every <= timedelta(0)]:
            raise ValueError(f"not a pace: {', '.join(slow)}")
        self._clock = clock
        self._status = {kind: JobStatus() for kind in self._jobs}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def begin(self, kind: str) -> asyncio.Task[None]:
        """The run of `kind` that is under way, or a new one. The task never fails; it is cancelled when the run was dropped."""
        running = self._tasks.get(kind)
        if running is not None:
            return running
        task = asyncio.create_task(self._run(self._jobs[kind]), name=f"job {kind}")
        self._tasks[kind] = task
        task.add_done_callback(lambda _: self._tasks.pop(kind))
        return task

    def known(self, kind: str) -> str:
        """`kind` itself; raises KeyError when no job is of that kind."""
        return self._jobs[kind].kind

    def is_running(self, kind: str) -> bool:
        """Whether a run of `kind` is under way."""
        return kind in self._tasks

    def status(self) -> Mapping[str, JobStatus]:
        """How each kind fares."""
        return dict(self._status)

    async def cancel(self, *, grace: timedelta) -> None:
        """Cancel what runs and wait for it, but no longer than `grace`: a mail past its point of no return goes on by itself."""
        tasks = set(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            _, stubborn = await asyncio.wait(tasks, timeout=grace.total_seconds())
            for task in stubborn:
                log.info("job.outlives_engine", task=task.get_name())

    async def _run(self, job: Job) -> None:
        self._note(job.kind, replace(self._status[job.kind], last_started=self._clock(), running=True))
        outcome = self._status[job.kind]
        try:
            await job.run()
            outcome = replace(outcome, last_error=None)
        except Exception as error:
            # One job's surprise must not end the others' ticks.
            log.exception("job.failed", kind=job.kind)
            outcome = replace(outcome, last_error=_one_line(error))
        finally:
            self._note(job.kind, replace(outcome, last_ended=self._clock(), running=False))

    def _note(self, kind: str, status: JobStatus) -> None:
        self._status[kind] = status


def _one_line(error: Exception) -> str:
    told = " ".join(str(error).split())
    return f"{type(error).__name__}: {told}"[:ERROR_LENGTH] if told else type(error).__name__
