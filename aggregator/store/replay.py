"""Stored entries as topics see them, read in pages; how far topics were replayed over them; and what a replay writes."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select, update

from aggregator.core.model.entries import FeedFacts, Revision, facts_of
from aggregator.core.model.plans import MatchPlan
from aggregator.core.model.topics import Evaluation, Topic
from aggregator.store import dialect, plans, stories
from aggregator.store.chunks import rows_of
from aggregator.store.codec import feed_of, revision_of, topic_of
from aggregator.store.schema import (
    entry,
    evidence,
    feed,
    feed_state,
    is_current,
    is_in_force,
    match,
    revision,
    topic,
    topic_version,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEntry:
    """An entry as topics see it: its current revision, and what is known of its feed now.

    `archived`: it came with the first import of its feed, or before.
    """

    id: int
    first_seen: datetime
    revision: Revision
    facts: FeedFacts
    archived: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """A topic that has yet to be tried on the entries with an id above `after`.

    What it finds among entries first seen at or after `since` was missed as news; the rest is mailed only with `notify`.
    """

    topic: Topic
    after: int
    since: datetime
    notify: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """One entry that a replay flagged: a new match, or further evidence for the one it has."""

    entry_id: int
    revision: int
    found: MatchPlan | Evaluation


def one(connection: Connection, entry_id: int) -> StoredEntry | None:
    """One entry, None when there is none of that id."""
    row = connection.execute(_entries().where(entry.c.id == entry_id)).first()
    return None if row is None else _stored(row)


def several(connection: Connection, ids: Sequence[int]) -> Mapping[int, StoredEntry]:
    """The entries of these ids that there are, by id."""
    return {row.of_entry: _stored(row) for row in rows_of(connection, _entries(), entry.c.id, ids)}


def page(connection: Connection, *, after: int = 0, limit: int = 500) -> tuple[StoredEntry, ...]:
    """Entries with an id above `after`, lowest first, at most `limit`."""
    query = _entries().where(entry.c.id > after).order_by(entry.c.id).limit(limit)
    return tuple(_stored(row) for row in connection.execute(query))


def sources(connection: Connection) -> tuple[FeedFacts, ...]:
    """What topics may ask of the feeds of stored entries, of those no longer followed too."""
    return tuple(facts_of(feed_of(row.definition)) for row in connection.execute(select(feed.c.definition)))


def extent(connection: Connection, *, since: datetime) -> tuple[int, int, datetime]:
    """How many entries were first seen at or after an instant, an id below all of theirs, and when the first one was."""
    query = select(func.count(), func.min(entry.c.id), func.min(entry.c.first_seen)).where(entry.c.first_seen >= since)
    number, first, seen = connection.execute(query).one()
    return number, (first or 1) - 1, seen or since


def _entries() -> Select[Any]:
    return (
        select(
            entry.c.id.label("of_entry"),
            entry.c.first_seen,
            entry.c.feed_id,
            feed.c.definition,
            feed_state.c.language.label("feed_language"),
            feed_state.c.baseline_at,
            revision,
        )
        .join(revision, is_current)
        .join(feed, feed.c.id == entry.c.feed_id)
        .outerjoin(feed_state, feed_state.c.feed_id == entry.c.feed_id)
    )


def _stored(row: Row[Any]) -> StoredEntry:
    return StoredEntry(
        id=row.of_entry,
        first_seen=row.first_seen,
        revision=revision_of(row),
        facts=facts_of(feed_of(row.definition), language=row.feed_language),
        archived=row.baseline_at is None or row.first_seen <= row.baseline_at,
    )


def newest(connection: Connection) -> int:
    """The highest id of an entry, 0 when none is stored."""
    return connection.execute(select(func.max(entry.c.id))).scalar() or 0


def due(connection: Connection) -> tuple[Replay, ...]:
    """The replays that are not finished of topics in force, the one least far first."""
    query = (
        select(topic_version).join(topic, is_in_force).where(topic.c.listed, topic_version.c.replay_after.is_not(None))
    )
    rows = connection.execute(query.order_by(topic_version.c.replay_after, topic.c.id))
    return tuple(
        Replay(
            topic=topic_of(row.definition, row.n),
            after=row.replay_after,
            since=row.replay_since,
            notify=row.replay_notify,
        )
        for row in rows
    )


def matched(
    connection: Connection, topics: Collection[str], entry_ids: Sequence[int]
) -> Mapping[tuple[str, int], frozenset[tuple[int, int]]]:
    """The matches of these topics and entries, each with the (topic version, revision) of its evidence."""
    found: dict[tuple[str, int], set[tuple[int, int]]] = {}
    query = (
        select(match.c.topic_id, match.c.entry_id, evidence.c.topic_version, revision.c.n)
        .outerjoin(evidence, evidence.c.match_id == match.c.id)
        .outerjoin(revision, revision.c.id == evidence.c.revision_id)
        .where(match.c.topic_id.in_(topics))
    )
    for row in rows_of(connection, query, match.c.entry_id, entry_ids):
        found.setdefault((row.topic_id, row.entry_id), set()).add((row.topic_version, row.n))
    return {key: frozenset(proofs) for key, proofs in found.items()}


def advance(
    connection: Connection, replays: Sequence[Replay], found: Sequence[Replayed], *, upto: int | None, now: datetime
) -> bool:
    """Write what a batch of entries gave, and that the replays are `upto` an entry; None: they are finished.

    False, and nothing is written, when another process took them further meanwhile, or a topic has changed.
    """
    for one in replays:
        query = select(topic_version.c.replay_after).join(topic, topic.c.id == topic_version.c.topic_id)
        mine = query.where(topic.c.listed, topic.c.version == topic_version.c.n, *_is(one))
        if connection.execute(dialect.hold_rows(connection, mine, topic_version)).scalar() != one.after:
            return False
    new = [(one.entry_id, one.revision, one.found) for one in found if isinstance(one.found, MatchPlan)]
    plans.write_matches(connection, new, {entry_id: now for entry_id, _, _ in new})
    more = [(one.entry_id, one.revision, one.found, now) for one in found if isinstance(one.found, Evaluation)]
    plans.append_evidence(connection, more)
    for one in replays:
        connection.execute(update(topic_version).where(*_is(one)).values(replay_after=upto))
    stories.adopt(connection, {entry_id for entry_id, _, _ in new}, now=now)
    return True


def _is(one: Replay) -> tuple[Any, Any]:
    return topic_version.c.topic_id == one.topic.id, topic_version.c.n == one.topic.version
