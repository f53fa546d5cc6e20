"""A topic's hits -> what each feed is worth to it: what rests on it alone, what it had first, what its loss would cost.

Only what came as news counts: nobody was first with what a feed already held when it was added.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from aggregator.core.model.trends import Hit


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedValue:
    """One feed's part in one topic over some days.

    `stories` it carried in `hits` entries. `alone` are those that no other feed had: without the feed they would be
    lost. It was `first` with those that others had later, by `lead` in the middle: without it they would have come so
    much later.
    """

    topic_id: str
    feed_id: str
    hits: int
    stories: int
    alone: int
    first: int
    lead: timedelta | None
    of_topic: int  # the topic's stories, of all feeds

    @property
    def share(self) -> float:
        """The share of the topic's stories that rests on this feed alone."""
        return self.alone / self.of_topic if self.of_topic else 0.0


def coverage(topic_id: str, hits: Iterable[Hit]) -> tuple[FeedValue, ...]:
    """The value of every feed with a hit, the one whose loss costs most first.

    Feeds that had a story in the very same instant share it: neither was first.
    """
    live = [hit for hit in hits if hit.live]
    came: dict[str, dict[str, datetime]] = defaultdict(dict)
    entries: dict[str, int] = defaultdict(int)
    for hit in live:
        entries[hit.feed_id] += 1
        before = came[hit.story].get(hit.feed_id, hit.first_seen)
        came[hit.story][hit.feed_id] = min(before, hit.first_seen)
    values = [_value(topic_id, feed_id, number, list(came.values())) for feed_id, number in entries.items()]
    return tuple(sorted(values, key=lambda one: (-one.alone, -one.first, -one.stories, one.feed_id)))


def _value(topic_id: str, feed_id: str, entries: int, stories: Sequence[dict[str, datetime]]) -> FeedValue:
    carried = [feeds for feeds in stories if feed_id in feeds]
    leads = []
    for feeds in carried:
        others = [at for other, at in feeds.items() if other != feed_id]
        if others and feeds[feed_id] < min(others):
            leads.append(min(others) - feeds[feed_id])
    return FeedValue(
        topic_id=topic_id,
        feed_id=feed_id,
        hits=entries,
        stories=len(carried),
        alone=sum(len(feeds) == 1 for feeds in carried),
        first=len(leads),
        lead=sorted(leads)[(len(leads) - 1) // 2] if leads else None,
        of_topic=len(stories),
    )
