"""The word for how a feed fares, and what people should know of one that answers: it is quiet, has gaps, or is back."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aggregator.store.database import Connection
    from aggregator.store.feeds import FollowedFeed

RETRIED = "retried"  # what people read of an error that is too young to call a feed degraded
# Of a feed that answers: it brings nothing for unusually long, may have dropped entries, or had failed until lately.
QUIET, GAPPED, RECOVERED = "quiet", "gapped", "recovered"
SOURCES_SINCE = timedelta(days=7)  # gaps and recoveries of so long are told

# The worst first: what a person should look at stands where the eye begins.
STATES = ("poisoned", "failing", "degraded", RETRIED, QUIET, GAPPED, RECOVERED, "ok", "disabled")


@dataclass(frozen=True, slots=True)
class Noted:
    """What is to be known of a feed that answers: in a word (quiet, gapped or recovered), since when, and in a line."""

    word: str
    since: datetime | None
    detail: str


def noted(connection: "Connection", *, now: datetime, names: Collection[str] = ()) -> Mapping[str, Noted]:
    """The same feeds that `status` names, by id, each by what matters most of it; the quiet ones of `names` only."""
    from aggregator.store import health, silence

    gaps, recovered = health.shaken(connection, since=now - SOURCES_SINCE)
    told = {note.feed_id: Noted(RECOVERED, note.since, note.detail) for note in recovered}
    told |= {note.feed_id: Noted(GAPPED, note.since, note.detail) for note in reversed(gaps)}
    quiet = silence.quiet_feeds(connection, names=names)
    return told | {feed_id: Noted(QUIET, one.since, one.words) for feed_id, one in quiet.items()}


def spoken_state(one: "FollowedFeed", now: datetime, note: Noted | None) -> str:
    """One of `STATES`: for people, a young error and what is noted of a feed that answers have words of their own."""
    state = state_of(one, now)
    if state != "ok":
        return state
    return RETRIED if one.state.error_kind else note.word if note else state


def state_of(one: "FollowedFeed", now: datetime) -> str:
    """Its health, as programs read it."""
    from aggregator.core.checking.plan import feed_health

    return feed_health(one.feed, one.state, now)
