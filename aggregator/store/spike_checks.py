"""Which topics are to be looked at for spikes, and what a look found, written down for everyone who wishes to be told.

A look is dear, so a topic gets one an hour at most, only while somebody living wishes it, and only when it had a new
match or holds a spike that is not told yet. Several processes may look at once: a row decides which one is written.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import ColumnElement, Connection, Select, and_, case, delete, exists, or_, select, update

from aggregator.core.model.subscriptions import SubscriberState, SubscriptionKind
from aggregator.core.model.trends import DueSpike, Spike
from aggregator.store import dialect, spikes
from aggregator.store.optouts import has_left
from aggregator.store.schema import (
    is_in_force,
    is_news,
    is_untold,
    match,
    spike,
    spike_check,
    subscriber,
    subscription,
    subscription_topic,
    topic,
    topic_version,
)

EVERY = timedelta(hours=1)
MARGIN = timedelta(minutes=15)  # as long a match may take between its instant and its row

_DAY = timedelta(days=1)


def days_told(now: datetime) -> tuple[date, date]:
    """The UTC days of which a spike is news at `now`: the one before, and the one that goes on."""
    today = now.astimezone(UTC).date()
    return today - _DAY, today


def due(connection: Connection, *, now: datetime) -> tuple[str, ...]:
    """The topics to look at now, those first that were not looked at for longest.

    One that is still being tried on the archive waits for the end of that.
    """
    first, _ = days_told(now)
    start = datetime.combine(first, time(), UTC)
    judged = spike_check.c.judged_until
    # A clock that was far ahead leaves a mark in the future, which must not silence the time until then.
    since = case((or_(judged.is_(None), judged > now), start), else_=judged)
    fresh = exists().where(
        match.c.topic_id == topic.c.id,
        match.c.first_seen > since,
        is_news,
    )
    untold = exists().where(spike.c.topic_id == topic.c.id, spike.c.day >= first, is_untold)
    replayed = exists().where(is_in_force, topic_version.c.replay_after.is_not(None)).correlate(topic)
    query = (
        select(topic.c.id)
        .outerjoin(spike_check, spike_check.c.topic_id == topic.c.id)
        .where(topic.c.listed, topic.c.id.in_(_wished(now).with_only_columns(subscription_topic.c.topic_id)))
        .where(_may_look(now), ~replayed, or_(fresh, untold))
        .order_by(judged.is_not(None), judged, topic.c.id)
    )
    return tuple(connection.execute(query).scalars())


def note(connection: Connection, topic_id: str, found: Sequence[Spike], *, now: datetime) -> bool:
    """Make what waits to be told of a topic's last two UTC days equal to what a look at `now` found.

    Who wished it before a day was over gets a row for its spike, once; rows that wait get the new figures, and go where
    the day is no spike any more. What is told, or was left out, is never touched. False, and nothing is written, when
    another process has looked meanwhile.
    """
    dialect.lock_subscriptions(connection, exclusive=False)
    looked = dialect.insert(connection, spike_check).values(topic_id=topic_id, judged_until=now - MARGIN)
    newest = looked.on_conflict_do_update(
        index_elements=["topic_id"], set_={"judged_until": now - MARGIN}, where=_may_look(now)
    )
    if connection.execute(newest.returning(spike_check.c.topic_id)).first() is None:
        return False
    days = days_told(now)
    spikes.hold(connection, and_(spike.c.topic_id == topic_id, spike.c.day.in_(days)))
    news = {one.day: one for one in found if one.day in days}
    gone = [day for day in days if day not in news]
    connection.execute(delete(spike).where(spike.c.topic_id == topic_id, spike.c.day.in_(gone), is_untold))
    for day, one in news.items():
        _tell(connection, topic_id, one, _wishing(connection, topic_id, day, now), now)
    return True


def foreseen(
    connection: Connection, subscription_id: int, topic_id: str, found: Sequence[Spike], *, now: datetime
) -> tuple[DueSpike, ...]:
    """What `note` would leave to be told to one subscription of what a look at `now` found; nothing is written."""
    days = days_told(now)
    rows = select(spike.c.day).where(spike.c.subscription_id == subscription_id, spike.c.topic_id == topic_id)
    settled = set(connection.execute(rows.where(spike.c.day.in_(days), ~is_untold)).scalars())
    return tuple(
        spikes.imagined(connection, topic_id, one, now=now)
        for one in found
        if one.day in days
        and one.day not in settled
        and subscription_id in _wishing(connection, topic_id, one.day, now)
    )


def _may_look(now: datetime) -> ColumnElement[bool]:
    judged = spike_check.c.judged_until
    return or_(judged.is_(None), judged <= now - MARGIN - EVERY, judged > now)


def _wished(now: datetime) -> Select[tuple[int, str]]:
    """(subscription, topic) of everyone who wishes spikes and takes mail now."""
    return (
        select(subscription.c.id, subscription_topic.c.topic_id)
        .select_from(subscription)
        .join(subscription_topic, subscription_topic.c.subscription_id == subscription.c.id)
        .join(subscriber, subscriber.c.id == subscription.c.subscriber_id)
        .where(subscription.c.listed, subscription.c.kind == SubscriptionKind.TOPICS.value)
        .where(subscription.c.spikes_since <= now)
        .where(subscriber.c.listed, subscriber.c.state == SubscriberState.ACTIVE.value)
        .where(~has_left(subscription.c.id, subscription_topic.c.topic_id))
    )


def _wishing(connection: Connection, topic_id: str, day: date, now: datetime) -> Sequence[int]:
    """The subscriptions that are to be told of a topic's day: it was not over when they began to wish it."""
    over = datetime.combine(day + _DAY, time(), UTC)
    added = subscription_topic.c.added_at
    begun = and_(subscription.c.spikes_since < over, or_(added.is_(None), added < over), subscriber.c.state_at < over)
    query = _wished(now).with_only_columns(subscription.c.id)
    found = connection.execute(query.where(subscription_topic.c.topic_id == topic_id, begun))
    return found.scalars().all()


def _tell(connection: Connection, topic_id: str, one: Spike, who: Sequence[int], now: datetime) -> None:
    figures = {
        "counted": one.counted,
        "expected": one.expected,
        "chance": one.chance,
        "entries": list(one.entries[: spikes.KEPT]),
    }
    waiting = and_(spike.c.topic_id == topic_id, spike.c.day == one.day, is_untold)
    connection.execute(update(spike).where(waiting).values(figures))  # also of who was away when the day ended
    rows = [{"subscription_id": of, "topic_id": topic_id, "day": one.day, "at": now, **figures} for of in who]
    if rows:
        connection.execute(dialect.insert(connection, spike).on_conflict_do_nothing(), rows)
