"""What every engine promises: it runs a few coarse jobs, each soon after start and then at its pace, one of a kind at a moment.

An engine decides nothing: losing, doubling or delaying one of its runs may delay work, and can neither lose nor double it.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Job:
    """One coarse piece of work. `run` claims what is due and returns when its budget is over; `every` is the pace of its ticks."""

    kind: str
    run: Callable[[], Awaitable[None]]
    every: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStatus:
    """How one kind fares in this process.

    `last_error` is one line about the run that ended last, None when it went well; a run that was dropped leaves it as it was.
    """

    last_started: datetime | None = None
    last_ended: datetime | None = None
    last_error: str | None = None
    running: bool = False


class Engine(Protocol):
    """Started once, stopped once, from the event loop in which its jobs run."""

    async def start(self, jobs: Sequence[Job]) -> None:
        """Begin to run `jobs`, each for the first time at once. Returns when ticking has begun, not when a job has ended.

        Raises ValueError for two jobs of one kind or a pace that is not positive, StoreError when an engine's database cannot be used.
        """

    async def stop(self) -> None:
        """Cancel running jobs and return within a second, also when one of them does not listen. Harmless when not started."""

    def wake(self, kind: str) -> None:
        """Run `kind` soon, from any thread. While it runs, any number of calls make one more run.

        Does nothing when not started; raises KeyError for a kind that was not among the jobs.
        """

    def status(self) -> Mapping[str, JobStatus]:
        """How each kind fares, by kind. What other processes run does not show here."""
