"""Digests: what is due, what is said of the sources, and the frozen content of one mail."""

from dataclasses import dataclass
from datetime import datetime

from aggregator.core.model.topics import Fired


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One topic's part of a digest: stories in full, then titles only, then a count of what was left out."""

    topic_id: str
    topic_name: str
    stories: tuple[StoryLine, ...]
    brief: tuple[StoryLine, ...] = ()
    more: int = 0  # stories counted but not shown
    alerted: tuple[StoryLine, ...] = ()  # already mailed to this person as an alert


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
    archive: bool = False
    coalesced: int = 0  # earlier slots this one covers, after an outage
    topics: tuple[str, ...] = ()  # names of all topics the subscription watches, those with nothing new included


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A digest in its final words: subject, plain text and HTML."""

    subject: str
    text: str
    html: str
