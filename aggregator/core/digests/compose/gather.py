"""Due items -> which of them tell the same story, by the story stored with them or else by their own words.

It decides nothing about order or about what is shown.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from aggregator.core.model.digests import DueItem
from aggregator.core.model.stories import StorySignature
from aggregator.core.stories.group import group
from aggregator.core.stories.signature import BODY, signature

Grouping = Callable[[Sequence[DueItem]], Sequence[Sequence[int]]]

# One entry goes to many readers, one digest after the other. Each weighs a few KB, 100 at most.
_signature = lru_cache(maxsize=1024)(signature)


def by_words(items: Sequence[DueItem]) -> tuple[tuple[int, ...], ...]:
    """Positions of `items` in groups that tell one story. An item whose words cannot be read stands alone."""
    signed: list[tuple[int, StorySignature]] = []
    alone: list[tuple[int, ...]] = []
    for at, item in enumerate(items):
        try:
            signed.append((at, _signature(item.title, item.text[:BODY], item.language)))
        except Exception:  # noqa: BLE001 - one poisoned item must not cost the whole digest
            alone.append((at,))
    found = group([(items[at].feed_id, items[at].first_seen, sign) for at, sign in signed])
    return (*(tuple(signed[n][0] for n in members) for members in found), *alone)


def stories(items: Sequence[DueItem], grouping: Grouping) -> Mapping[int, str]:
    """Entry id -> key of its story, for every entry of `items`.

    Entries with the same stored story are one story; those without are grouped by `grouping`, which sees each entry
    once and answers with groups of positions. Topics do not matter: a story is the same under each of them.
    """
    keys: dict[int, str] = {}
    loose: dict[int, DueItem] = {}
    for item in items:
        if item.story_id is not None:
            keys[item.entry_id] = f"story {item.story_id}"
        elif item.entry_id not in keys:
            loose.setdefault(item.entry_id, item)
    unsorted = [item for entry_id, item in loose.items() if entry_id not in keys]
    for item in unsorted:
        keys[item.entry_id] = f"entry {item.entry_id}"
    for members in grouping(unsorted) if unsorted else ():
        first = min(unsorted[at].entry_id for at in members)
        keys.update({unsorted[at].entry_id: f"entry {first}" for at in members})
    return keys
