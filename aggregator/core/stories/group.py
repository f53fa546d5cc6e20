"""Signatures -> groups of entries that carry one story, as the store would group them one by one. Each is in one group."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from aggregator.core.model.stories import StorySignature
from aggregator.core.stories.shelf import Item, Shelf
from aggregator.core.stories.vocabulary import Key, Vocabulary

Told = tuple[str, datetime, StorySignature]


def group(items: Sequence[Told]) -> tuple[tuple[int, ...], ...]:
    """Positions of `items` (feed id, when it became news, signature) in groups, each by time, as the groups began."""
    order = sorted(range(len(items)), key=lambda at: (items[at][1], at))
    told = [Item(id=at, feed_id=items[at][0], at=items[at][1], signed=items[at][2]) for at in order]
    return tuple(tuple(members) for members in in_order(told).values())


def in_order(told: Sequence[Item]) -> dict[int, list[int]]:
    """Ids of items that came in this order, by story; a story is named after its first member."""
    shelf = Shelf()
    members: dict[int, list[int]] = {}
    for item in told:
        bare = shelf.bare(item)
        placed = shelf.place(bare, shelf.near(bare))
        story = bare.id if placed.story is None else placed.story
        members.setdefault(story, []).append(bare.id)
        shelf.put(bare, story)
        count(shelf.vocabulary, bare)
    return members


def words_of(item: Item) -> frozenset[str]:
    """The words by which an entry is compared and found."""
    return item.signed.title_tokens | frozenset(item.signed.tokens)


def count(vocabulary: Vocabulary, item: Item) -> Mapping[Key, int]:
    """Count an entry's words; what was added."""
    return vocabulary.add(item.topics, words_of(item), item.at.astimezone(UTC).date())
