"""Which feeds that answer are unusually quiet: their last arrivals and days, asked only of those that brought nothing lately.

It costs the same however large the archive is: a hundred arrivals and eight weeks of counts a feed at most.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

from sqlalchemy import Connection, select

from aggregator.core.model.digests import SourceNote
from aggregator.core.stories.silence import SHORTEST, Quiet, ReadDay, quiet
from aggregator.core.stories.watch import WINDOW
from aggregator.store.chunks import rows_of
from aggregator.store.entries import latest_times
from aggregator.store.schema import feed, feed_day, feed_state

ARRIVALS = 150
GLANCE = 6  # of them, which tell most feeds that merely rest from those that may be quiet


def quiet_feeds(connection: Connection, *, names: Collection[str] = ()) -> Mapping[str, Quiet]:
    """The followed feeds, or those of the named ones, that answer without an error and are unusually quiet, by id."""
    columns = (feed_state.c.feed_id, feed_state.c.succeeded_at, feed_state.c.changed_at, feed_state.c.baseline_at)
    query = select(*columns).join(feed, feed.c.id == feed_state.c.feed_id).order_by(feed.c.id)
    well = query.where(feed.c.active, feed_state.c.gone.is_(False), feed_state.c.error_kind.is_(None))
    still = [row for row in connection.execute(well.where(feed_state.c.succeeded_at.is_not(None))) if _is_still(row)]
    asked = [row for row in still if (not names or row.feed_id in names) and not _pauses_so(connection, row)]
    days = _read_days(connection, {row.feed_id: row.succeeded_at.date() for row in asked})
    found: dict[str, Quiet] = {}
    for row in asked:
        one = quiet(
            latest_times(connection, row.feed_id, limit=ARRIVALS),
            days.get(row.feed_id, ()),
            active_at=_active_at(row),
            seen_at=row.succeeded_at,
        )
        if one is not None:
            found[row.feed_id] = one
    return found


def quiet_notes(connection: Connection, labels: Mapping[str, str]) -> tuple[SourceNote, ...]:
    """The quiet ones among the feeds of `labels`, which name them for people."""
    found = quiet_feeds(connection, names=labels.keys()) if labels else {}
    return tuple(
        SourceNote(feed_id=feed_id, name=labels[feed_id], detail=one.words, since=one.since)
        for feed_id, one in found.items()
    )


def _active_at(row: Any) -> datetime | None:
    """When a feed last brought news; None where all it ever brought was its archive, whose dates tell more."""
    at: datetime | None = row.changed_at
    return None if at == row.baseline_at else at


def _is_still(row: Any) -> bool:
    at = _active_at(row)
    return at is None or row.succeeded_at - at >= SHORTEST


def _pauses_so(connection: Connection, row: Any) -> bool:
    """Whether two of a feed's last pauses were as long as this one: that is its habit, and asks for no closer look."""
    came = sorted(latest_times(connection, row.feed_id, limit=GLANCE))
    gaps = sorted(later - earlier for earlier, later in pairwise(came))
    return len(gaps) > 1 and row.succeeded_at - max(came[-1], _active_at(row) or came[-1]) <= gaps[-2]


def _read_days(connection: Connection, until: Mapping[str, date]) -> Mapping[str, tuple[ReadDay, ...]]:
    """The whole days of the window on which each feed was read, up to its last check's."""
    if not until:
        return {}
    oldest = min(until.values()) - timedelta(days=WINDOW)
    query = select(feed_day.c.feed_id, feed_day.c.day, feed_day.c.new).where(
        feed_day.c.ok > 0, feed_day.c.day >= oldest
    )
    found: dict[str, list[ReadDay]] = defaultdict(list)
    for row in rows_of(connection, query, feed_day.c.feed_id, sorted(until)):
        if until[row.feed_id] - timedelta(days=WINDOW) <= row.day < until[row.feed_id]:
            found[row.feed_id].append(ReadDay(day=row.day, new=row.new))
    return {feed_id: tuple(own) for feed_id, own in found.items()}
