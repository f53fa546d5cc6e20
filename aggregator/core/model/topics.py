"""Topics and matches: what people watch, and the proof that an entry is about it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class ClauseKind(StrEnum):
    """What a fired clause does to the score: signals flag, context counts only beside a signal, lower subtracts."""

    SIGNAL = "signal"
    CONTEXT = "context"
    LOWER = "lower"


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """One weighted query of a topic. `name` is unique in the topic and is what people read in an explanation."""

    name: str
    kind: ClauseKind
    query: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicTest:
    """An inline test: a title and a text in the topic's own file, and whether they must be flagged."""

    flag: bool
    title: str
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A watched topic, however it was written: keywords and a query are one signal of weight 1."""

    id: str
    name: str
    version: int = 1  # counted by the store; a changed definition is a new version
    clauses: tuple[Clause, ...] = ()
    lists: tuple[tuple[str, str], ...] = ()  # @name -> query text
    languages: tuple[str, ...] = ("en",)
    flag_at: float = 1.0
    alert_at: float = 1.0
    cases: str = "yes"  # single-offender news: yes, lower, no
    tests: tuple[TopicTest, ...] = ()
    window: timedelta | None = None  # how long later entries join a story of its; None is the usual time


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Where a clause fired: `[start, end)` in code points of the stored `field` (title, text, author, tag, ...)."""

    field: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fired:
    """One clause that fired, what it added to the score (negative when it lowers), and where."""

    clause: str
    points: float
    spans: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What one topic says of one entry."""

    topic_id: str
    version: int
    score: float
    flagged: bool
    alert: bool
    fired: tuple[Fired, ...] = ()


class Origin(StrEnum):
    """How a match came about; only live and revised ones are due to anybody."""

    LIVE = "live"
    BASELINE = "baseline"
    REPLAY = "replay"
    REVISED = "revised"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One stored evaluation: which topic version flagged which revision, when, and why."""

    topic_version: int
    revision: int
    score: float
    fired: tuple[Fired, ...]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """An entry is about a topic. Unique by topic and entry, never re-created; `evidence` grows, newest last."""

    id: int
    topic_id: str
    entry_id: int
    origin: Origin
    score: float
    first_seen: datetime
    evidence: tuple[Evidence, ...] = ()
