"""How far apart clocks may be, and what to do with instants that were written by one which has gone back since."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, select, update

from aggregator.store.claims import settle_all_hosts
from aggregator.store.dialect import lock_subscriptions
from aggregator.store.schema import feed_state, host

TOLERANCE = timedelta(seconds=5)  # of our clock and the database's; beyond it nothing is claimed


def pull_back(connection: Connection, *, now: datetime, step: timedelta, lasts: timedelta) -> int:
    """After this machine's clock went back by `step`: what it had due, held or leased later comes as much sooner.

    Without this every feed would wait until the clock has caught up. How many feeds were moved.
    """
    lock_subscriptions(connection, exclusive=True)  # it touches every host, and checks hold theirs
    connection.execute(update(host).where(host.c.lease_until > now + lasts).values(lease_until=now + lasts))
    held = select(host.c.id, host.c.hold_until).where(host.c.hold_until > now)
    for host_id, hold_until in connection.execute(held.order_by(host.c.id)).all():
        connection.execute(update(host).where(host.c.id == host_id).values(hold_until=hold_until - step))
    ahead = select(feed_state.c.feed_id, feed_state.c.checked_at, feed_state.c.next_check_at)
    rows = connection.execute(ahead.where(feed_state.c.checked_at > now).order_by(feed_state.c.feed_id)).all()
    for row in rows:
        moved = {"checked_at": row.checked_at - step, "next_check_at": row.next_check_at - step}
        connection.execute(update(feed_state).where(feed_state.c.feed_id == row.feed_id).values(moved))
    settle_all_hosts(connection)
    return len(rows)
