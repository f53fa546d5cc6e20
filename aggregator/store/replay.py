"""Stored entries as topics see them, read in pages, and the matches that a replay of a topic over them writes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, func, select

from aggregator.core.model.entries import FeedFacts, Revision
from aggregator.store.codec import feed_of, revision_of
from aggregator.store.entries import CHUNK
from aggregator.store.schema import entry, feed, feed_state, revision


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEntry:
    """An entry as topics see it: its current revision, and what is known of its feed now."""

    id: int
    first_seen: datetime
    revision: Revision
    facts: FeedFacts


def one(connection: Connection, entry_id: int) -> StoredEntry | None:
    """One entry, None when there is none of that id."""
    row = connection.execute(_entries().where(entry.c.id == entry_id)).first()
    return None if row is None else _stored(row)


def several(connection: Connection, ids: Sequence[int]) -> Mapping[int, StoredEntry]:
    """The entries of these ids that there are, by id."""
    found: dict[int, StoredEntry] = {}
    for start in range(0, len(ids), CHUNK):
        rows = connection.execute(_entries().where(entry.c.id.in_(ids[start : start + CHUNK])))
        found |= {row.of_entry: _stored(row) for row in rows}
    return found


def page(
    connection: Connection, *, after: int = 0, since: datetime | None = None, limit: int = 500
) -> tuple[StoredEntry, ...]:
    """Entries with an id above `after`, lowest first, at most `limit`; first seen at or after `since` when given."""
    query = _entries().where(entry.c.id > after).order_by(entry.c.id).limit(limit)
    if since is not None:
        query = query.where(entry.c.first_seen >= since)
    return tuple(_stored(row) for row in connection.execute(query))


def extent(connection: Connection, *, since: datetime) -> tuple[int, int]:
    """How many entries were first seen at or after an instant, and the id before the first of them."""
    query = select(func.count(), func.min(entry.c.id)).where(entry.c.first_seen >= since)
    number, first = connection.execute(query).one()
    return number, (first or 1) - 1


def _entries() -> Select[Any]:
    current = and_(revision.c.entry_id == entry.c.id, revision.c.n == entry.c.current_revision)
    return (
        select(
            entry.c.id.label("of_entry"),
            entry.c.first_seen,
            entry.c.feed_id,
            feed.c.definition,
            feed_state.c.language.label("feed_language"),
            revision,
        )
        .join(revision, current)
        .join(feed, feed.c.id == entry.c.feed_id)
        .outerjoin(feed_state, feed_state.c.feed_id == entry.c.feed_id)
    )


def _stored(row: Row[Any]) -> StoredEntry:
    source = feed_of(row.definition)
    facts = FeedFacts(
        feed_id=row.feed_id,
        url=source.url,
        tags=source.tags,
        tier=source.tier,
        language=source.language or row.feed_language,
    )
    return StoredEntry(id=row.of_entry, first_seen=row.first_seen, revision=revision_of(row), facts=facts)
