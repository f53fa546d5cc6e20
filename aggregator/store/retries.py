"""What was given up, or waits for a person, put back into the outbox as it is."""

from datetime import datetime

from sqlalchemy import Connection, select, update

from aggregator.core.model.subscriptions import LedgerState, Phase
from aggregator.store.schema import delivery, digest, ledger, subscriber, subscription

ENDED_BADLY = frozenset({Phase.DEAD, Phase.PARKED})


def again(connection: Connection, digest_id: int, *, now: datetime) -> tuple[Phase, bool] | None:
    """Queue a digest's delivery once more, at once, the same bytes; the phase it was found in, and whether it was queued.

    Only what is dead or parked is, and not what was erased. It goes to where its subscription sends now: a wrong address
    may be what was mended. None when there is no such digest.
    """
    query = (
        select(delivery, subscriber.c.address, subscription.c.channel.label("channel_now"), subscription.c.target)
        .join(digest, digest.c.id == delivery.c.digest_id)
        .join(subscription, subscription.c.id == digest.c.subscription_id)
        .join(subscriber, subscriber.c.id == delivery.c.subscriber_id)
        .where(delivery.c.digest_id == digest_id)
    )
    row = connection.execute(query).first()
    if row is None:
        return None
    found = Phase(row.phase)
    if found not in ENDED_BADLY or row.message is None:
        return found, False
    moved = (row.target or row.address) if row.channel == row.channel_now else None
    values = {
        "phase": Phase.QUEUED.value,
        "recipient": moved or row.recipient,
        "attempts": 0,
        "ambiguous": 0,
        "next_try_at": now,
        "ended_at": None,
        "lease": None,
        "lease_until": None,
    }
    # Of two who ask at once, one finds it in its old phase.
    mine = update(delivery).where(delivery.c.id == row.id, delivery.c.phase == found.value)
    if connection.execute(mine.values(values)).rowcount != 1:
        return found, False
    due = update(ledger).where(ledger.c.digest_id == digest_id, ledger.c.state == LedgerState.FAILED.value)
    connection.execute(due.values(state=LedgerState.PENDING.value, reason=None))
    return found, True
