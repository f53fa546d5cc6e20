"""Entries and their revisions: what is known of a document before a plan is made, and what people ask to see."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, func, or_, select

from aggregator.core.model.entries import Entry, KnownEntry, Revision
from aggregator.core.model.plans import Known, Watcher
from aggregator.store.chunks import chunks, rows_of
from aggregator.store.codec import entry_of, revision_of
from aggregator.store.schema import entry, entry_alias, is_current, match, revision, topic

TIMES = 50  # publish times that the cadence of a feed is learned from


def known(
    connection: Connection,
    *,
    keys: Mapping[str, Collection[str]],
    links: Mapping[str, Collection[bytes]],
    watchers: Mapping[str, tuple[Watcher, ...]],
) -> dict[str, Known]:
    """What the store knows of the asked keys and links, a `Known` for each feed id in `keys`."""
    ids_by_key: dict[str, dict[str, int | None]] = {}
    ids_by_link: dict[str, dict[bytes, int]] = {}
    for feed_id, asked in keys.items():
        ids_by_key[feed_id] = _ids_of_keys(connection, feed_id, asked)
        ids_by_link[feed_id] = _ids_of_links(connection, feed_id, links.get(feed_id, ()))
    wanted = {id_ for found in ids_by_key.values() for id_ in found.values() if id_ is not None}
    wanted |= {id_ for found in ids_by_link.values() for id_ in found.values()}
    stored = _known_entries(connection, wanted)
    return {
        feed_id: Known(
            entries={key: None if id_ is None else stored[id_] for key, id_ in ids_by_key[feed_id].items()},
            by_link={link: stored[id_] for link, id_ in ids_by_link[feed_id].items()},
            times=latest_times(connection, feed_id),
            watchers=watchers,
        )
        for feed_id in keys
    }


def _ids_of_keys(connection: Connection, feed_id: str, keys: Collection[str]) -> dict[str, int | None]:
    found: dict[str, int | None] = {}
    for part in chunks(keys):
        aliases = select(entry_alias.c.key, entry_alias.c.entry_id)
        query = aliases.where(entry_alias.c.feed_id == feed_id, entry_alias.c.key.in_(part))
        found |= {row.key: row.entry_id for row in connection.execute(query)}
        own = select(entry.c.key, entry.c.id).where(entry.c.feed_id == feed_id, entry.c.key.in_(part))
        found |= {row.key: row.id for row in connection.execute(own)}
    return found


def _ids_of_links(connection: Connection, feed_id: str, hashes: Collection[bytes]) -> dict[bytes, int]:
    found: dict[bytes, int] = {}
    for part in chunks(hashes):
        query = select(entry.c.link_hash, func.max(entry.c.id).label("id")).group_by(entry.c.link_hash)
        query = query.where(entry.c.feed_id == feed_id, entry.c.link_hash.in_(part))
        found |= {bytes(row.link_hash): row.id for row in connection.execute(query)}
    return found


def _known_entries(connection: Connection, ids: Collection[int]) -> dict[int, KnownEntry]:
    found: dict[int, KnownEntry] = {}
    for part in chunks(ids):
        topics: dict[int, set[str]] = defaultdict(set)
        for row in connection.execute(select(match.c.entry_id, match.c.topic_id).where(match.c.entry_id.in_(part))):
            topics[row.entry_id].add(row.topic_id)
        columns = (entry, revision.c.title, revision.c.text, revision.c.hash, revision.c.seen_at)
        for row in connection.execute(select(*columns).join(revision, is_current).where(entry.c.id.in_(part))):
            found[row.id] = KnownEntry(
                entry_id=row.id,
                feed_id=row.feed_id,
                key=row.key,
                link_hash=row.link_hash,
                title=row.title,
                text=row.text,
                hash=row.hash,
                revisions=row.current_revision,
                first_seen=row.first_seen,
                revised_at=row.seen_at,
                published=row.published,
                matches=frozenset(topics[row.id]),
            )
    return found


def latest_times(connection: Connection, feed_id: str, *, limit: int = TIMES) -> tuple[datetime, ...]:
    """When the last entries of a feed came: as their publisher dates them, but never after they were first seen."""
    query = select(entry.c.published, entry.c.first_seen).where(entry.c.feed_id == feed_id)
    rows = connection.execute(query.order_by(entry.c.first_seen.desc(), entry.c.id.desc()).limit(limit))
    return tuple(min(row.published or row.first_seen, row.first_seen) for row in rows)


def _listing() -> Select[Any]:
    return select(entry.c.id.label("entry_id_"), entry, revision).join(revision, is_current)


def latest(
    connection: Connection,
    *,
    feed_id: str | None = None,
    topic_id: str | None = None,
    before: int | None = None,
    limit: int = 50,
) -> tuple[Entry, ...]:
    """Entries, newest first seen first; of one feed, or matched by one topic; ids below `before` for the next page."""
    query = _listing().order_by(entry.c.first_seen.desc(), entry.c.id.desc()).limit(limit)
    if feed_id is not None:
        query = query.where(entry.c.feed_id == feed_id)
    if topic_id is not None:
        query = query.where(entry.c.id.in_(select(match.c.entry_id).where(match.c.topic_id == topic_id)))
    if before is not None:
        seen = select(entry.c.first_seen).where(entry.c.id == before).scalar_subquery()
        query = query.where(or_(entry.c.first_seen < seen, and_(entry.c.first_seen == seen, entry.c.id < before)))
    return _with_topics(connection, connection.execute(query).all())


def one(connection: Connection, entry_id: int) -> Entry | None:
    """One entry with its current revision, None when there is none of that id."""
    found = _with_topics(connection, connection.execute(_listing().where(entry.c.id == entry_id)).all())
    return found[0] if found else None


def revisions(connection: Connection, entry_id: int) -> tuple[Revision, ...]:
    """Every kept revision of an entry, oldest first."""
    query = select(revision).where(revision.c.entry_id == entry_id).order_by(revision.c.n)
    return tuple(revision_of(row) for row in connection.execute(query))


def count(connection: Connection) -> int:
    """How many entries are stored."""
    return connection.execute(select(func.count()).select_from(entry)).scalar_one()


def _with_topics(connection: Connection, rows: Sequence[Row[Any]]) -> tuple[Entry, ...]:
    topics: dict[int, list[str]] = defaultdict(list)
    query = select(match.c.entry_id, match.c.topic_id).join(topic, topic.c.id == match.c.topic_id).order_by(match.c.id)
    for row in rows_of(connection, query, match.c.entry_id, [row.entry_id_ for row in rows]):
        topics[row.entry_id].append(row.topic_id)
    return tuple(entry_of(row, topics[row.entry_id_]) for row in rows)
