"""A store in which `desk` watches two topics, and matches, digests and mails that a test makes in it by hand."""

from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import Connection, select

from aggregator.core.digests.letter import DueDigest, Envelope
from aggregator.core.model.digests import SourceReport
from aggregator.core.model.plans import LedgerPlan
from aggregator.core.model.subscriptions import Delivery, LedgerState, Schedule, SubscriptionSpec
from aggregator.store import audience, claims, deliveries, digests, feeds, plans, subscribers, topics
from aggregator.store.audit import Balance, audit
from aggregator.store.database import Store
from aggregator.store.schema import ledger
from aggregator.store.subscribers import Member
from tests.factories import NOW, make_entry_plan, make_feed, make_match, make_plan, make_subscriber, make_topic

FEED = make_feed("un")
LASTS = timedelta(seconds=120)
TOPICS = ("narcotics", "us-india")


def morning(*topics: str, **said: Any) -> SubscriptionSpec:
    given: dict[str, Any] = {"slug": "morning", "schedule": Schedule(at=(time(7, 30),)), **said}
    return SubscriptionSpec(topics=topics or TOPICS, **given)


def populate(store: Store) -> None:
    """`desk` watches both topics every morning; nothing was matched yet."""
    store.write(feeds.save, [FEED], now=NOW)
    store.write(topics.save, [make_topic(one) for one in TOPICS], now=NOW)
    store.write(subscribers.save, [make_subscriber(subscriptions=(morning(),))], {"desk": "public-desk"}, now=NOW)
    store.write(claims.claim, now=NOW, lease="a", lasts=timedelta(days=400))


def desk(store: Store) -> Member:
    (member,) = store.read(subscribers.members, unlisted=True)
    return member


def match_one(store: Store, key: str, *topics: str, now: datetime = NOW) -> None:
    """Store an entry that matches the topics, with ledger rows for those who watch them now."""
    watching = store.read(audience.watchers, topics or TOPICS[:1])
    made = tuple(
        make_match(topic_id, ledger=tuple(_due(who.subscription_id, who.held) for who in watching.get(topic_id, ())))
        for topic_id in topics or TOPICS[:1]
    )
    new = make_entry_plan(f"id:{key}", matches=made, first_seen=now)
    assert store.write(plans.apply, [make_plan(FEED, "a", new=(new,))], now=now)


def _due(subscription_id: int, held: str) -> LedgerPlan:
    state = LedgerState.SUPPRESSED if held else LedgerState.PENDING
    return LedgerPlan(subscription_id=subscription_id, state=state, reason=held or None)


def freeze(store: Store, *, now: datetime = NOW, slug: str = "morning") -> int:
    """Make a digest of all that is pending, its mail queued."""
    member = desk(store)
    (of,) = [one for one in member.subscriptions if one.slug == slug]
    due = DueDigest(
        owner=member.subscriber,
        of=of,
        slot_at=now,
        since=now,
        items=store.read(digests.due_items, of.id, archive=False),
        sources=SourceReport(),
    )
    made = store.write(digests.freeze, due, subject="new", stories=1, seal=seal, now=now)
    assert made is not None
    return made


def seal(digest_id: int) -> Envelope:
    return Envelope(
        message_id=f"<{digest_id}@x>", sender="a@x", recipient="desk@example.org", channel="mail", message=b"Subject: x"
    )


def claim(store: Store, *, now: datetime = NOW) -> Delivery:
    (one,) = store.write(deliveries.claim, now=now, lease="x", lasts=LASTS)
    return one


def rows(store: Store) -> list[tuple[str, str | None]]:
    """The ledger's (state, reason), by match."""

    def read(connection: Connection) -> list[tuple[str, str | None]]:
        found = select(ledger.c.state, ledger.c.reason).order_by(ledger.c.match_id)
        return [(row.state, row.reason) for row in connection.execute(found)]

    return store.read(read)


def balance(store: Store) -> Balance:
    """The ledger's sums, which must close."""
    found = store.read(audit).total
    assert found.closes, found
    return found
