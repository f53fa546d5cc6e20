"""Matches with their proof, a page after the other, so that an export holds no more than a page of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, func, or_, select

from aggregator.core.model.proofs import Proof
from aggregator.core.model.topics import Origin
from aggregator.store.codec import fired_of, revision_of
from aggregator.store.database import Store
from aggregator.store.proven import proven
from aggregator.store.schema import entry, evidence, match, review, revision

PAGE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which matches to hand out: of these topics, whose entries were first seen from `since` on and before `until`."""

    topic_ids: tuple[str, ...]
    since: datetime
    until: datetime | None = None


def count(connection: Connection, asked: Asked) -> int:
    """How many matches there are."""
    query = select(func.count()).select_from(match).join(entry, entry.c.id == match.c.entry_id)
    return connection.execute(query.where(*_wanted(asked))).scalar_one()


def proofs(store: Store, asked: Asked) -> Iterator[Proof]:
    """Every match with its newest evidence, topic by topic in the order given, each topic's in the order they were made.

    Each page is read in a transaction of its own: an export of any length holds nobody up.
    """
    for topic_id in asked.topic_ids:
        after: tuple[datetime, int] | None = None
        while found := store.read(page, asked, topic_id, after):
            yield from found
            after = (found[-1].matched_at, found[-1].match_id)


def page(connection: Connection, asked: Asked, topic_id: str, after: tuple[datetime, int] | None) -> tuple[Proof, ...]:
    """The next matches of one topic, at most `PAGE`, after the instant and id of the last one seen."""
    query = _proofs().where(match.c.topic_id == topic_id, *_wanted(asked))
    if after is not None:
        at, number = after
        query = query.where(or_(match.c.first_seen > at, and_(match.c.first_seen == at, match.c.id > number)))
        # Said once more in a form that an index can begin at.
        query = query.where(match.c.first_seen >= at)
    rows = connection.execute(query.order_by(match.c.first_seen, match.c.id).limit(PAGE)).all()
    said = _verdicts(connection, [row.match_id for row in rows])
    return tuple(_proof(row, said.get(row.match_id)) for row in rows)


def _wanted(asked: Asked) -> tuple[Any, ...]:
    # A match is never older than its entry, so the bound of its index leaves none out.
    bounds = [
        match.c.topic_id.in_(asked.topic_ids),
        match.c.first_seen >= asked.since,
        entry.c.first_seen >= asked.since,
    ]
    return (*bounds, entry.c.first_seen < asked.until) if asked.until else tuple(bounds)


def _proofs() -> Select[Any]:
    return proven(
        match.c.origin,
        match.c.first_seen.label("matched_at"),
        match.c.entry_id.label("of_entry"),
        entry.c.withdrawn_at,
        evidence.c.topic_version,
        revision,
    )


def _verdicts(connection: Connection, match_ids: Sequence[int]) -> Mapping[int, bool]:
    """What was said of each match last."""
    query = select(review.c.match_id, review.c.relevant).where(review.c.match_id.in_(match_ids)).order_by(review.c.id)
    return {row.match_id: row.relevant for row in connection.execute(query)}


def _proof(row: Row[Any], relevant: bool | None) -> Proof:
    return Proof(
        match_id=row.match_id,
        topic_id=row.topic_id,
        topic_name=row.topic_name,
        topic_version=row.topic_version,
        score=row.score,
        origin=Origin(row.origin),
        matched_at=row.matched_at,
        entry_id=row.of_entry,
        feed_id=row.feed_id,
        feed_name=row.definition["name"] or row.feed_id,
        tier=row.definition["tier"],
        first_seen=row.first_seen,
        published=row.published,
        date_suspect=row.date_suspect,
        withdrawn=row.withdrawn_at is not None,
        words=revision_of(row),
        fired=fired_of(row.fired),
        story_id=row.story_id,
        relevant=relevant,
    )
