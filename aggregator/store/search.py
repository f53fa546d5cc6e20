"""The archive's word index: fed with the words of stored revisions, some at a time, and asked for what a bound allows.

It is never fed in a transaction that stores entries, which would cost ten times the insert; what it does not hold yet is
given as if it had every word.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, or_, select

from aggregator.core.model.entries import Revision
from aggregator.core.topics.coarse import AllOf, AnyOf, Coarse, OfFeeds, Term, indexed_words
from aggregator.core.topics.fields import EntryFields
from aggregator.store import dialect
from aggregator.store.codec import revision_of
from aggregator.store.database import Store
from aggregator.store.schema import entry, is_current, revision

BATCH = 200  # revisions: a check that wants to write waits for one such batch at most


@dataclass(frozen=True, slots=True, kw_only=True)
class Unindexed:
    """A revision that the index does not hold, by its number in the store."""

    id: int
    revision: Revision


async def catch_up(store: Store) -> int:
    """Index every revision that is stored and not indexed, a batch a transaction; how many there were."""
    done = 0
    while rows := await store.reading(unindexed):
        words = await asyncio.to_thread(cut, rows)
        done += await store.writing(feed, words)
    return done


def unindexed(connection: Connection, *, limit: int = BATCH) -> tuple[Unindexed, ...]:
    """The next revisions to index, in the order of their numbers: all below them are indexed, and will be no more."""
    query = select(revision).where(revision.c.id > dialect.newest_words(connection)).order_by(revision.c.id)
    if connection.execute(query.limit(1)).first() is None:
        return ()
    dialect.lock_growth(connection, revision)
    rows = connection.execute(query.limit(limit))
    return tuple(Unindexed(id=row.id, revision=revision_of(row)) for row in rows)


def cut(rows: Sequence[Unindexed]) -> list[tuple[int, list[str]]]:
    """The words to index of each, by its number."""
    return [(row.id, sorted(indexed_words(_fields(row.revision)))) for row in rows]


def feed(connection: Connection, rows: Sequence[tuple[int, Sequence[str]]]) -> int:
    """Index what `cut` gave, in order, but for revisions that were deleted or indexed meanwhile; how many were new."""
    done = dialect.newest_words(connection)
    stored = select(revision.c.id).where(revision.c.id.in_([number for number, _ in rows]), revision.c.id > done)
    wanted = set(connection.execute(stored).scalars())
    new = [(number, words) for number, words in rows if number in wanted]
    if new:
        dialect.store_words(connection, new)
    return len(new)


def candidates(
    connection: Connection,
    wanted: Coarse | None,
    *,
    since: datetime | None = None,
    after: int = 0,
    limit: int | None = None,
    newest_first: bool = False,
) -> tuple[int, ...]:
    """The ids above `after` of the entries that may satisfy whatever `wanted` is the bound of; None allows all.

    First seen at or after `since` when given, lowest id first unless `newest_first`, at most `limit`. An entry whose
    current words are not indexed yet is among them: it has to be read to know.
    """
    query = select(entry.c.id).where(entry.c.id > after)
    if wanted is not None:
        late = revision.c.id > dialect.newest_words(connection)
        query = query.join(revision, is_current).where(or_(late, _allowed(connection, wanted)))
    if since is not None:
        query = query.where(entry.c.first_seen >= since)
    ordered = query.order_by(entry.c.id.desc() if newest_first else entry.c.id)
    return tuple(connection.execute(ordered.limit(limit)).scalars())


def _allowed(connection: Connection, wanted: Coarse) -> ColumnElement[bool]:
    """Whether an entry and its revision have what a bound asks for: its words from the index, all at once, and its feed."""
    if isinstance(wanted, OfFeeds):
        return entry.c.feed_id.in_(sorted(wanted.ids))
    if isinstance(wanted, Term) or not _names_feeds(wanted):
        return revision.c.id.in_(dialect.having_words(connection, wanted))
    apart = [_allowed(connection, part) for part in wanted.parts if _names_feeds(part)]
    words = tuple(part for part in wanted.parts if not _names_feeds(part))
    if words:
        apart.append(_allowed(connection, type(wanted)(words)))
    return and_(*apart) if isinstance(wanted, AllOf) else or_(*apart)


def _names_feeds(wanted: Coarse) -> bool:
    if isinstance(wanted, AllOf | AnyOf):
        return any(_names_feeds(part) for part in wanted.parts)
    return isinstance(wanted, OfFeeds)


def _fields(words: Revision) -> EntryFields:
    return EntryFields(title=words.title, text=words.text, authors=words.authors, url=words.link)
