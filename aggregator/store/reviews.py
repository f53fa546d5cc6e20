"""What people said of matches: relevant or noise. Every verdict is kept, the last one counts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, select

from aggregator.store import replay
from aggregator.store.replay import StoredEntry
from aggregator.store.schema import match, review


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdicts:
    """How many matches of a topic were last called relevant, and how many noise."""

    relevant: int = 0
    noise: int = 0

    @property
    def precision(self) -> float | None:
        """The share of relevant ones, None where nothing was reviewed."""
        reviewed = self.relevant + self.noise
        return self.relevant / reviewed if reviewed else None


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchRef:
    """A match, as far as a person must know it to judge it."""

    id: int
    topic_id: str
    entry_id: int


def find(connection: Connection, match_id: int) -> MatchRef | None:
    """A match by its number, None when there is none."""
    row = connection.execute(
        select(match.c.id, match.c.topic_id, match.c.entry_id).where(match.c.id == match_id)
    ).first()
    return None if row is None else MatchRef(id=row.id, topic_id=row.topic_id, entry_id=row.entry_id)


def find_of(connection: Connection, entry_id: int, topic_id: str) -> MatchRef | None:
    """The match of an entry and a topic, None when the topic never flagged it."""
    query = select(match.c.id).where(match.c.entry_id == entry_id, match.c.topic_id == topic_id)
    found = connection.execute(query).scalar()
    return None if found is None else MatchRef(id=found, topic_id=topic_id, entry_id=entry_id)


def record(
    connection: Connection, match_id: int, *, relevant: bool, now: datetime, subscriber_id: int | None = None
) -> None:
    """Add a verdict; from now on it is the one that counts."""
    values = {"match_id": match_id, "subscriber_id": subscriber_id, "relevant": relevant, "at": now}
    connection.execute(review.insert().values(values))


def verdicts(connection: Connection) -> Mapping[str, Verdicts]:
    """The last verdicts of all matches, counted by topic; topics without any are left out."""
    last = _last().subquery()
    query = (
        select(match.c.topic_id, review.c.relevant, func.count())
        .join(last, last.c.id == review.c.id)
        .join(match, match.c.id == review.c.match_id)
        .group_by(match.c.topic_id, review.c.relevant)
    )
    counted: dict[str, dict[bool, int]] = {}
    for topic_id, relevant, number in connection.execute(query):
        counted.setdefault(topic_id, {})[bool(relevant)] = number
    return {
        topic_id: Verdicts(relevant=found.get(True, 0), noise=found.get(False, 0))
        for topic_id, found in counted.items()
    }


def reviewed(connection: Connection, topic_id: str, *, limit: int = 2000) -> tuple[tuple[StoredEntry, bool], ...]:
    """The reviewed entries of a topic with their last verdict, the latest reviewed first, at most `limit`."""
    last = _last().subquery()
    query = (
        select(match.c.entry_id, review.c.relevant)
        .join(last, last.c.id == review.c.id)
        .join(match, match.c.id == review.c.match_id)
        .where(match.c.topic_id == topic_id)
        .order_by(review.c.id.desc())
        .limit(limit)
    )
    said = {row.entry_id: bool(row.relevant) for row in connection.execute(query)}
    found = replay.several(connection, list(said))
    return tuple((found[entry_id], relevant) for entry_id, relevant in said.items() if entry_id in found)


def _last() -> Select[Any]:
    return select(func.max(review.c.id).label("id")).group_by(review.c.match_id)
