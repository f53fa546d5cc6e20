"""Trends: what arrived under a topic and when it was looked for, what that makes of each day, and its spikes."""

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A matched entry as trends count it. `story` is the same for the entries that tell one story.

    `live` is false for what was stored with its feed's first import, or came back under a new name: it was no news when
    it came. `clauses` are those of the newest evidence.
    """

    entry_id: int
    story: str
    feed_id: str
    tier: str
    first_seen: datetime
    published: datetime | None = None
    live: bool = True
    clauses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedDay:
    """One feed's UTC day: how often it was asked, how often it answered, how often it may have dropped entries."""

    feed_id: str
    day: date
    checks: int
    ok: int
    gaps: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendDay:
    """One UTC day of a trend.

    `stories` first came on it; `counted` of them count for the judgement, the rest being a backlog of some kind.
    `expected` is None where too little is known to say. `covered` is the share of what usually comes whose feeds were
    read. `chance` is that of so many or more, by the baseline alone.
    """

    day: date
    stories: int
    counted: int
    expected: float | None
    covered: float
    chance: float = 1.0
    spike: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Spike:
    """A day with far more stories than its baseline, and an entry of each, in the order they came."""

    day: date
    counted: int
    expected: float
    chance: float
    entries: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpikeStory:
    """One story behind a spike, by the entry that it came with, in the words the entry has now."""

    entry_id: int
    story_id: int | None
    feed_id: str
    feed_name: str
    title: str
    link: str | None
    language: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DueSpike:
    """A topic's spike that a subscription is to be told of: row `id`, noticed `at`, with the first of its stories.

    `counted`, `expected` and `chance` are those of `Spike`; there may be more stories than are given here.
    """

    id: int
    topic_id: str
    topic_name: str
    day: date
    counted: int
    expected: float
    chance: float
    at: datetime
    stories: tuple[SpikeStory, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicSilence:
    """A topic without a story for `days` whole days since `since`, where `expected` usually come in that time.

    `healthy` tells whether the feeds that usually bring its stories were read meanwhile.
    """

    since: date
    days: int
    expected: float
    chance: float
    healthy: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendBar:
    """A topic's last whole UTC days in a digest: stories on each, how many are usual in that time, the days that stood out.

    `usual` is None where too little is known to say.
    """

    topic_id: str
    topic_name: str
    days: tuple[date, ...]
    counts: tuple[int, ...]
    usual: float | None = None
    spikes: tuple[date, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """A topic, or a slice of it, day by day."""

    days: tuple[TrendDay, ...]
    spikes: tuple[Spike, ...] = ()
    silence: TopicSilence | None = None
