"""Bodies -> parsed and matched documents, in worker processes that may hang, crash or be killed without harm.

The parent never parses and never forks: workers come from a fork server, have a memory cap, and die with the parent.
"""

import asyncio
import fcntl
import os
import resource
import signal
from collections.abc import Callable, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pebble import ProcessExpired, ProcessPool

from aggregator.core.errors import ConfigError, Problem
from aggregator.core.model.entries import FeedFacts, ParsedEntry, ReadDone, ReadEntry, ReadJob, ReadResult, Unreadable
from aggregator.core.model.feeds import FailureKind
from aggregator.core.model.topics import Evaluation, Topic

if TYPE_CHECKING:
    from aggregator.core.topics.fields import EntryFields
    from aggregator.core.topics.index import TopicIndex

BODIES_A_TASK = 4
ALONE_FROM = 256 * 1024  # bytes; a larger body is a task of its own
ENTRIES_A_TASK = 64
TRIES = 3  # for work whose pool broke through no fault that could be found in it

_PRELOADED = ["aggregator.core.reading.document", "aggregator.core.topics.index", "aggregator.workers"]

In = TypeVar("In")
Out = TypeVar("Out")


class Workers:
    """A steady crew of worker processes that know the topics. Created idle; `start` before use, `stop` at the end."""

    def __init__(
        self, *, topics: Sequence[Topic], size: int = 2, timeout: float = 10.0, memory: int = 512 * 2**20
    ) -> None:
        """`timeout` is in seconds for one task, `memory` in bytes beyond what a worker needs to start."""
        self._topics = tuple(topics)
        self._size = size
        self._timeout = timeout
        self._memory = memory
        self._crew: _Crew | None = None
        self._leaving: set[asyncio.Task[None]] = set()
        self._left: list[_Crew] = []

    async def start(self) -> None:
        """Start the processes. Raises ConfigError when a topic cannot be compiled."""
        self._crew = await self._hire(self._topics)

    async def stop(self) -> None:
        """End all processes at once; what they were doing is lost."""
        crews = [*self._left, *([self._crew] if self._crew else [])]
        self._crew = None
        await asyncio.gather(*(asyncio.to_thread(crew.dismiss) for crew in crews))
        await asyncio.gather(*self._leaving)

    async def set_topics(self, topics: Sequence[Topic]) -> None:
        """From now on match against `topics`; work under way ends with the topics it began with.

        Raises ConfigError when one cannot be compiled; then nothing has changed.
        """
        crew = await self._hire(tuple(topics))
        former, self._crew, self._topics = self._crew, crew, tuple(topics)
        if former is not None:
            self._retire(former)

    async def read(self, jobs: Sequence[ReadJob]) -> tuple[ReadResult, ...]:
        """What each job's body says and which topics flag its entries, in the order of `jobs`.

        Never raises for a body: one that takes too long is Unreadable(PARSE_TIMEOUT), one that kills its worker
        Unreadable(PARSE_CRASH); the bodies that shared its task are read again without it.
        """
        groups = _groups(jobs)
        done = await asyncio.gather(*(self._read(tuple(jobs[at] for at in group)) for group in groups))
        placed = {
            at: result
            for group, results in zip(groups, done, strict=True)
            for at, result in zip(group, results, strict=True)
        }
        return tuple(placed[at] for at in range(len(jobs)))

    async def evaluate(self, fields: Sequence["EntryFields"]) -> tuple[tuple[Evaluation, ...], ...]:
        """The flagged evaluations of each entry, in order. Raises RuntimeError when one cannot be evaluated."""
        batches = [tuple(fields[at : at + ENTRIES_A_TASK]) for at in range(0, len(fields), ENTRIES_A_TASK)]
        done = await asyncio.gather(*(self._evaluate(batch) for batch in batches))
        return tuple(evaluations for batch in done for evaluations in batch)

    async def _read(self, group: tuple[ReadJob, ...]) -> tuple[ReadResult, ...]:
        outcome = await self._try(_read_all, group)
        if not isinstance(outcome, BaseException):
            return outcome
        if len(group) > 1:
            # One of them is bad: alone, it can only hurt itself.
            alone = await asyncio.gather(*(self._read((job,)) for job in group))
            return tuple(result for (result,) in alone)
        return (_unreadable(outcome, self._timeout),)

    async def _evaluate(self, batch: tuple["EntryFields", ...]) -> tuple[tuple[Evaluation, ...], ...]:
        outcome = await self._try(_evaluate_all, batch)
        if not isinstance(outcome, BaseException):
            return outcome
        if len(batch) > 1:
            return tuple([(await self._evaluate((entry,)))[0] for entry in batch])
        raise RuntimeError(f"an entry could not be evaluated: {_words(outcome)}") from outcome

    async def _try(self, function: Callable[[tuple[In, ...]], Out], work: tuple[In, ...]) -> Out | BaseException:
        """The outcome of one task, tried again when its pool broke around it."""
        outcome: Out | BaseException = BrokenProcessPool("the pool broke again and again")
        for _ in range(TRIES):
            crew = await self._present()
            outcome = await crew.call(function, work, self._timeout)
            if isinstance(outcome, asyncio.CancelledError) or (
                isinstance(outcome, BaseException) and self._crew is None
            ):
                raise asyncio.CancelledError("the workers were stopped")
            if not isinstance(outcome, BrokenProcessPool):
                break
        return outcome

    async def _present(self) -> "_Crew":
        """The crew at work; a new one when a process of the last died idle, which breaks its pool."""
        crew = self._crew
        if crew is None:
            raise RuntimeError("the workers are not started")
        if crew.pool.active:
            return crew
        fresh = await self._hire(self._topics)
        if self._crew is not crew:
            # Someone else replaced it meanwhile, or stopped us.
            self._retire(fresh)
            return await self._present()
        self._crew = fresh
        self._retire(crew)
        return fresh

    async def _hire(self, topics: tuple[Topic, ...]) -> "_Crew":
        """A crew whose processes have compiled `topics`. Off the loop, as the fork server takes its time."""
        crew = await asyncio.to_thread(_Crew, topics, size=self._size, memory=self._memory)
        problems = await crew.call(_problems, (), None)
        if not problems:
            return crew
        await asyncio.to_thread(crew.dismiss)
        if isinstance(problems, tuple):
            raise ConfigError(problems)
        raise RuntimeError(f"a worker process could not start: {_words(problems)}") from problems

    def _retire(self, crew: "_Crew") -> None:
        """Let `crew` end what it is doing, without waiting for it."""
        self._left.append(crew)
        leaving = asyncio.ensure_future(asyncio.to_thread(crew.drain))
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)
        leaving.add_done_callback(lambda _: self._left.remove(crew))


