"""Spikes that are due to subscriptions: one row for each subscription, topic and UTC day, told by one digest.

What became of a row that a digest has claimed is what became of that digest's delivery: it is written down nowhere else.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, func, or_, select, update

from aggregator.core.model.subscriptions import Phase
from aggregator.core.model.trends import DueSpike, Spike, SpikeStory
from aggregator.store import dialect
from aggregator.store.chunks import rows_of
from aggregator.store.schema import (
    delivery,
    digest,
    entry,
    feed,
    is_current,
    is_untold,
    revision,
    spike,
    story_member,
    topic,
)

KEPT = 200  # stories of one spike whose entries are kept with it
MOST = 20  # spikes of one digest; the others wait for the next

UNWISHED = "unwished"  # the files wish it no more

_TITLE = 300  # characters that are read of a title, or of a text that has none


def with_waiting(connection: Connection, subscription_ids: Sequence[int]) -> frozenset[int]:
    """Those of these subscriptions to which any spike waits to be told."""
    query = select(spike.c.subscription_id).where(is_untold).distinct()
    rows = rows_of(connection, query, spike.c.subscription_id, subscription_ids)
    return frozenset(row.subscription_id for row in rows)


def waiting(connection: Connection, subscription_id: int, *, as_of: datetime | None = None) -> tuple[DueSpike, ...]:
    """The spikes that a subscription's next digest tells, or told at an instant, by day and topic."""
    mine = select(spike, topic.c.name).join(topic, topic.c.id == spike.c.topic_id)
    mine = mine.where(spike.c.subscription_id == subscription_id)
    if as_of is None:
        query = mine.where(is_untold)
    else:
        later = select(digest.c.id).where(digest.c.subscription_id == subscription_id, digest.c.created_at >= as_of)
        query = mine.where(or_(is_untold, spike.c.digest_id.in_(later)), spike.c.at <= as_of)
    rows = connection.execute(query.order_by(spike.c.id).limit(MOST)).all()
    stories = _stories(connection, [entry_id for row in rows for entry_id in row.entries])
    return tuple(_due(row, stories) for row in sorted(rows, key=lambda row: (row.day, row.name, row.id)))


def imagined(connection: Connection, topic_id: str, one: Spike, *, now: datetime) -> DueSpike:
    """A spike of which there is no row yet, as it would be told if there were."""
    name = connection.execute(select(topic.c.name).where(topic.c.id == topic_id)).scalar_one()
    kept = one.entries[:KEPT]
    stories = _stories(connection, kept)
    return DueSpike(
        id=0,
        topic_id=topic_id,
        topic_name=name,
        day=one.day,
        counted=one.counted,
        expected=one.expected,
        chance=one.chance,
        at=now,
        stories=tuple(stories[entry_id] for entry_id in kept if entry_id in stories),
    )


def _due(row: Any, stories: Mapping[int, SpikeStory]) -> DueSpike:
    return DueSpike(
        id=row.id,
        topic_id=row.topic_id,
        topic_name=row.name,
        day=row.day,
        counted=row.counted,
        expected=row.expected,
        chance=row.chance,
        at=row.at,
        stories=tuple(stories[entry_id] for entry_id in row.entries if entry_id in stories),
    )


def _stories(connection: Connection, entry_ids: Collection[int]) -> Mapping[int, SpikeStory]:
    """The stories that these entries stand for, by entry."""
    title = func.substr(revision.c.title, 1, _TITLE).label("title")
    text = func.substr(revision.c.text, 1, _TITLE).label("text")
    columns = (entry.c.id, entry.c.feed_id, feed.c.definition, title, text, revision.c.link, revision.c.language)
    query = (
        select(*columns, story_member.c.story_id)
        .join(revision, is_current)
        .join(feed, feed.c.id == entry.c.feed_id)
        .outerjoin(story_member, story_member.c.entry_id == entry.c.id)
    )
    found: dict[int, SpikeStory] = {}
    for row in rows_of(connection, query, entry.c.id, set(entry_ids)):
        found[row.id] = SpikeStory(
            entry_id=row.id,
            story_id=row.story_id,
            feed_id=row.feed_id,
            feed_name=row.definition["name"] or row.feed_id,
            title=row.title if row.title.strip() else row.text,
            link=row.link,
            language=row.language,
        )
    return found


def claim(connection: Connection, found: Sequence[DueSpike], digest_id: int) -> bool:
    """Give spikes to the digest that tells them; False when one of them waits no more."""
    ids = [one.id for one in found]
    return not ids or _write(connection, and_(spike.c.id.in_(ids), is_untold), digest_id=digest_id) == len(ids)


def release(connection: Connection, digest_id: int, *, reason: str | None) -> None:
    """Let the spikes of a digest that was never sent wait for the next one; with a reason, they are not told at all."""
    _write(connection, spike.c.digest_id == digest_id, digest_id=None, reason=reason)


def leave_out(
    connection: Connection, of: Select[tuple[int]] | Collection[int], reason: str, *, topics: Collection[str] = ()
) -> None:
    """Tell nothing of what waits for these subscriptions, or of these topics of theirs."""
    which: ColumnElement[bool] = and_(spike.c.subscription_id.in_(of), is_untold)
    if topics:
        which = and_(which, spike.c.topic_id.in_(topics))
    _write(connection, which, reason=reason)


def leave_out_cancelled(connection: Connection, of: Select[tuple[int]], reason: str) -> None:
    """The same for what mails of theirs held that are cancelled."""
    cancelled = exists().where(delivery.c.digest_id == spike.c.digest_id, delivery.c.phase == Phase.CANCELLED.value)
    _write(connection, and_(spike.c.subscription_id.in_(of), cancelled), digest_id=None, reason=reason)


def give_to_digests(connection: Connection, subscription_id: int, timed: Collection[int], reason: str) -> int:
    """Leave what waits to be told at once to these digests of the same person, as far as they tell it; how much that is."""
    return _write(connection, for_digests(subscription_id, timed), reason=reason) if timed else 0


def for_digests(subscription_id: int, timed: Collection[int]) -> ColumnElement[bool]:
    """The condition that a spike waits to be told at once, and one of these digests of the same person tells it too."""
    other = spike.alias("other")
    told = (
        select(other.c.id)
        .where(other.c.topic_id == spike.c.topic_id, other.c.day == spike.c.day, other.c.reason.is_(None))
        .where(other.c.subscription_id.in_(timed))
    )
    return and_(spike.c.subscription_id == subscription_id, is_untold, told.exists())


def hold(connection: Connection, which: ColumnElement[bool]) -> None:
    """Lock these rows until the transaction ends, in the one order in which every process does it: none waits in a circle."""
    query = select(spike.c.id).where(which).order_by(spike.c.id)
    connection.execute(dialect.hold_rows(connection, query))


def _write(connection: Connection, which: ColumnElement[bool], **values: Any) -> int:
    """Change these rows; how many there were."""
    hold(connection, which)
    return connection.execute(update(spike).where(which).values(values)).rowcount
