"""Who an entry may reach, as hosts are told it: people who watch a topic and take mail."""

from sqlalchemy import Connection

from aggregator.core.model.subscriptions import SubscriberState
from aggregator.store import subscribers, topics
from aggregator.store.audience import readers
from aggregator.store.database import Store
from aggregator.store.schema import opt_out
from tests.factories import NOW, make_subscriber, make_topic


def leave(connection: Connection, subscription_id: int, topic_id: str) -> None:
    connection.execute(opt_out.insert().values(subscription_id=subscription_id, topic_id=topic_id, at=NOW))


def test_everybody_counts_once_who_watches_a_topic_and_takes_mail(store: Store) -> None:
    assert store.read(readers) == 0
    store.write(topics.save, [make_topic()], now=NOW)
    names = ("desk", "late", "left", "paused", "gone")
    store.write(subscribers.save, [make_subscriber(name) for name in names], {name: name for name in names}, now=NOW)
    assert store.read(readers) == 5
    members = {member.subscriber.slug: member for member in store.read(subscribers.members)}
    store.write(subscribers.set_state, members["paused"].subscriber.id, SubscriberState.PAUSED, detail=None, now=NOW)
    assert store.read(readers) == 4
    (mine,) = members["left"].subscriptions
    store.write(leave, mine.id, mine.topics[0])
    assert store.read(readers) == 3
    (whole,) = members["late"].subscriptions
    store.write(leave, whole.id, "")
    assert store.read(readers) == 2
    store.write(subscribers.save, [make_subscriber()], {}, now=NOW)
    assert store.read(readers) == 1
