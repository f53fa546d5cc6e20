"""Rows of the ledger -> matches with all that a digest tells of them, in a memory that hostile feeds cannot fill."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func

from aggregator.core.model.digests import DueItem
from aggregator.store.codec import fired_of
from aggregator.store.proven import proven
from aggregator.store.schema import evidence, ledger, match, revision

ITEMS_A_QUERY = 200  # so many texts of the greatest length are 13 million characters
# Characters: a digest of 5,000 long articles has room, one of 5,000 texts of the greatest length has not.
TEXT_ROOM = 32 << 20
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
    return proven(
        match.c.entry_id,
        revision.c.n.label("revision"),
        revision.c.title,
        (revision.c.text if whole else func.substr(revision.c.text, 1, SHORT_TEXT)).label("text"),
        revision.c.link,
        revision.c.language,
        evidence.c.alert,
        ledger.c.at.label("ledger_at"),
        ledger.c.digest_id,
        of=ledger.join(match, match.c.id == ledger.c.match_id),
        as_of=as_of,
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
