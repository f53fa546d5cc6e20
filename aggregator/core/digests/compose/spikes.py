"""Spikes of topics -> what one digest says of each: the stories to list, and those that it tells in another place."""

from collections.abc import Iterable, Sequence

from aggregator.core.model.digests import Section, SpikeLine
from aggregator.core.model.trends import DueSpike, SpikeStory

LISTED = 8  # stories under one spike
IN_FULL = 3  # spikes with their stories, the rarest


def told_spikes(found: Sequence[DueSpike], sections: Iterable[Section]) -> tuple[SpikeLine, ...]:
    """A line for each spike, the rarest first. A story that `sections` or a line before tell is counted, not listed again."""
    below, above = _Told(), _Told()
    for section in sections:
        for line in (*section.stories, *section.brief, *section.alerted):
            for item in (line.lead, *line.also):
                below.add(item.entry_id, item.story_id)
    lines = []
    for place, due in enumerate(sorted(found, key=lambda one: (one.chance, one.day, one.topic_id))):
        apart = [one for one in due.stories if not below.has(one)]
        others = [one for one in apart if not above.has(one)]
        listed = others[:LISTED] if place < IN_FULL else []
        for one in listed:
            above.add(one.entry_id, one.story_id)
        counts = {"below": len(due.stories) - len(apart), "above": len(apart) - len(others)}
        lines.append(SpikeLine(due=due, stories=tuple(listed), **counts))
    return tuple(lines)


class _Told:
    """Stories that stand somewhere in a digest: by their number, and by the entries that stand for them."""

    def __init__(self) -> None:
        self._entries: set[int] = set()
        self._stories: set[int | None] = set()

    def add(self, entry_id: int, story_id: int | None) -> None:
        self._entries.add(entry_id)
        self._stories.add(story_id)

    def has(self, one: SpikeStory) -> bool:
        return one.entry_id in self._entries or (one.story_id is not None and one.story_id in self._stories)
