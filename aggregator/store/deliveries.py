"""The outbox: claims deliveries that are due, records how far each got, and settles the ledger with it."""

import zlib
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, or_, select, update

from aggregator.core.digests.fate import Fate
from aggregator.core.model.subscriptions import OPEN_PHASES, Delivery, LedgerState, Phase, SubscriberState
from aggregator.store import bounces, corrections, dialect, optouts, spikes
from aggregator.store.schema import delivery, is_open, ledger, relay, subscriber

BATCH = 20


def claim(
    connection: Connection,
    *,
    now: datetime,
    lease: str,
    lasts: timedelta,
    limit: int = BATCH,
    without: Collection[str] = (),
) -> tuple[Delivery, ...]:
    """Lease due deliveries whose channel is not parked, oldest first; each comes with the phase it was found in.

    Channels in `without` are left alone.
    One found in `data` belonged to a process that died in the middle of DATA: its outcome is unknown.
    """
    parked = select(relay.c.channel).where(relay.c.parked_until > now)
    query = (
        select(delivery)
        .where(is_open, delivery.c.next_try_at <= now)
        .where(or_(delivery.c.lease_until.is_(None), delivery.c.lease_until <= now))
        .where(delivery.c.channel.not_in(parked), delivery.c.channel.not_in(without))
        .order_by(delivery.c.next_try_at, delivery.c.id)
        .limit(limit)
    )
    rows = connection.execute(dialect.skip_locked(connection, query, delivery)).all()
    if rows:
        taken = update(delivery).where(delivery.c.id.in_([row.id for row in rows]))
        connection.execute(taken.values(lease=lease, lease_until=now + lasts))
    return tuple(_delivery(row, lease) for row in rows)


def _delivery(row: Row[Any], lease: str) -> Delivery:
    return Delivery(
        id=row.id,
        digest_id=row.digest_id,
        subscriber_id=row.subscriber_id,
        message_id=row.message_id,
        sender=row.sender,
        recipient=row.recipient,
        channel=row.channel,
        message=zlib.decompress(row.message),
        phase=Phase(row.phase),
        attempts=row.attempts,
        lease=lease,
        next_try_at=row.next_try_at,
        ambiguous=row.ambiguous,
        detail=row.detail,
    )


def begin(connection: Connection, one: Delivery, *, now: datetime) -> bool:
    """Start a try: False when the lease is lost, or its reader wants this mail no more (then it is cancelled)."""
    active = select(subscriber.c.state).where(subscriber.c.id == one.subscriber_id)
    state = SubscriberState(connection.execute(active).scalar_one())
    left = optouts.left_of_digest(connection, one.digest_id)
    if state is SubscriberState.ACTIVE and not left:
        return _advance(connection, one, Phase.SENDING, attempts=one.attempts + 1)
    reason = optouts.OPTED_OUT if left else state.value
    told = f"the reader left {left}" if left else f"the subscriber is {state.value}"
    # Without a lease of its own, a later `release` cannot queue it again.
    ended = {"detail": told, "lease": None, "lease_until": None, "ended_at": now}
    if _advance(connection, one, Phase.CANCELLED, **ended):
        _settle(connection, one.digest_id, LedgerState.SUPPRESSED, reason=reason)
        corrections.release(connection, one.digest_id)
        spikes.release(connection, one.digest_id, reason=None if reason in optouts.HELD else reason)
    return False


def entered_data(connection: Connection, one: Delivery) -> bool:
    """Commit that DATA is about to be given, before it is: a death after this is ambiguous. False without the lease."""
    return _advance(connection, one, Phase.DATA)


def record(connection: Connection, one: Delivery, fate: Fate, *, now: datetime) -> bool:
    """Write how a try ended and settle the ledger where it ended for good; False when the lease was lost."""
    ended = fate.phase not in OPEN_PHASES
    values = {
        "detail": fate.detail,
        "next_try_at": fate.next_try_at,
        "ambiguous": fate.ambiguous,
        "lease": None,
        "lease_until": None,
        "ended_at": now if ended else None,
    }
    if fate.park_until is not None:
        values["attempts"] = one.attempts  # the fault is ours: it costs the message none of its tries
    if not _advance(connection, one, fate.phase, **values):
        return False
    if fate.phase is Phase.SENT:
        _settle(connection, one.digest_id, LedgerState.DELIVERED)
    elif fate.phase is Phase.DEAD:
        _settle(connection, one.digest_id, LedgerState.FAILED, reason="rejected")
    if fate.bounce is not None:
        bounces.record(connection, one.subscriber_id, fate.bounce, source="smtp", now=now)
    if fate.park_until is not None:
        _park(connection, one.channel, fate.park_until, fate.detail)
    elif fate.phase is Phase.SENT:
        unparked = update(relay).where(relay.c.channel == one.channel).values(parked_until=None)
        connection.execute(unparked)
    return True


def _advance(connection: Connection, one: Delivery, phase: Phase, **values: Any) -> bool:
    mine = update(delivery).where(delivery.c.id == one.id, delivery.c.lease == one.lease)
    return connection.execute(mine.values(phase=phase.value, **values)).rowcount == 1


def _settle(connection: Connection, digest_id: int, state: LedgerState, *, reason: str | None = None) -> None:
    rows = update(ledger).where(ledger.c.digest_id == digest_id)
    connection.execute(rows.values(state=state.value, reason=reason))


def _park(connection: Connection, channel: str, until: datetime, detail: str | None) -> None:
    values = {"parked_until": until, "detail": detail or ""}
    row = dialect.insert(connection, relay).values(channel=channel, **values)
    connection.execute(row.on_conflict_do_update(index_elements=["channel"], set_=values))


def extend(connection: Connection, *, lease: str, until: datetime) -> None:
    """Keep claimed deliveries ours while their sessions go on."""
    connection.execute(update(delivery).where(delivery.c.lease == lease).values(lease_until=until))


def release(connection: Connection, *, lease: str) -> None:
    """Give back deliveries that were claimed and not begun; one past DATA keeps its lease and its question."""
    begun = (Phase.DATA.value,)
    mine = update(delivery).where(delivery.c.lease == lease, delivery.c.phase.not_in(begun))
    connection.execute(mine.values(lease=None, lease_until=None, phase=Phase.QUEUED.value))


def counts(connection: Connection) -> Mapping[str, int]:
    """How many deliveries are in each phase."""
    query = select(delivery.c.phase, func.count()).group_by(delivery.c.phase)
    return {row[0]: row[1] for row in connection.execute(query)}


def parked(connection: Connection, *, now: datetime) -> Mapping[str, str]:
    """Channels that wait for the operator, and why."""
    query = select(relay.c.channel, relay.c.detail).where(relay.c.parked_until > now)
    return {row.channel: row.detail for row in connection.execute(query)}
