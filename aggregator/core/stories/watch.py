"""When each feed was read -> which of its days and hits count: for a baseline, and against it.

A feed says nothing on a day on which it was not read, little on the day it comes back, and nothing comparable while it
is new.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from aggregator.core.model.trends import CheckedDay, Hit

NEW_FOR = 14  # days on which a feed must have been read before its stories count
WINDOW = 56  # days a baseline looks back: each weekday eight times

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Feeds and the days on which they were read, in order; `shaken` are those days that may hold a backlog."""

    read: Mapping[str, tuple[date, ...]]
    shaken: Mapping[str, frozenset[date]]

    def settled(self, day: date) -> frozenset[str]:
        """The feeds that were read on at least `NEW_FOR` of the days of the window before."""
        return frozenset(
            feed_id
            for feed_id, days in self.read.items()
            if bisect_left(days, day) - bisect_left(days, day - timedelta(days=WINDOW)) >= NEW_FOR
        )

    def was_read(self, feed_id: str, day: date) -> bool:
        """Whether the feed answered on that day."""
        days = self.read.get(feed_id, ())
        at = bisect_left(days, day)
        return at < len(days) and days[at] == day

    def counts(self, hit: Hit) -> bool:
        """Whether a hit may speak for the day it came: it is live, and no part of a backlog.

        On a day when its feed came back, or may have dropped entries, only what its publisher dates on that day does.
        """
        day = day_of(hit.first_seen)
        if not hit.live or not self.was_read(hit.feed_id, day):
            return False
        if day not in self.shaken.get(hit.feed_id, ()):
            return True
        return hit.published is not None and day_of(hit.published) == day


def watch(days: Iterable[CheckedDay]) -> Watch:
    """The watch over feeds from their days in counts."""
    by_feed: dict[str, dict[date, CheckedDay]] = defaultdict(dict)
    for one in days:
        by_feed[one.feed_id][one.day] = one
    return Watch(
        read={feed_id: tuple(sorted(day for day, one in own.items() if one.ok)) for feed_id, own in by_feed.items()},
        shaken={
            feed_id: frozenset(day for day, one in own.items() if one.gaps or _was_away(own.get(day - _DAY)))
            for feed_id, own in by_feed.items()
        },
    )


def _was_away(before: CheckedDay | None) -> bool:
    """Whether so much of a day was missed that the next one holds some of its entries."""
    return before is None or not before.ok or before.ok * 2 < before.checks


def day_of(at: datetime) -> date:
    """The UTC day of an instant: feeds' days are counted in UTC, and so is everything that is compared with them."""
    return at.astimezone(UTC).date()
