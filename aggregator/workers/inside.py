"""What runs inside a worker process: bodies and entries in, what they say and which topics flag them out.

The parser and the topics' engine are loaded when a process enters, never by the parent, which only names what to run.
"""

import fcntl
import gc
import logging
import os
import pickle
import resource
import signal
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

from aggregator.core.errors import Problem
from aggregator.core.model.entries import (
    ArticleJob,
    FeedFacts,
    ParsedEntry,
    ReadDone,
    ReadEntry,
    ReadJob,
    ReadResult,
    Unreadable,
)
from aggregator.core.model.topics import Evaluation, Topic

if TYPE_CHECKING:
    from aggregator.core.topics.fields import EntryFields
    from aggregator.core.topics.index import TopicIndex


@dataclass(slots=True)
class _Desk:
    """What one worker process keeps between tasks."""

    index: "TopicIndex | None" = None


_desk = _Desk()


def enter(definitions: tuple[bytes, ...], memory: int, watched: Connection) -> None:
    """Make this process a worker: quiet on Ctrl-C, quick to end, bound to its parent's life, with its topics ready.

    `definitions` are what `define_all` made of the topics.
    """
    # The parser is loaded here and not above: the parent never parses.
    from aggregator.core.reading import document  # noqa: F401, PLC0415 - see above

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _die_with_parent(watched)
    _desk.index = compiled(definitions)
    _cap_memory(memory)


def compiled(definitions: tuple[bytes, ...]) -> "TopicIndex":
    """The topics of these definitions, ready to run, and kept out of the sight of the garbage collector for good."""
    from aggregator.core.topics.index import TopicIndex  # noqa: PLC0415 - the parent never matches

    # Millions of objects that all stay: looking through them again and again takes longer than making them.
    gc.disable()
    index = TopicIndex([pickle.loads(definition) for definition in definitions])  # noqa: S301 - our own worker made it
    gc.freeze()
    gc.enable()
    return index


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


def ready(_work: tuple[()]) -> None:
    """Nothing: the answer of a process that has entered."""


def define_all(topics: tuple[Topic, ...]) -> tuple[bytes | tuple[Problem, ...], ...]:
    """What each topic says, read and found sound, in a form that every worker takes; or why it cannot be compiled."""
    from aggregator.core.topics.definition import Definition, define, told  # noqa: PLC0415 - the parent never matches

    found: list[bytes | tuple[Problem, ...]] = []
    for topic in topics:
        read = define(topic)
        if isinstance(read, Definition):
            found.append(pickle.dumps(read, pickle.HIGHEST_PROTOCOL))
        else:
            found.append(tuple(told(topic, problem) for problem in read))
    return tuple(found)


def read_all(jobs: tuple[ReadJob, ...]) -> tuple[ReadResult, ...]:
    """Each body read, with the flags of its entries, in order."""
    from aggregator.core.reading.document import read_document  # noqa: PLC0415 - the parent never parses

    results: list[ReadResult] = []
    for job in jobs:
        read = read_document(job)
        if isinstance(read, Unreadable):
            results.append(read)
            continue
        entries = tuple(_matched(entry, job.facts) for entry in read.entries)
        results.append(ReadDone(feed=replace(read, entries=()), entries=entries))
    return tuple(results)


def extract(jobs: tuple[ArticleJob, ...]) -> ReadEntry | Unreadable:
    """The one job's entry with the article its page holds, and the flags that title, text and article earn together."""
    from aggregator.core.reading.article import read_article  # noqa: PLC0415 - the parent never parses

    logging.disable(logging.CRITICAL)  # what the extractor says of a page is no news of ours
    job = jobs[0]
    found = read_article(job.body, job.content_type)
    if isinstance(found, Unreadable):
        return found
    return _matched(replace(job.entry, article=found), job.facts)


def evaluate_all(fields: tuple["EntryFields", ...]) -> tuple[tuple[Evaluation, ...], ...]:
    """The flagged evaluations of each entry, in order."""
    return tuple(_flags(each) for each in fields)


def _flags(fields: "EntryFields") -> tuple[Evaluation, ...]:
    return _desk.index.evaluate(fields) if _desk.index is not None else ()


def _matched(entry: ParsedEntry, facts: FeedFacts) -> ReadEntry:
    """An entry with what the topics say of it; one that they flag with what tells its story."""
    from aggregator.core.topics.fields import parsed_fields  # noqa: PLC0415 - the parent never matches

    flags = _flags(parsed_fields(entry, facts))
    if not flags:
        return ReadEntry(entry=entry)
    from aggregator.core.stories.signature import signed  # noqa: PLC0415 - the parent never compares

    signature = signed(entry.title, entry.words, entry.language or facts.language)
    return ReadEntry(entry=entry, flags=flags, signature=signature)
