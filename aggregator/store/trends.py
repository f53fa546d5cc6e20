"""What trends and the coverage map are made from: matched entries with their stories, and the days of their feeds.

Both are read for a span of days, so that neither costs more as the archive grows.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Connection, Select, func, select

from aggregator.core.model.topics import Origin
from aggregator.core.model.trends import CheckedDay, Hit, TopicSilence, Trend, TrendBar
from aggregator.core.stories.trends import LOOKBACK, trend
from aggregator.core.stories.watch import WINDOW, watch
from aggregator.store.chunks import chunks, rows_of
from aggregator.store.schema import (
    entry,
    evidence,
    feed,
    feed_day,
    feed_state,
    is_current,
    match,
    revision,
    story_member,
    topic,
)

_WEEK = 7
_WARM = 28  # days before it whose own spikes are looked for, so that they do not count as usual
_LEAST_SILENCE = 2  # days since a topic's newest match


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """An entry as it is listed under a spike."""

    entry_id: int
    feed_id: str
    title: str
    link: str | None


def hits(connection: Connection, topic_id: str, *, since: date, until: date, clauses: bool = False) -> tuple[Hit, ...]:
    """A topic's matched entries that came on the UTC days from `since` to `until`, oldest first.

    Their clauses are read only when asked for.
    """
    start, end = _start(since), _start(until + timedelta(days=1))
    # A match is never older than its entry, so this bound of the index leaves none out.
    query = _hits().where(match.c.topic_id == topic_id, match.c.first_seen >= start).order_by(match.c.first_seen)
    rows = [row for row in connection.execute(query) if start <= _came(row) < end]
    fired = _clauses(connection, [row.match_id for row in rows]) if clauses else {}
    return tuple(_hit(row, fired.get(row.match_id, ())) for row in rows)


def all_hits(connection: Connection, *, since: date, until: date) -> Mapping[str, tuple[Hit, ...]]:
    """The same of every topic that is watched and has any, by topic id and without clauses."""
    ids = connection.execute(select(topic.c.id).where(topic.c.listed).order_by(topic.c.id)).scalars().all()
    found = {topic_id: hits(connection, topic_id, since=since, until=until) for topic_id in ids}
    return {topic_id: own for topic_id, own in found.items() if own}


def checked_days(connection: Connection, feed_ids: Collection[str], *, since: date) -> tuple[CheckedDay, ...]:
    """How often feeds were read on each UTC day from `since` on."""
    columns = (feed_day.c.feed_id, feed_day.c.day, feed_day.c.checks, feed_day.c.ok, feed_day.c.gaps)
    query = select(*columns).where(feed_day.c.day >= since)
    return tuple(
        CheckedDay(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name
        for row in rows_of(connection, query, feed_day.c.feed_id, sorted(feed_ids))
    )


def silences(connection: Connection, *, until: date, topic_ids: Collection[str] = ()) -> Mapping[str, TopicSilence]:
    """The listed topics, or those of the named ones, that are silent on a UTC day although stories were to be expected."""
    newest = select(func.max(match.c.first_seen)).where(match.c.topic_id == topic.c.id).scalar_subquery()
    query = select(topic.c.id, newest.label("at")).where(topic.c.listed).order_by(topic.c.id)
    found: dict[str, TopicSilence] = {}
    for row in connection.execute(query.where(topic.c.id.in_(topic_ids)) if topic_ids else query):
        length = 0 if row.at is None else (until - row.at.date()).days
        if not _LEAST_SILENCE <= length <= WINDOW:
            continue
        silence = read_trend(connection, row.id, until=until, days=length + 2, warm=0).silence
        if silence is not None:
            found[row.id] = silence
    return found


def read_trend(connection: Connection, topic_id: str, *, until: date, days: int, warm: int = WINDOW) -> Trend:
    """A topic's last days up to and with a UTC day, with what was to be expected of each."""
    since = span_of(until, days)
    found = hits(connection, topic_id, since=since, until=until)
    seen = watch(checked_days(connection, {hit.feed_id for hit in found}, since=since))
    return trend(found, seen, until=until, days=days, warm=warm)


