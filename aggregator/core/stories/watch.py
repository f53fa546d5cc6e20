"""When each feed was read -> which of its days and hits count: for a baseline, and against it.

A feed says nothing on a day on which it was not read, little on the day it comes back, and nothing comparable while it
is new.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from aggregator.core.model.trends import CheckedDay, Hit

NEW_FOR = 14  # days on which a feed must have been read before its stories count
WINDOW = 56  # days a baseline looks back: each weekday eight times

_DAY = timedelta(days=1)
_BEFORE = (1 << WINDOW) - 1
_ALL = (1 << (WINDOW + 1)) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Feeds and the days on which they were read, as bits: bit n is the n-th day after `begins`.

    `shaken` are the days of each that may hold a backlog.
    """

    begins: date
    read: Mapping[str, int]
    shaken: Mapping[str, frozenset[date]]

    def window(self, day: date) -> Mapping[str, int]:
        """The settled feeds, those read on at least `NEW_FOR` of the `WINDOW` days before, and the bits of those days.

        Bit 0 is the first day of the window, bit `WINDOW` the day itself.
        """
        offset = (day - self.begins).days - WINDOW
        found = {}
        for feed_id, bits in self.read.items():
            own = (bits >> offset if offset >= 0 else bits << -offset) & _ALL
            if (own & _BEFORE).bit_count() >= NEW_FOR:
                found[feed_id] = own
        return found

    def was_read(self, feed_id: str, day: date) -> bool:
        """Whether the feed answered on that day."""
        offset = (day - self.begins).days
        return offset >= 0 and bool(self.read.get(feed_id, 0) >> offset & 1)

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
    begins = min((day for own in by_feed.values() for day in own), default=date.min)
    return Watch(
        begins=begins,
        read={
            feed_id: sum(1 << (day - begins).days for day, one in own.items() if one.ok)
            for feed_id, own in by_feed.items()
        },
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