class _Crew:
    """One pool of processes, all with the same topics, and the pipe whose end tells them that their parent is gone."""

    def __init__(self, topics: tuple[Topic, ...], *, size: int, memory: int) -> None:
        context = get_context("forkserver")
        context.set_forkserver_preload(_PRELOADED)
        self._watched, self._held = context.Pipe(duplex=False)
        arguments = (topics, memory, self._watched)
        self.pool = ProcessPool(max_workers=size, initializer=_enter, initargs=arguments, context=context)
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
        (outcome,) = await asyncio.gather(asyncio.wrap_future(future), return_exceptions=True)
        return outcome

    def drain(self) -> None:
        """End the processes when they have done what they were given."""
        self.pool.close()  # type: ignore[no-untyped-call]  # pebble leaves it bare
        self._join()

    def dismiss(self) -> None:
        """End the processes now."""
        self.pool.stop()  # type: ignore[no-untyped-call]  # pebble leaves it bare
        self._join()

    def _join(self) -> None:
        self.pool.join()
        self._watched.close()
        self._held.close()


def _groups(jobs: Sequence[ReadJob]) -> list[tuple[int, ...]]:
    """The positions of `jobs` in tasks of up to four bodies; large bodies stand alone."""
    alone = [at for at, job in enumerate(jobs) if len(job.body) >= ALONE_FROM]
    small = [at for at, job in enumerate(jobs) if len(job.body) < ALONE_FROM]
    return [
        *((at,) for at in alone),
        *(tuple(small[at : at + BODIES_A_TASK]) for at in range(0, len(small), BODIES_A_TASK)),
    ]


