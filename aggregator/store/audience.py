"""Whom a match reaches, and how many people our requests speak for."""

from collections import defaultdict
from collections.abc import Collection, Mapping

from sqlalchemy import Connection, func, select

from aggregator.core.model.plans import Watcher
from aggregator.core.model.subscriptions import SubscriberState
from aggregator.store.chunks import rows_of
from aggregator.store.optouts import has_left
from aggregator.store.schema import subscriber, subscription, subscription_topic

# Of the people who watch: what their matches are held back for.
_HELD = {SubscriberState.ACTIVE: "", SubscriberState.PAUSED: "paused", SubscriberState.BOUNCED: "bounced"}
_WATCHING = (
    select(subscription_topic.c.topic_id, subscription.c.id, subscription.c.schedule, subscriber.c.state)
    .join(subscription, subscription.c.id == subscription_topic.c.subscription_id)
    .join(subscriber, subscriber.c.id == subscription.c.subscriber_id)
    .where(subscription.c.listed, subscriber.c.listed, ~has_left(subscription.c.id, subscription_topic.c.topic_id))
)


def watchers(connection: Connection, topics: Collection[str]) -> Mapping[str, tuple[Watcher, ...]]:
    """Who watches each of these topics now, by slug; who unsubscribed watches nothing, and nobody a topic that they left.

    It asks for these topics alone: a match is stored under a lock that every reader's wish waits for.
    """
    of_all = _WATCHING.where(subscriber.c.state.in_([state.value for state in _HELD]))
    of_all = of_all.order_by(subscriber.c.slug, subscription.c.id)
    watching: dict[str, list[Watcher]] = defaultdict(list)
    for row in rows_of(connection, of_all, subscription_topic.c.topic_id, topics):
        immediate, held = row.schedule["immediate"], _HELD[SubscriberState(row.state)]
        watching[row.topic_id].append(Watcher(subscription_id=row.id, immediate=immediate, held=held))
    return {topic_id: tuple(who) for topic_id, who in watching.items()}


def readers(connection: Connection) -> int:
    """How many people watch a topic and take mail now: whom an entry of any feed may reach."""
    active = _WATCHING.where(subscriber.c.state == SubscriberState.ACTIVE.value)
    number: int = connection.execute(active.with_only_columns(func.count(subscriber.c.id.distinct()))).scalar_one()
    return number
