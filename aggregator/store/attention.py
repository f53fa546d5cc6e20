"""How often a person was alerted, what of it must wait for a digest, and how much a topic usually has a day."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, exists, func, or_, select, update

from aggregator.core.digests.compose.flood import DAYS
from aggregator.core.model.digests import DigestKind, DueItem
from aggregator.core.model.subscriptions import LedgerState, SubscriptionKind
from aggregator.store import dialect, spikes
from aggregator.store.chunks import rows_of
from aggregator.store.schema import digest, is_news, is_pending, ledger, match, spike, subscriber, subscription

ALERT_LIMIT = "alert_limit"

_DAY = timedelta(days=1)
_LONG_DAY = timedelta(hours=26)  # the longest that a calendar day may be, and some more


def with_pending(connection: Connection, subscription_ids: Sequence[int]) -> frozenset[int]:
    """Those of these subscriptions to which anything at all waits to be told."""
    waits = exists().where(ledger.c.subscription_id == subscription.c.id, is_pending)
    query = select(subscription.c.id).where(waits)
    return frozenset(row.id for row in rows_of(connection, query, subscription.c.id, subscription_ids))


def alerts_of(connection: Connection, subscriber_id: int, *, now: datetime, hold: bool = False) -> tuple[datetime, ...]:
    """When a person was alerted over the last day, by whichever subscription.

    With `hold` no other process can alert this person before the transaction ends.
    """
    if hold:
        connection.execute(
            dialect.hold_rows(connection, select(subscriber.c.id).where(subscriber.c.id == subscriber_id))
        )
    query = (
        select(digest.c.created_at)
        .join(subscription, subscription.c.id == digest.c.subscription_id)
        .where(subscription.c.subscriber_id == subscriber_id, digest.c.kind == DigestKind.ALERT.value)
        .where(digest.c.created_at > now - _LONG_DAY)
    )
    return tuple(connection.execute(query).scalars())


def has_for_digests(connection: Connection, subscription_id: int, subscriber_id: int) -> bool:
    """Whether `give_to_digests` would find anything to leave."""
    timed = _timed(connection, subscriber_id)
    matches = select(ledger.c.match_id).where(_for_digests(subscription_id, timed))
    days = select(spike.c.id).where(spikes.for_digests(subscription_id, timed))
    found: bool = connection.execute(select(or_(matches.exists(), days.exists()))).scalar_one() if timed else False
    return found


def give_to_digests(connection: Connection, subscription_id: int, subscriber_id: int, *, now: datetime) -> int:
    """Leave what waits to be told at once to the same person's timed digests, as far as they tell it; how much that is.

    What no digest tells waits for the next day's first alert.
    """
    timed = _timed(connection, subscriber_id)
    if not timed:
        return 0
    left = update(ledger).where(_for_digests(subscription_id, timed))
    done = connection.execute(left.values(state=LedgerState.SUPPRESSED.value, reason=ALERT_LIMIT, at=now))
    return done.rowcount + spikes.give_to_digests(connection, subscription_id, timed, ALERT_LIMIT)


def _timed(connection: Connection, subscriber_id: int) -> list[int]:
    """A person's subscriptions that tell topics at fixed times."""
    query = select(subscription.c.id, subscription.c.schedule).where(
        subscription.c.subscriber_id == subscriber_id,
        subscription.c.listed,
        subscription.c.kind == SubscriptionKind.TOPICS.value,
    )
    return [row.id for row in connection.execute(query) if not row.schedule["immediate"]]


def _for_digests(subscription_id: int, timed: Sequence[int]) -> ColumnElement[bool]:
    """The condition that a match waits to be told at once, and one of these digests of the same person tells it too."""
    other = ledger.alias("other")
    told = exists().where(
        other.c.match_id == ledger.c.match_id,
        other.c.subscription_id.in_(timed),
        other.c.state.in_([LedgerState.PENDING.value, LedgerState.DELIVERED.value]),
    )
    return and_(ledger.c.subscription_id == subscription_id, is_pending, told)


def late_alerts(connection: Connection, subscriber_id: int, items: Sequence[DueItem]) -> frozenset[int]:
    """Which of these matches were due to the person at once, on a day that had its alerts already."""
    mine = select(subscription.c.id).where(subscription.c.subscriber_id == subscriber_id)
    query = select(ledger.c.match_id).where(ledger.c.subscription_id.in_(mine), ledger.c.reason == ALERT_LIMIT)
    ids = (item.match_id for item in items)
    return frozenset(row.match_id for row in rows_of(connection, query, ledger.c.match_id, ids))


def daily_matches(connection: Connection, topic_id: str, *, until: datetime) -> tuple[int, ...]:
    """A topic's matches a day over the fourteen days before `until`, or as many days as it has matched anything.

    Only what was new when it came counts: a first import or a replay says nothing of what is usual.
    """
    mine = match.c.topic_id == topic_id
    first = connection.execute(select(func.min(match.c.first_seen)).where(mine)).scalar_one()
    if first is None:
        return ()
    counts = [0] * max(min((until - first) // _DAY, DAYS), 0)
    recent = (match.c.first_seen >= until - DAYS * _DAY, match.c.first_seen < until)
    for at in connection.execute(select(match.c.first_seen).where(mine, is_news, *recent)).scalars():
        before = (until - at) // _DAY
        if before < len(counts):
            counts[before] += 1
    return tuple(counts)
