"""What `status` shows, gathered from the store in one read and from the machine around it. It prints nothing."""

import shutil
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aggregator.cli.feed_states import SOURCES_SINCE, STATES
from aggregator.cli.manners import COUNTED_DAYS
from aggregator.cli.opening import Archive
from aggregator.core.checking.plan import feed_health
from aggregator.core.model.digests import SourceReport
from aggregator.core.model.trends import TopicSilence
from aggregator.store import deliveries, dialect, feeds, health, lock, topics, trends
from aggregator.store.database import Connection
from aggregator.store.feeds import FollowedFeed
from aggregator.store.health import Totals
from aggregator.store.politeness import Politeness, politeness

STALE = timedelta(minutes=2)  # twenty missed ticks
TICKING = ("refresh", "dispatch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """The service at one instant. `ill` are feeds with an error, the worst first, each with its state.

    `states` counts feeds by state, `unread` those among the ok ones that no check has reached yet, `retried` those
    whose last checks failed, too few in a row to say more.
    """

    now: datetime
    holder: str | None
    beats: Mapping[str, tuple[datetime, Mapping[str, Any]]]
    states: Mapping[str, int]
    ill: tuple[tuple[FollowedFeed, str], ...]
    unread: int
    retried: int
    unanswered: int
    overdue: int
    next_check_at: datetime | None
    totals: Totals
    matches: Mapping[str, int]
    phases: Mapping[str, int]
    parked: Mapping[str, str]
    free: int  # bytes
    size: int | None  # bytes of an embedded database
    politeness: Politeness
    sources: SourceReport  # of the last week
    silent: Mapping[str, TopicSilence]  # topics without a story where some were expected, by id

    @property
    def ticked_at(self) -> datetime | None:
        """When the service last showed that it lives."""
        return max((self.beats[kind][0] for kind in TICKING if kind in self.beats), default=None)

    @property
    def config_problems(self) -> tuple[str, ...]:
        """What was wrong with feeds.yaml when it was last read; empty when it was applied."""
        _, detail = self.beats.get("config", (None, {}))
        return tuple(str(line) for line in detail.get("problems", ()))

    @property
    def trouble(self) -> str:
        """Why the service does not do its work now, empty when it does."""
        if self.holder is None:
            return "no service holds this database"
        if self.ticked_at is None:
            return "the service has not ticked yet"
        age = self.now - self.ticked_at
        return f"the last tick was {age.total_seconds():,.0f} s ago" if age > STALE else ""


def look(archive: Archive) -> Glance:
    """Everything at once. Raises StoreError when the database fails."""
    stored = archive.store.read(_stored, archive.now)
    file = dialect.file_of(archive.settings.database)
    size = None
    with suppress(OSError):
        size = file.stat().st_size if file else None
    free = shutil.disk_usage(archive.settings.data_dir if archive.settings.data_dir.is_dir() else ".").free
    return Glance(now=archive.now, holder=lock.holder_of(archive.settings.database), free=free, size=size, **stored)


def _stored(connection: Connection, now: datetime) -> dict[str, Any]:
    followed = [(one, feed_health(one.feed, one.state, now)) for one in feeds.followed(connection)]
    ill = [pair for pair in followed if pair[0].state.error_kind is not None and not pair[0].feed.disabled]
    return {
        "beats": health.beats(connection),
        "states": Counter(state for _, state in followed),
        "ill": tuple(sorted(ill, key=lambda pair: (STATES.index(pair[1]), pair[0].feed.id))),
        "retried": sum(state == "ok" for _, state in ill),
        "unread": sum(state == "ok" and one.state.checked_at is None for one, state in followed),
        "unanswered": health.unanswered(connection),
        "overdue": health.overdue(connection, now=now),
        "next_check_at": feeds.next_due(connection),
        "totals": health.totals(connection),
        "politeness": politeness(connection, since=now.date() - timedelta(days=COUNTED_DAYS - 1)),
        "matches": topics.match_counts(connection),
        "sources": health.sources(connection, since=now - SOURCES_SINCE),
        "silent": trends.silences(connection, until=now.date()),
        "phases": deliveries.counts(connection),
        "parked": deliveries.parked(connection, now=now),
    }
