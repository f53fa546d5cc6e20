"""Rows of the ledger -> matches with all that a digest tells of them, in a memory that hostile feeds cannot fill."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select

from aggregator.core.model.digests import DueItem
from aggregator.store.codec import fired_of
from aggregator.store.schema import entry, evidence, feed, ledger, match, revision, story_member, topic

ITEMS_A_QUERY = 200  # so many texts of the greatest length are 13 million characters
TEXT_ROOM = (
    32 << 20
)  # characters: a digest of 5,000 long articles has room, one of 5,000 texts of the greatest length has not
SHORT_TEXT = 4096  # characters of each further text


class TextRoom:
    """How much text one digest holds in memory: in whole until the room is full, then as much as it takes to quote it.

    Which story a match belongs to was decided from its whole text long before.
    """

    def __init__(self) -> None:
        self._left = TEXT_ROOM

    def query(self, as_of: datetime | None = None) -> Select[Any]:
        """`items_query`, for what is read next."""
        return items_query(as_of, whole=self._left > 0)

    def hold(self, items: Iterable[DueItem]) -> list[DueItem]:
        """These items, whose texts now take room."""
        held = list(items)
        self._left -= sum(len(item.text) for item in held)
        return held


def items_query(as_of: datetime | None = None, *, whole: bool = True) -> Select[Any]:
    """Rows of the ledger with all that `item_of` needs, with the newest evidence, or the newest of then.

    Texts are read in `whole`, or as much of them as it takes to quote them.
    """
    proof = evidence.alias("proof")
    known = select(func.max(proof.c.id)).where(proof.c.match_id == match.c.id)
    newest = (known if as_of is None else known.where(proof.c.at <= as_of)).correlate(match).scalar_subquery()
    return (
        select(
            match.c.id.label("match_id"),
            match.c.topic_id,
            topic.c.name.label("topic_name"),
            match.c.entry_id,
            revision.c.n.label("revision"),
            entry.c.feed_id,
            feed.c.definition,
            revision.c.title,
            (revision.c.text if whole else func.substr(revision.c.text, 1, SHORT_TEXT)).label("text"),
            revision.c.link,
            revision.c.language,
            entry.c.published,
            entry.c.date_suspect,
            entry.c.first_seen,
            evidence.c.score,
            evidence.c.alert,
            evidence.c.fired,
            story_member.c.story_id,
            ledger.c.at.label("ledger_at"),
            ledger.c.digest_id,
        )
        .select_from(ledger)
        .join(match, match.c.id == ledger.c.match_id)
        .join(topic, topic.c.id == match.c.topic_id)
        .join(entry, entry.c.id == match.c.entry_id)
        .join(feed, feed.c.id == entry.c.feed_id)
        .join(evidence, evidence.c.id == newest)
        .join(revision, revision.c.id == evidence.c.revision_id)
        .outerjoin(story_member, story_member.c.entry_id == entry.c.id)
    )


def item_of(row: Any, *, archive: bool = False) -> DueItem:
    """A due match from a row of `items_query`."""
    return DueItem(
        match_id=row.match_id,
        topic_id=row.topic_id,
        topic_name=row.topic_name,
        entry_id=row.entry_id,
        revision=row.revision,
        feed_id=row.feed_id,
        feed_name=row.definition["name"] or row.feed_id,
        tier=row.definition["tier"],
        title=row.title,
        text=row.text,
        link=row.link,
        language=row.language,
        published=row.published,
        date_suspect=row.date_suspect,
        first_seen=row.first_seen,
        score=row.score,
        alert=row.alert,
        fired=fired_of(row.fired),
        story_id=row.story_id,
        archive=archive,
    )
