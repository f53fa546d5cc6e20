"""What a digest says beside its stories: how the sources fare, which topics are silent or flooded, how their days went."""

from collections.abc import Sequence
from datetime import date, datetime

from aggregator.core.model.digests import SourceReport
from aggregator.core.model.trends import TopicSilence, TrendBar
from aggregator.store import attention, health, trends
from aggregator.store.database import Connection


class Surroundings:
    """Reads each of it once: the digests that are made together, often hundreds at the same minute, say the same.

    It is for one round of making digests, and forgotten after it.
    """

    def __init__(self) -> None:
        self._sources: dict[datetime, SourceReport] = {}
        self._silences: dict[tuple[str, date], TopicSilence | None] = {}
        self._daily: dict[tuple[str, datetime], Sequence[int]] = {}
        self._bars: dict[tuple[str, date], tuple[TrendBar, ...]] = {}

    def sources(self, connection: Connection, *, since: datetime) -> SourceReport:
        """What was checked since an instant; see `health.sources`."""
        if since not in self._sources:
            known = next(iter(self._sources.values()), None)
            quiet = None if known is None else known.quiet
            self._sources[since] = health.sources(connection, since=since, quiet=quiet)
        return self._sources[since]

    def silence(self, connection: Connection, topic_id: str, *, until: date) -> TopicSilence | None:
        """The silence of a topic on a UTC day, None when it has none; see `trends.silences`."""
        key = (topic_id, until)
        if key not in self._silences:
            found = trends.silences(connection, until=until, topic_ids=[topic_id])
            self._silences[key] = found.get(topic_id)
        return self._silences[key]

    def daily_matches(self, connection: Connection, topic_id: str, *, until: datetime) -> Sequence[int]:
        """A topic's matches a day over the fourteen days before an instant; see `attention.daily_matches`."""
        key = (topic_id, until)
        if key not in self._daily:
            self._daily[key] = attention.daily_matches(connection, topic_id, until=until)
        return self._daily[key]

    def bars(self, connection: Connection, topics: Sequence[tuple[str, str]], *, until: date) -> tuple[TrendBar, ...]:
        """The last seven days of each topic (id, name) that had a story in them; see `trends.bars`."""
        found: list[TrendBar] = []
        for one in topics:
            key = (one[0], until)
            if key not in self._bars:
                self._bars[key] = trends.bars(connection, [one], until=until)
            found += self._bars[key]
        return tuple(found)
