"""Leases on hosts: who may check which feeds now. A host is claimed with its due feeds, so it never meets two of us."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, Select, and_, bindparam, case, func, or_, select, update

from aggregator.core.checking.cadence import claimed
from aggregator.core.model.feeds import Feed, FeedState
from aggregator.store.codec import feed_of, state_of
from aggregator.store.dialect import hold_rows, skip_locked
from aggregator.store.schema import feed, feed_state, host

BATCH = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedFeed:
    """A due feed under our lease. `state` already counts this attempt; `due_at` is what a release restores."""

    feed: Feed
    state: FeedState
    host_id: int
    lease: str
    due_at: datetime
    held_until: datetime | None = None  # of its host; long past, else it would not have been taken


def claim(
    connection: Connection,
    *,
    now: datetime,
    lease: str,
    lasts: timedelta,
    only: Collection[str] = (),
    limit: int = BATCH,
) -> tuple[ClaimedFeed, ...]:
    """Lease due hosts and take their due feeds, at most `limit`, oldest first.

    `only` takes the named feeds whether due or not, unless their host is held or leased. Each taken feed's next check
    is moved out of reach before anything is asked of its host, so that a feed that crashes us waits its turn.
    """
    host_ids = _free_hosts(connection, now, only, limit)
    if not host_ids:
        return ()
    until = now + lasts
    rows = connection.execute(_due_feeds(host_ids, now, only).limit(limit)).all()
    taken = tuple(
        ClaimedFeed(
            feed=feed_of(row.definition),
            state=_attempted(state_of(row, row.host_name), now, until),
            host_id=row.host_id,
            lease=lease,
            due_at=row.next_check_at,
            held_until=row.hold_until,
        )
        for row in rows
    )
    _write_attempts(connection, [(one.feed.id, one.state.strikes, one.state.next_check_at) for one in taken])
    leased = {one.host_id for one in taken}
    if leased:
        connection.execute(update(host).where(host.c.id.in_(leased)).values(lease=lease, lease_until=until))
    if idle := set(host_ids) - leased:
        _settle_hosts(connection, idle)
    return taken


def _free_hosts(connection: Connection, now: datetime, only: Collection[str], limit: int) -> Sequence[int]:
    """Hosts that nobody leases and that do not ask for patience, the longest due first, locked."""
    free = or_(host.c.lease_until.is_(None), host.c.lease_until <= now)
    patient = or_(host.c.hold_until.is_(None), host.c.hold_until <= now)
    wanted = select(host.c.id).where(free, patient).order_by(host.c.next_due_at, host.c.id).limit(limit)
    if only:
        named = select(feed_state.c.host_id).where(feed_state.c.feed_id.in_(only))
        wanted = wanted.where(host.c.id.in_(named))
    else:
        wanted = wanted.where(host.c.next_due_at <= now)
    return connection.execute(skip_locked(connection, wanted, host)).scalars().all()


def _due_feeds(host_ids: Sequence[int], now: datetime, only: Collection[str]) -> Select[tuple[object, ...]]:
    asked = (
        feed_state.c.feed_id.in_(only)
        if only
        else and_(feed_state.c.next_check_at <= now, feed_state.c.gone.is_(False))
    )
    return (
        select(feed_state, feed.c.definition, host.c.name.label("host_name"), host.c.hold_until)
        .join(feed, feed.c.id == feed_state.c.feed_id)
        .join(host, host.c.id == feed_state.c.host_id)
        .where(feed_state.c.host_id.in_(host_ids), feed.c.active, asked)
        .order_by(feed_state.c.next_check_at, feed_state.c.feed_id)
    )


def _attempted(state: FeedState, now: datetime, until: datetime) -> FeedState:
    counted = replace(state, strikes=state.strikes + 1)
    return replace(counted, next_check_at=claimed(counted, now, until))


def _write_attempts(connection: Connection, attempts: Sequence[tuple[str, int, datetime]]) -> None:
    if attempts:
        connection.execute(
            update(feed_state).where(feed_state.c.feed_id == bindparam("of_feed")),
            [{"of_feed": feed_id, "strikes": strikes, "next_check_at": at} for feed_id, strikes, at in attempts],
        )


def extend(connection: Connection, *, lease: str, until: datetime) -> int:
    """Keep a lease alive; how many hosts it still holds. A host that someone else took over is not touched."""
    return connection.execute(update(host).where(host.c.lease == lease).values(lease_until=until)).rowcount


def still_held(connection: Connection, leases: Collection[str]) -> frozenset[tuple[str, int]]:
    """The (lease, host id) pairs that are still ours, locked until the transaction ends: the fence for every write."""
    query = select(host.c.lease, host.c.id).where(host.c.lease.in_(leases)).order_by(host.c.id)
    return frozenset((row.lease, row.id) for row in connection.execute(hold_rows(connection, query)))


def release(
    connection: Connection, *, lease: str, host_ids: Collection[int], undone: Sequence[ClaimedFeed] = ()
) -> None:
    """Give hosts back. `undone` feeds were not checked: they are due again as they were, and no attempt is counted."""
    held = {host_id for token, host_id in still_held(connection, (lease,)) if host_id in set(host_ids)}
    for one in undone:
        if one.host_id in held:
            # A check written after all has moved the next one: that stands.
            mine = update(feed_state).where(feed_state.c.feed_id == one.feed.id)
            unwritten = mine.where(feed_state.c.next_check_at == one.state.next_check_at)
            connection.execute(unwritten.values(strikes=max(0, one.state.strikes - 1), next_check_at=one.due_at))
    if held:
        connection.execute(update(host).where(host.c.id.in_(held)).values(lease=None, lease_until=None))
        _settle_hosts(connection, held)


def settle_all_hosts(connection: Connection) -> None:
    """Work out again when each host is next due, after feeds were added, removed or moved."""
    _settle_hosts(connection, connection.execute(select(host.c.id)).scalars().all())


def _settle_hosts(connection: Connection, host_ids: Collection[int]) -> None:
    due = (
        select(func.min(feed_state.c.next_check_at))
        .join(feed, feed.c.id == feed_state.c.feed_id)
        .where(feed_state.c.host_id == host.c.id, feed.c.active, feed_state.c.gone.is_(False))
        .scalar_subquery()
    )
    connection.execute(update(host).where(host.c.id.in_(host_ids)).values(next_due_at=due))


def hold(connection: Connection, *, name: str, until: datetime) -> None:
    """Ask nothing of a host before `until`; a longer hold stays."""
    longer = case((host.c.hold_until > until, host.c.hold_until), else_=until)
    connection.execute(update(host).where(host.c.name == name).values(hold_until=longer))
