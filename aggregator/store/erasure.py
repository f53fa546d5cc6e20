"""Everything that is stored of one person: told whole, or taken out but for the numbers that keep the ledger's sum true."""

import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, Table, delete, func, or_, select, update

from aggregator.core.model.subscriptions import LedgerState, Phase, SubscriberState
from aggregator.store import dialect, optouts, spikes, subscribers
from aggregator.store.schema import (
    bounce,
    delivery,
    digest,
    ledger,
    match,
    opt_out,
    review,
    spike,
    subscriber,
    subscription,
    subscription_topic,
)

_ENDED = (Phase.SENT.value, Phase.DEAD.value, Phase.CANCELLED.value)


def erase(connection: Connection, subscriber_id: int, *, now: datetime) -> None:
    """Take out a person's address, name, targets and the bytes of their mail, and cancel what was still to be sent.

    Their verdicts stay without their name. Ledger, digests and deliveries keep their numbers, so an audit still closes.
    """
    dialect.lock_subscriptions(connection, exclusive=True)
    mine = select(subscription.c.id).where(subscription.c.subscriber_id == subscriber_id)
    subscribers.set_state(connection, subscriber_id, SubscriberState.ERASED, detail=None, now=now)
    bare = update(subscriber).where(subscriber.c.id == subscriber_id).values(address=None, name=None)
    connection.execute(bare)
    connection.execute(update(subscription).where(subscription.c.id.in_(mine)).values(target=None, weekly=False))
    connection.execute(delete(opt_out).where(opt_out.c.subscription_id.in_(mine)))
    connection.execute(delete(bounce).where(bounce.c.subscriber_id == subscriber_id))
    connection.execute(update(review).where(review.c.subscriber_id == subscriber_id).values(subscriber_id=None))
    sent = update(delivery).where(delivery.c.subscriber_id == subscriber_id)
    open_ones = sent.where(delivery.c.phase.not_in(_ENDED))
    connection.execute(open_ones.values(phase=Phase.CANCELLED.value, ended_at=now, next_try_at=None))
    # Without a lease, a try that is under way elsewhere records nothing over this.
    connection.execute(sent.values(recipient=None, message=None, detail=None, lease=None, lease_until=None))
    # What a pause kept aside is not for the time after it any more.
    waits = or_(ledger.c.state == LedgerState.PENDING.value, ledger.c.reason.in_(optouts.HELD))
    waiting = update(ledger).where(ledger.c.subscription_id.in_(mine), waits)
    ended = {"state": LedgerState.SUPPRESSED.value, "reason": SubscriberState.ERASED.value, "at": now}
    connection.execute(waiting.values(ended))
    spikes.leave_out(connection, mine, SubscriberState.ERASED.value)
    spikes.leave_out_cancelled(connection, mine, SubscriberState.ERASED.value)


def export(connection: Connection, subscriber_id: int) -> Mapping[str, Any]:
    """All that is stored of a person, as plain values: who they are, what they get and did, and each mail's own words."""
    mine = select(subscription.c.id).where(subscription.c.subscriber_id == subscriber_id)
    owned = _rows(connection, subscription, subscription.c.subscriber_id == subscriber_id)
    return {
        "subscriber": _rows(connection, subscriber, subscriber.c.id == subscriber_id)[0],
        "subscriptions": owned,
        "topics": _rows(connection, subscription_topic, subscription_topic.c.subscription_id.in_(mine)),
        "left": _rows(connection, opt_out, opt_out.c.subscription_id.in_(mine)),
        "bounces": _rows(connection, bounce, bounce.c.subscriber_id == subscriber_id),
        "reviews": _rows(connection, review, review.c.subscriber_id == subscriber_id),
        "spikes": _rows(connection, spike, spike.c.subscription_id.in_(mine)),
        "digests": _rows(connection, digest, digest.c.subscription_id.in_(mine)),
        "deliveries": [
            _readable(row) for row in _rows(connection, delivery, delivery.c.subscriber_id == subscriber_id)
        ],
        "matches": _matches(connection, mine),
    }


def _rows(connection: Connection, table: Table, which: Any) -> list[dict[str, Any]]:
    found = connection.execute(select(table).where(which).order_by(*table.primary_key.columns))
    return [dict(row) for row in found.mappings()]


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    message = row.pop("message")
    whole = None if message is None else zlib.decompress(message).decode("utf-8", "replace")
    return {**row, "message": whole}


def _matches(connection: Connection, mine: Select[tuple[int]]) -> Sequence[Mapping[str, Any]]:
    query = (
        select(
            ledger.c.subscription_id,
            ledger.c.match_id,
            match.c.topic_id,
            match.c.entry_id,
            ledger.c.state,
            func.coalesce(ledger.c.reason, "").label("reason"),
            ledger.c.digest_id,
            ledger.c.revision_sent,
            ledger.c.at,
        )
        .join(match, match.c.id == ledger.c.match_id)
        .where(ledger.c.subscription_id.in_(mine))
        .order_by(ledger.c.subscription_id, ledger.c.match_id)
    )
    return [dict(row) for row in connection.execute(query).mappings()]
