"""Stored entries and a topic -> the entries that came nearest to being flagged, and why they were left out."""

from collections.abc import Mapping, Sequence

from aggregator.core.model.entries import Entry, facts_of
from aggregator.core.model.feeds import Feed
from aggregator.core.model.topics import Topic
from aggregator.core.topics.fields import stored_fields
from aggregator.core.topics.index import TopicIndex
from aggregator.core.topics.trace import Trace, explain


def nearest_misses(
    topic: Topic, stored: Sequence[Entry], followed: Mapping[str, Feed], *, limit: int
) -> list[tuple[Entry, Trace]]:
    """The entries that no topic flagged although a signal of this one spoke, the highest score first."""
    index = TopicIndex((topic,))
    scored: list[tuple[float, int, Entry]] = []
    fields = {one.id: stored_fields(one.revision, facts_of(followed[one.feed_id])) for one in stored if not one.topics}
    for entry in (one for one in stored if one.id in fields):
        (verdict,) = index.evaluate_all(fields[entry.id])
        if verdict.fired:
            scored.append((-verdict.score, entry.id, entry))
    nearest = [entry for *_, entry in sorted(scored, key=lambda one: one[:2])[:limit]]
    return [(entry, explain(topic, fields[entry.id])) for entry in nearest]
