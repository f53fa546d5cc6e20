"""Bodies -> parsed and matched documents, in worker processes that may hang, crash or be killed without harm.

The parent never parses and never forks: workers come from a fork server, have a memory cap, and die with the parent.
"""

import asyncio
import pyexpat
from collections.abc import Callable, Sequence
from concurrent.futures.process import BrokenProcessPool
from importlib.util import find_spec
from typing import TYPE_CHECKING, TypeVar

from pebble import ProcessExpired

from aggregator.core.errors import ConfigError, Problem
from aggregator.core.model.entries import ArticleJob, ReadEntry, ReadJob, ReadResult, Unreadable
from aggregator.core.model.feeds import FailureKind
from aggregator.core.model.topics import Evaluation, Topic
from aggregator.workers.crew import Crew
from aggregator.workers.inside import define_all, evaluate_all, extract, read_all, ready

if TYPE_CHECKING:
    from aggregator.core.topics.fields import EntryFields

BODIES_A_TASK = 4
ALONE_FROM = 256 * 1024  # bytes; a larger body is a task of its own
ENTRIES_A_TASK = 64
TOPICS_A_TASK = 50  # some tenth of a second: a body to be read waits no longer for topics that are being read
SAFE_EXPAT = (2, 4, 1)  # the first expat that bounds how far entities may unfold
TRIES = 3  # for work whose pool broke through no fault that could be found in it

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
        self._crew: Crew | None = None
        # What `define_all` gave: a topic is read once, not in each process, and not again when another one changes.
        self._definitions: dict[Topic, bytes] = {}
        self._changing = asyncio.Lock()
        self._leaving: set[asyncio.Task[None]] = set()
        self._left: list[Crew] = []

    async def start(self) -> None:
        """Start the processes. Raises ConfigError when a topic cannot be compiled, or this Python's expat is unsafe."""
        if pyexpat.version_info < SAFE_EXPAT:
            version = ".".join(map(str, pyexpat.version_info))
            hint = "use a Python built with expat 2.4.1 or newer"
            raise ConfigError(
                [Problem(where="Python", message=f"its XML parser, expat {version}, is unsafe", hint=hint)]
            )
        async with self._changing:
            await self._define(self._topics)
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
        wanted = tuple(topics)
        async with self._changing:
            if self._crew is not None and wanted == self._topics:
                return
            await self._define(wanted)
            crew = await self._hire(wanted)
            former, self._crew, self._topics = self._crew, crew, wanted
            self._definitions = {topic: self._definitions[topic] for topic in wanted}
        if former is not None:
            self._retire(former)

    @property
    def topics(self) -> tuple[Topic, ...]:
        """What work that begins now is matched against; the same object for as long as it is the same."""
        return self._topics

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

    async def extract(self, job: ArticleJob) -> ReadEntry | Unreadable:
        """The job's entry with the article that its page holds, matched as a whole, or why there is none. As `read`."""
        outcome = await self._try(extract, (job,))
        return _unreadable(outcome, self._timeout) if isinstance(outcome, BaseException) else outcome

    async def evaluate(self, fields: Sequence["EntryFields"]) -> tuple[tuple[Evaluation, ...], ...]:
        """The flagged evaluations of each entry, in order. Raises RuntimeError when one cannot be evaluated."""
        batches = [tuple(fields[at : at + ENTRIES_A_TASK]) for at in range(0, len(fields), ENTRIES_A_TASK)]
        done = await asyncio.gather(*(self._evaluate(batch) for batch in batches))
        return tuple(evaluations for batch in done for evaluations in batch)

    async def _read(self, group: tuple[ReadJob, ...]) -> tuple[ReadResult, ...]:
        outcome = await self._try(read_all, group)
        if not isinstance(outcome, BaseException):
            return outcome
        if len(group) > 1:
            # One of them is bad: alone, it can only hurt itself.
            alone = await asyncio.gather(*(self._read((job,)) for job in group))
            return tuple(result for (result,) in alone)
        return (_unreadable(outcome, self._timeout),)

    async def _evaluate(self, batch: tuple["EntryFields", ...]) -> tuple[tuple[Evaluation, ...], ...]:
        outcome = await self._try(evaluate_all, batch)
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

    async def _present(self) -> Crew:
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

    async def _define(self, topics: tuple[Topic, ...]) -> None:
        """Have the topics read that were not read before. Raises ConfigError with every problem of every one."""
        unread = tuple(topic for topic in dict.fromkeys(topics) if topic not in self._definitions)
        if not unread:
            return
        crew = await self._present() if self._crew is not None else await self._hire(())
        groups = [unread[at : at + TOPICS_A_TASK] for at in range(0, len(unread), TOPICS_A_TASK)]
        outcomes = await asyncio.gather(*(crew.call(define_all, group, None) for group in groups))
        if crew is not self._crew:
            self._retire(crew)
        problems: list[Problem] = []
        for group, outcome in zip(groups, outcomes, strict=True):
            for topic, read in zip(group, _done(outcome), strict=True):
                if isinstance(read, bytes):
                    self._definitions[topic] = read
                else:
                    problems += read
        if problems:
            raise ConfigError(problems)

    async def _hire(self, topics: tuple[Topic, ...]) -> Crew:
        """A crew whose processes know `topics`, which have been read. Off the loop, as the fork server takes its time."""
        definitions = tuple(self._definitions[topic] for topic in topics)
        starting = asyncio.ensure_future(asyncio.to_thread(Crew, definitions, size=self._size, memory=self._memory))
        try:
            crew = await asyncio.shield(starting)
            _done(await crew.call(ready, (), None))
        except BaseException:
            # Also when we are cancelled meanwhile: nobody else knows of these processes.
            await asyncio.to_thread((await starting).dismiss)
            raise
        return crew

    def _retire(self, crew: Crew) -> None:
        """Let `crew` end what it is doing, without waiting for it."""
        self._left.append(crew)
        leaving = asyncio.ensure_future(asyncio.to_thread(crew.drain))
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)
        leaving.add_done_callback(lambda _: self._left.remove(crew))


def reads_articles() -> bool:
    """Whether articles can be found in web pages here: that takes the extra `fulltext`."""
    return find_spec("trafilatura") is not None


def _groups(jobs: Sequence[ReadJob]) -> list[tuple[int, ...]]:
    """The positions of `jobs` in tasks of up to four bodies; large bodies stand alone."""
    alone = [at for at, job in enumerate(jobs) if len(job.body) >= ALONE_FROM]
    small = [at for at, job in enumerate(jobs) if len(job.body) < ALONE_FROM]
    return [
        *((at,) for at in alone),
        *(tuple(small[at : at + BODIES_A_TASK]) for at in range(0, len(small), BODIES_A_TASK)),
    ]


def _done(outcome: Out | BaseException) -> Out:
    """What work gave that no body or entry can spoil. Raises RuntimeError when its process ended."""
    if not isinstance(outcome, BaseException):
        return outcome
    if isinstance(outcome, asyncio.CancelledError):
        raise outcome
    raise RuntimeError(f"a worker process could not start: {_words(outcome)}") from outcome


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