def _unreadable(error: BaseException, timeout: float) -> Unreadable:
    if isinstance(error, TimeoutError):
        return Unreadable(kind=FailureKind.PARSE_TIMEOUT, detail=f"reading it took longer than {timeout:g} s")
    return Unreadable(kind=FailureKind.PARSE_CRASH, detail=f"reading it ended its process: {_words(error)}")


def _words(error: BaseException) -> str:
    if isinstance(error, MemoryError):
        return "out of memory"
    if isinstance(error, ProcessExpired):
        return f"exit code {error.exitcode}"
    return f"{type(error).__name__}: {error}".splitlines()[0][:200]


# What follows runs in the worker processes only.


@dataclass(slots=True)
class _Desk:
    """What one worker process keeps between tasks."""

    index: "TopicIndex | None" = None
    problems: tuple[Problem, ...] = ()


_desk = _Desk()


def _enter(topics: tuple[Topic, ...], memory: int, watched: Connection) -> None:
    """Make this process a worker: quiet on Ctrl-C, quick to end, bound to its parent's life, with its topics ready."""
    # The parser is loaded here and not above: the parent never parses.
    from aggregator.core.reading import document  # noqa: F401, PLC0415 - see above
    from aggregator.core.topics.index import TopicIndex  # noqa: PLC0415 - see above

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _die_with_parent(watched)
    try:
        _desk.index = TopicIndex(topics)
    except ConfigError as error:
        _desk.problems = error.problems
    _cap_memory(memory)


def _die_with_parent(watched: Connection) -> None:
    """Have the kernel end this process when the parent's end of `watched` closes, even by kill -9.

    SIGIO's default action needs no Python, so it also ends a process that is lost inside a regular expression. Where
    there is no /proc, only the latest worker is bound so; the others end when they next look for work.
    """
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    # All workers were handed one open pipe, which can signal a single owner: opened anew, it is this process's own.
    own = Path(f"/proc/self/fd/{watched.fileno()}")
    end = os.open(own, os.O_RDONLY | os.O_NONBLOCK) if own.exists() else watched.fileno()
    fcntl.fcntl(end, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(end, fcntl.F_SETFL, fcntl.fcntl(end, fcntl.F_GETFL) | os.O_ASYNC)
    if watched.poll():
        os._exit(1)  # the parent was gone before we looked


def _cap_memory(memory: int) -> None:
    """Allow `memory` bytes more than this process takes now. Only where the kernel tells how much that is."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        limit = int(statm.read_text().split()[0]) * resource.getpagesize() + memory
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _problems(_work: tuple[()]) -> tuple[Problem, ...]:
    return _desk.problems


def _read_all(jobs: tuple[ReadJob, ...]) -> tuple[ReadResult, ...]:
    from aggregator.core.reading.document import read_document  # noqa: PLC0415 - the parent never parses

    results: list[ReadResult] = []
    for job in jobs:
        read = read_document(job)
        if isinstance(read, Unreadable):
            results.append(read)
            continue
        entries = tuple(ReadEntry(entry=entry, flags=_flags(_fields(entry, job.facts))) for entry in read.entries)
        results.append(ReadDone(feed=replace(read, entries=()), entries=entries))
    return tuple(results)


def _evaluate_all(fields: tuple["EntryFields", ...]) -> tuple[tuple[Evaluation, ...], ...]:
    return tuple(_flags(each) for each in fields)


def _flags(fields: "EntryFields") -> tuple[Evaluation, ...]:
    return _desk.index.evaluate(fields) if _desk.index is not None else ()


def _fields(entry: ParsedEntry, facts: FeedFacts) -> "EntryFields":
    """What topics may ask of an entry: its own words, and what is known of its feed."""
    from aggregator.core.topics.fields import EntryFields  # noqa: PLC0415 - the parent never matches

    return EntryFields(
        title=entry.title,
        text=entry.text,
        authors=entry.authors,
        tags=(*entry.tags, *facts.tags),
        feed=facts.feed_id,
        tier=facts.tier,
        language=entry.language or facts.language,
        url=entry.link,
    )
