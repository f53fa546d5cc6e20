"""What the holder of a signed link may see: their own standing, one digest as it was sent, one match to judge."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from aggregator.core.model.subscriptions import Subscriber, SubscriberState, Subscription
from aggregator.store import reviews
from aggregator.store.codec import subscriber_of, subscription_of
from aggregator.store.schema import (
    delivery,
    digest,
    entry,
    feed,
    is_current,
    match,
    opt_out,
    review,
    revision,
    subscriber,
    subscription,
    subscription_topic,
    topic,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A person and the subscription that their link is about; `topics` are (id, name) in the order of its digest.

    `others` counts what else they are subscribed to.
    """

    subscriber: Subscriber
    subscription: Subscription
    topics: tuple[tuple[str, str], ...]
    others: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A match, as far as a page about it tells: what it was, and what this person last said of it."""

    match_id: int
    subscriber_id: int
    topic: str
    title: str
    source: str
    link: str | None
    at: datetime
    relevant: bool | None


def holder(connection: Connection, public_id: str, subscription_id: int) -> Holder | None:
    """Whose link it is, None when there is no such person with such a subscription. The file may have dropped both."""
    person = connection.execute(select(subscriber).where(subscriber.c.public_id == public_id)).first()
    if person is None:
        return None
    all_of = select(subscription).where(subscription.c.subscriber_id == person.id)
    owned = {row.id: row for row in connection.execute(all_of)}
    if subscription_id not in owned:
        return None
    named = _topics(connection, subscription_id)
    gone = select(opt_out.c.topic_id).where(opt_out.c.subscription_id == subscription_id)
    left = connection.execute(gone).scalars().all()
    return Holder(
        subscriber=subscriber_of(person),
        subscription=subscription_of(owned[subscription_id], [topic_id for topic_id, _ in named], left),
        topics=tuple(named),
        others=sum(row.listed for row in owned.values() if row.id != subscription_id),
    )


def _topics(connection: Connection, subscription_id: int) -> Sequence[tuple[str, str]]:
    query = (
        select(subscription_topic.c.topic_id, topic.c.name)
        .join(topic, topic.c.id == subscription_topic.c.topic_id)
        .where(subscription_topic.c.subscription_id == subscription_id)
        .order_by(subscription_topic.c.position)
    )
    return [(row.topic_id, row.name) for row in connection.execute(query)]


def sent_digest(connection: Connection, public_id: str, digest_id: int) -> bytes | None:
    """The bytes of a digest that was made for this person, None when there is none or it was erased."""
    query = (
        select(delivery.c.message)
        .join(digest, digest.c.id == delivery.c.digest_id)
        .join(subscriber, subscriber.c.id == delivery.c.subscriber_id)
        .where(digest.c.id == digest_id, subscriber.c.public_id == public_id)
        .limit(1)
    )
    message: bytes | None = connection.execute(query).scalar()
    return None if message is None else zlib.decompress(message)


def judged(connection: Connection, public_id: str, match_id: int) -> Judged | None:
    """A match and this person's verdict on it, None when there is no such match, or person any more."""
    query = (
        select(
            subscriber.c.id.label("subscriber_id"),
            topic.c.name.label("topic"),
            revision.c.title,
            revision.c.link,
            feed.c.definition,
            entry.c.feed_id,
            match.c.first_seen,
        )
        .select_from(match)
        .join(topic, topic.c.id == match.c.topic_id)
        .join(entry, entry.c.id == match.c.entry_id)
        .join(feed, feed.c.id == entry.c.feed_id)
        .join(revision, is_current)
        .join(subscriber, subscriber.c.public_id == public_id)
        .where(match.c.id == match_id, subscriber.c.state != SubscriberState.ERASED.value)
    )
    row = connection.execute(query).first()
    if row is None:
        return None
    return Judged(
        match_id=match_id,
        subscriber_id=row.subscriber_id,
        topic=row.topic,
        title=row.title,
        source=row.definition["name"] or row.feed_id,
        link=row.link,
        at=row.first_seen,
        relevant=_verdict(connection, row.subscriber_id, match_id),
    )


def _verdict(connection: Connection, subscriber_id: int, match_id: int) -> bool | None:
    said = select(review.c.relevant).where(review.c.match_id == match_id, review.c.subscriber_id == subscriber_id)
    return connection.execute(said.order_by(review.c.id.desc()).limit(1)).scalar()


def judge(connection: Connection, public_id: str, match_id: int, *, relevant: bool, now: datetime) -> Judged | None:
    """Write down a person's verdict, unless it is what they said last; what it is about, None as for `judged`."""
    about = judged(connection, public_id, match_id)
    if about is not None and about.relevant is not relevant:
        reviews.record(connection, match_id, relevant=relevant, now=now, subscriber_id=about.subscriber_id)
    return about