def bars(connection: Connection, topics: Sequence[tuple[str, str]], *, until: date) -> tuple[TrendBar, ...]:
    """The last seven days up to and with a UTC day of each topic (id, name) that had a story in them."""
    made = []
    for topic_id, name in topics:
        shown = read_trend(connection, topic_id, until=until, days=_WEEK, warm=_WARM).days
        if any(one.stories for one in shown):
            expected = [one.expected for one in shown if one.expected is not None]
            bar = TrendBar(
                topic_id=topic_id,
                topic_name=name,
                days=tuple(one.day for one in shown),
                counts=tuple(one.stories for one in shown),
                usual=sum(expected) if len(expected) == len(shown) else None,
                spikes=tuple(one.day for one in shown if one.spike),
            )
            made.append(bar)
    return tuple(made)


def headlines(connection: Connection, entry_ids: Sequence[int]) -> Mapping[int, Headline]:
    """Titles of entries, as they are now."""
    found: dict[int, Headline] = {}
    columns = (entry.c.id, entry.c.feed_id, revision.c.title, revision.c.text, revision.c.link)
    query = select(*columns).join(revision, is_current)
    for row in rows_of(connection, query, entry.c.id, entry_ids):
        title = row.title or row.text[:120]
        found[row.id] = Headline(entry_id=row.id, feed_id=row.feed_id, title=title, link=row.link)
    return found


def span_of(until: date, days: int) -> date:
    """The first UTC day that a trend of so many days needs to be read from."""
    return until - timedelta(days=days + LOOKBACK)


def _hits() -> Select[Any]:
    return (
        select(
            match.c.id.label("match_id"),
            match.c.entry_id,
            match.c.origin,
            match.c.first_seen.label("matched_at"),
            entry.c.feed_id,
            entry.c.first_seen,
            entry.c.published,
            entry.c.date_suspect,
            feed.c.definition["tier"].as_string().label("tier"),
            feed_state.c.baseline_at,
            story_member.c.story_id,
        )
        .join(entry, entry.c.id == match.c.entry_id)
        .join(feed, feed.c.id == entry.c.feed_id)
        .outerjoin(feed_state, feed_state.c.feed_id == entry.c.feed_id)
        .outerjoin(story_member, story_member.c.entry_id == entry.c.id)
    )


def _came(row: Any) -> datetime:
    """When a match was news: an entry that earned it later, when its words changed; a replay writes it at any time."""
    at: datetime = row.matched_at if row.origin == Origin.REVISED.value else row.first_seen
    return at


def _hit(row: Any, clauses: tuple[str, ...]) -> Hit:
    return Hit(
        entry_id=row.entry_id,
        story=f"entry {row.entry_id}" if row.story_id is None else f"story {row.story_id}",
        feed_id=row.feed_id,
        tier=row.tier,
        first_seen=_came(row),
        published=None if row.date_suspect else row.published,
        live=row.origin != Origin.BASELINE.value and not _archived(row),
        clauses=clauses,
    )


def _archived(row: Any) -> bool:
    """Whether the entry was there when its feed was first read, and a topic found it afterwards."""
    replayed: bool = row.origin == Origin.REPLAY.value
    return replayed and (row.baseline_at is None or row.first_seen <= row.baseline_at)


def _clauses(connection: Connection, match_ids: Sequence[int]) -> Mapping[int, tuple[str, ...]]:
    """What raised the score of each match, by its newest evidence."""
    found: dict[int, tuple[str, ...]] = {}
    for part in chunks(match_ids):
        newest = select(func.max(evidence.c.id)).where(evidence.c.match_id.in_(part)).group_by(evidence.c.match_id)
        query = select(evidence.c.match_id, evidence.c.fired).where(evidence.c.id.in_(newest))
        for row in connection.execute(query):
            found[row.match_id] = tuple(one["clause"] for one in row.fired if one["points"] > 0)
    return found


def _start(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
