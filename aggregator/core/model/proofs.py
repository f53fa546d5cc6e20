"""One match with all that proves it, as exports hand it out."""

from dataclasses import dataclass
from datetime import datetime

from aggregator.core.model.entries import Revision
from aggregator.core.model.topics import Fired, Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A match by its newest evidence: the words it was made of, which clauses fired on them, and in which versions.

    Spans in `fired` are offsets into `words`. `story_id` is None where no story is stored; `relevant` is what a person
    said of it last, None where nobody did.
    """

    match_id: int
    topic_id: str
    topic_name: str
    topic_version: int
    score: float
    origin: Origin
    matched_at: datetime
    entry_id: int
    feed_id: str
    feed_name: str
    tier: str
    first_seen: datetime
    published: datetime | None
    date_suspect: bool
    withdrawn: bool
    words: Revision
    fired: tuple[Fired, ...]
    story_id: int | None = None
    relevant: bool | None = None

    @property
    def verdict(self) -> str | None:
        """What a person said of it last, in a word: `relevant` or `noise`."""
        return {None: None, True: "relevant", False: "noise"}[self.relevant]
