"""Spikes of topics -> what one digest says of each: the stories to list, and those that it tells in their own place."""

from collections.abc import Iterable, Sequence

from aggregator.core.model.digests import Section, SpikeLine
from aggregator.core.model.trends import DueSpike, SpikeStory

LISTED = 8  # stories under one spike
IN_FULL = 3  # spikes with their stories, the rarest


def told_spikes(found: Sequence[DueSpike], sections: Iterable[Section]) -> tuple[SpikeLine, ...]:
    """A line for each spike, the rarest first. A story that `sections` tell is counted and not listed again."""
    entries: set[int] = set()
    stories: set[int | None] = set()
    for item in _items(sections):
        entries.add(item[0])
        stories.add(item[1])
    stories.discard(None)
    ranked = sorted(found, key=lambda one: (one.chance, one.day, one.topic_id))
    lines = []
    for place, due in enumerate(ranked):
        others = [one for one in due.stories if one.entry_id not in entries and one.story_id not in stories]
        listed: Sequence[SpikeStory] = others[:LISTED] if place < IN_FULL else ()
        lines.append(SpikeLine(due=due, stories=tuple(listed), below=len(due.stories) - len(others)))
    return tuple(lines)


def _items(sections: Iterable[Section]) -> Iterable[tuple[int, int | None]]:
    """(entry, story) of each item that sections show."""
    for section in sections:
        for line in (*section.stories, *section.brief, *section.alerted):
            for item in (line.lead, *line.also):
                yield item.entry_id, item.story_id
