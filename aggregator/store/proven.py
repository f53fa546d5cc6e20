"""Matches with what proves them: topic, entry, feed, story, and the newest evidence with the words it was made of."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, func, select

from aggregator.store.schema import entry, evidence, feed, match, revision, story_member, topic

_COLUMNS = (
    match.c.id.label("match_id"),
    match.c.topic_id,
    topic.c.name.label("topic_name"),
    entry.c.feed_id,
    feed.c.definition,
    entry.c.first_seen,
    entry.c.published,
    entry.c.date_suspect,
    evidence.c.score,
    evidence.c.fired,
    story_member.c.story_id,
)


def proven(
    *columns: ColumnElement[Any] | FromClause, of: FromClause = match, as_of: datetime | None = None
) -> Select[Any]:
    """One row for each match of `of`, with `columns` of the joined tables beside those that every reader needs.

    With `as_of` the evidence is the newest of then; a match without any by then has no row.
    """
    proof = evidence.alias("proof")
    known = select(func.max(proof.c.id)).where(proof.c.match_id == match.c.id)
    newest = (known if as_of is None else known.where(proof.c.at <= as_of)).correlate(match).scalar_subquery()
    return (
        select(*_COLUMNS, *columns)
        .select_from(of)
        .join(topic, topic.c.id == match.c.topic_id)
        .join(entry, entry.c.id == match.c.entry_id)
        .join(feed, feed.c.id == entry.c.feed_id)
        .join(evidence, evidence.c.id == newest)
        .join(revision, revision.c.id == evidence.c.revision_id)
        .outerjoin(story_member, story_member.c.entry_id == entry.c.id)
    )
