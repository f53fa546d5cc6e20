"""Digests: what is due, what is said of the sources, and the frozen content of one mail."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from aggregator.core.model.topics import Fired
from aggregator.core.model.trends import DueSpike, SpikeStory, TrendBar


class DigestKind(StrEnum):
    """Why a mail is made: at a time its reader set, at once, or for whoever runs the service."""

    DIGEST = "digest"
    ALERT = "alert"
    OPERATOR = "operator"


class Change(StrEnum):
    """What became of an entry after it was mailed."""

    CHANGED = "changed"
    WITHDRAWN = "withdrawn"


class Side(StrEnum):
    """Where a run of words stands: in both versions of a text, or in one of them."""

    BOTH = "both"
    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True, slots=True, kw_only=True)
class DueItem:
    """One pending match, with all that a digest tells of it. Spans in `fired` are offsets into title and text."""

    match_id: int
    topic_id: str
    topic_name: str
    entry_id: int
    revision: int
    feed_id: str
    feed_name: str
    tier: str
    title: str
    text: str
    link: str | None
    language: str | None
    published: datetime | None
    date_suspect: bool
    first_seen: datetime
    score: float
    alert: bool  # the score reaches the topic's alert_at
    fired: tuple[Fired, ...]
    story_id: int | None = None
    archive: bool = False  # a baseline match in a subscription's first digest
    alerted_at: datetime | None = None  # when another of this person's subscriptions already mailed it
    news: tuple[str, ...] = ()  # what it adds to a story its reader was told before; empty for a new story
    new_at: tuple[tuple[tuple[int, int], ...], ...] = ()  # of each such thing the places in the text
    told_at: datetime | None = None  # when its reader was first told of the story, where they were
    told_in: int | None = None  # the digest that did


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldItem:
    """A match that was mailed before to the reader of a digest, of a story that this digest may tell again."""

    item: DueItem
    at: datetime
    digest_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DueCorrection:
    """An entry that is no longer what this subscription was told: both versions, and when it was told."""

    ids: tuple[int, ...]  # the rows of it that a digest claims
    entry_id: int
    change: Change
    revision: int  # the one told now
    feed_id: str
    feed_name: str
    link: str | None
    language: str | None
    told_at: datetime
    at: datetime
    title: str
    text: str
    title_now: str
    text_now: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceNote:
    """A source the reader must know about: failing, quiet or possibly gapped. `detail` is one line."""

    feed_id: str
    name: str
    detail: str
    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceReport:
    """What was checked since the last digest, so that silence is explained."""

    feeds: int = 0
    checked: int = 0
    checks: int = 0
    entries: int = 0  # new entries read
    failing: tuple[SourceNote, ...] = ()
    gaps: tuple[SourceNote, ...] = ()
    quiet: tuple[SourceNote, ...] = ()
    recovered: tuple[SourceNote, ...] = ()  # failed before, and answer again
    missing: int = 0  # entries that may have come and gone in the gaps, as far as their pace tells

    @property
    def unchecked(self) -> int:
        """How many sources were neither read nor fail: nobody asked them."""
        return max(self.feeds - self.checked - len(self.failing), 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """Words around a hit, in runs of (text, marked). `cut_before` and `cut_after` ask for an ellipsis."""

    runs: tuple[tuple[str, bool], ...]
    cut_before: bool = False
    cut_after: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryLine:
    """One story, one line: its lead item, and the other outlets that carry it."""

    lead: DueItem
    headline: Excerpt
    excerpt: Excerpt | None
    matched: tuple[str, ...]  # names of the clauses that fired, strongest first
    score: float
    also: tuple[DueItem, ...] = ()
    news: tuple[str, ...] = ()  # what is new in a story its reader knows
    told_at: datetime | None = None  # when its reader was first told of it
    told_in: int | None = None  # the digest that did
    beside: bool = False  # is related to a story above, which it follows


@dataclass(frozen=True, slots=True, kw_only=True)
class Flood:
    """A topic that matched far more than it does: how many entries are due, and how many it usually has a day."""

    count: int
    usual: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionLine:
    """What one correction says. Runs are words of both versions in reading order; empty where they are the same."""

    due: DueCorrection
    title: tuple[tuple[str, Side], ...]
    text: tuple[tuple[str, Side], ...] = ()
    more: bool = False  # the text changed in further places


@dataclass(frozen=True, slots=True, kw_only=True)
class SpikeLine:
    """What is said of one spike: the stories listed under it, and how many others stand in this digest elsewhere.

    `above` are listed under another spike, `below` are told under their topics.
    """

    due: DueSpike
    stories: tuple[SpikeStory, ...] = ()
    above: int = 0
    below: int = 0

    @property
    def more(self) -> int:
        """How many stories of it stand nowhere in this digest."""
        return max(self.due.counted - len(self.stories) - self.above - self.below, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One topic's part of a digest: stories in full, then titles only, then a count of what was left out."""

    topic_id: str
    topic_name: str
    stories: tuple[StoryLine, ...]
    brief: tuple[StoryLine, ...] = ()
    more: int = 0  # stories counted but not shown
    alerted: tuple[StoryLine, ...] = ()  # already mailed to this person as an alert
    flood: Flood | None = None  # then only the first stories are told, by their titles


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestContent:
    """Everything one digest says, before it is given a form. Times are UTC; `timezone` is the reader's."""

    subscription: str
    subscriber_name: str | None
    timezone: str
    slot_at: datetime
    since: datetime | None
    sections: tuple[Section, ...]
    sources: SourceReport
    item_count: int
    story_count: int
    developing: int = 0  # of the stories, those their reader knows, which return with something new
    archive: bool = False
    coalesced: int = 0  # earlier slots this one covers, after an outage
    topics: tuple[str, ...] = ()  # names of all topics the subscription watches, those with nothing new included
    kind: DigestKind = DigestKind.DIGEST
    corrections: tuple[CorrectionLine, ...] = ()
    corrections_more: int = 0  # counted, not shown
    spikes: tuple[SpikeLine, ...] = ()
    known: int = 0  # articles left out since the last digest: nothing new in stories their reader was told
    late_alerts: int = 0  # stories of this digest that were due at once, on a day that had its alerts already
    notes: tuple[str, ...] = ()  # sentences of ours that this digest opens with
    bars: tuple[TrendBar, ...] = ()  # of a weekly digest: each topic's days


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A digest in its final words: subject, plain text and HTML."""

    subject: str
    text: str
    html: str
