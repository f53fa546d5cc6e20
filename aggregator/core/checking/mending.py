"""A feed that moved, died or became a web page -> what ails it, and how sure one may be of the feed that would replace it.

It judges and proposes; it fetches nothing and changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from aggregator.core.model.entries import Entry
from aggregator.core.model.feeds import FailureKind, Feed, FeedState
from aggregator.core.model.plans import KeyedEntry
from aggregator.core.text import fold
from aggregator.core.urls import canonical, link_hash

DEAD_AFTER = timedelta(days=7)

_GONE_STATUSES = frozenset({404, 410})
_MANY = 0.3  # of a document's entries: with so many known ones it is the same feed


class Ailment(StrEnum):
    """What an edit of the feed list might mend."""

    MOVED = "moved"
    DEAD = "dead"
    PAGE = "page"  # a web page where the feed was
    BOT_WALL = "bot_wall"


class Confidence(StrEnum):
    """How sure it is that another address is the same feed's; only the first two are for a program to act on."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """How a document compares with what is stored of a feed: `known` of its `entries` are, under key, link or title."""

    known: int
    entries: int
    stored: int
    same_title: bool

    @property
    def share(self) -> float:
        """The known ones among the entries of the document, 0 to 1."""
        return self.known / self.entries if self.entries else 0.0


def ailment(feed: Feed, state: FeedState, now: datetime) -> Ailment | None:
    """What ails a feed that an edit might mend, None when nothing does. `now` is an aware UTC time.

    A permanent redirect that was kept; 404, 410 or no such host for seven days, or ever since the feed is followed; a
    web page. A bot wall is named, so that a person may decide; what comes and goes by itself is nothing to mend.
    """
    if feed.disabled:
        return None
    if state.error_kind is FailureKind.BOT_WALL:
        return Ailment.BOT_WALL
    if state.error_kind is FailureKind.HTML:
        return Ailment.PAGE
    if _is_dead(state, now):
        return Ailment.DEAD
    if state.url_in_use and canonical(state.url_in_use) != canonical(feed.url):
        return Ailment.MOVED
    return None


def likeness(entries: Sequence[KeyedEntry], title: str | None, stored: Sequence[Entry], state: FeedState) -> Likeness:
    """How a document with these entries and this title compares with what is stored."""
    keys = {one.key for one in stored}
    links = {link_hash(one.revision.link) for one in stored if one.revision.link}
    titles = {folded for one in stored if (folded := fold(one.revision.title))}
    known = sum(one.key in keys or one.link_hash in links or fold(one.read.entry.title) in titles for one in entries)
    same_title = bool(title and state.title) and fold(title or "") == fold(state.title or "")
    return Likeness(known=known, entries=len(entries), stored=len(stored), same_title=same_title)


def confidence(seen: Likeness, *, led: bool) -> Confidence:
    """How sure one may be of a document. `led`: the feed's own address redirects to it for good.

    A redirect alone proves little: whoever buys a host that was given up redirects it too.
    """
    if seen.share >= _MANY:
        return Confidence.HIGH
    if seen.known or seen.same_title or (led and not seen.stored):
        return Confidence.MEDIUM
    return Confidence.LOW


def _is_dead(state: FeedState, now: datetime) -> bool:
    if state.gone:
        return True
    missing = state.error_kind is FailureKind.DNS or (state.error_kind is not None and state.status in _GONE_STATUSES)
    since = state.failing_since
    return missing and (state.succeeded_at is None or (since is not None and now - since >= DEAD_AFTER))
