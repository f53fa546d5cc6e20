"""Stored entries and a topic -> the entries that came nearest to being flagged, and why they were left out."""

from collections.abc import Mapping, Sequence

from aggregator.core.model.entries import Entry
from aggregator.core.model.feeds import Feed
from aggregator.core.model.topics import Topic
from aggregator.core.topics.fields import EntryFields
from aggregator.core.topics.index import TopicIndex
from aggregator.core.topics.trace import Trace, explain


def nearest_misses(
    topic: Topic, stored: Sequence[Entry], followed: Mapping[str, Feed], *, limit: int
) -> list[tuple[Entry, Trace]]:
    """The entries that no topic flagged although a signal of this one spoke, the highest score first."""
    index = TopicIndex((topic,))
    scored: list[tuple[float, int, Entry]] = []
    for entry in (one for one in stored if not one.topics):
        (verdict,) = index.evaluate_all(_fields(entry, followed[entry.feed_id]))
        if verdict.fired:
            scored.append((-verdict.score, entry.id, entry))
    nearest = [entry for *_, entry in sorted(scored, key=lambda one: one[:2])[:limit]]
    return [(entry, explain(topic, _fields(entry, followed[entry.feed_id]))) for entry in nearest]


def _fields(entry: Entry, feed: Feed) -> EntryFields:
    words = entry.revision
    return EntryFields(
        title=words.title,
        text=words.text,
        authors=words.authors,
        tags=(*words.tags, *feed.tags),
        feed=feed.id,
        tier=feed.tier,
        language=words.language or feed.language,
        url=words.link,
    )
