"""What many checks say together of the feeds that are followed -> notices for a person, each with what to do about it."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from aggregator.core.model.feeds import FailureKind, Feed, FeedState
from aggregator.core.urls import canonical, redacted

NAMELESS_FOR = timedelta(days=7)
EMPTY_FOR = timedelta(days=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something about a feed that only a person can settle."""

    feed_id: str
    message: str
    hint: str


def notices(
    followed: Sequence[tuple[Feed, FeedState]], emptied: Mapping[str, datetime], *, now: datetime
) -> tuple[Notice, ...]:
    """Hosts whose names are gone for a week, documents that stay empty for three days, feeds that became one.

    `emptied` tells when a feed's document last lost all its entries.
    """
    enabled = [(feed, state) for feed, state in followed if not feed.disabled]
    found = [notice for feed, state in enabled for notice in _of_one(feed, state, emptied.get(feed.id), now)]
    return (*found, *_same_address(enabled))


def _of_one(feed: Feed, state: FeedState, emptied_at: datetime | None, now: datetime) -> Iterator[Notice]:
    since = state.failing_since
    if state.error_kind is FailureKind.DNS and since is not None and now - since >= NAMELESS_FOR:
        message = f"the name {state.host} has not been found for {(now - since).days} days: is the host gone?"
        yield Notice(feed_id=feed.id, message=message, hint="look for its new address, or disable it in feeds.yaml")
    if emptied_at is None or state.spans or state.succeeded_at is None or state.error_kind is not None:
        return
    if state.succeeded_at - emptied_at >= EMPTY_FOR:
        days = (state.succeeded_at - emptied_at).days
        message = f"its document is valid and has held no entry for {days} days; what is stored stays"
        yield Notice(feed_id=feed.id, message=message, hint="look at its site: publishers leave old feeds behind empty")


def _same_address(followed: Sequence[tuple[Feed, FeedState]]) -> Iterator[Notice]:
    """Feeds that redirects have led to one address. Each is checked on, as only a person can say which should stay."""
    by_address: dict[str, list[str]] = defaultdict(list)
    shown: dict[str, str] = {}
    for feed, state in followed:
        address = state.url_in_use or feed.url
        by_address[canonical(address)].append(feed.id)
        shown[feed.id] = redacted(address)
    for first, *others in by_address.values():
        for other in others:
            message = f"it is the same feed as {first}: both are at {shown[other]}"
            yield Notice(feed_id=other, message=message, hint=f"keep one: `aggregator feeds remove {other}`")
