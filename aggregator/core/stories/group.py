"""Signatures -> groups of entries that carry one story. Each entry is in exactly one group.

Chains are the danger: an entry joins a group for its first member, or for three members at once, never for just any.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from aggregator.core.stories.relation import FOLDED, Kind, Relation, relate
from aggregator.core.stories.signature import StorySignature

WINDOW = timedelta(hours=72)  # from a group's first member
MAX_MEMBERS = 60

_EVERYWHERE = 250  # entries; a word in more of them leads nowhere
_SHARED = 2  # telling title words that folded titles of four words have in common at least
_BEST = 3
_MEAN = 0.6

Item = tuple[str, datetime, StorySignature]


def group(items: Sequence[Item]) -> tuple[tuple[int, ...], ...]:
    """Positions of `items` (feed id, first seen, signature) in groups, each by first seen, as the groups began.

    A group spans 72 h and 60 members at most and holds two entries of one feed only when they are duplicates.
    """
    order = sorted(range(len(items)), key=lambda at: (items[at][1], at))
    frequent = Counter(word for _, _, signed in items for word in signed.title_tokens)
    groups: list[list[int]] = []
    holding: dict[str, set[int]] = defaultdict(set)  # word, or exact text -> groups with such a member
    for at in order:
        words = [word for word in items[at][2].title_tokens if frequent[word] <= _EVERYWHERE]
        exact = f"={items[at][2].exact.hex()}"
        place = _best_place(items, at, groups, _candidates(holding, words, exact))
        if place is None:
            place = len(groups)
            groups.append([])
        groups[place].append(at)
        for word in (*words, exact):
            holding[word].add(place)
    return tuple(tuple(members) for members in groups)


def _candidates(holding: dict[str, set[int]], words: Sequence[str], exact: str) -> list[int]:
    """Groups worth a look: two title words in common, or the same text; oldest first."""
    shared = Counter(place for word in words for place in holding.get(word, ()))
    found = {place for place, count in shared.items() if count >= _SHARED}
    return sorted(found | holding.get(exact, set()))


def _best_place(
    items: Sequence[Item], at: int, groups: Sequence[Sequence[int]], candidates: Sequence[int]
) -> int | None:
    """The group whose tie to the item is strongest, None when it may join none."""
    best, strongest = None, 0.0
    for place in candidates:
        strength = _tie(items, at, groups[place])
        if strength > strongest:
            best, strongest = place, strength
    return best


def _tie(items: Sequence[Item], at: int, members: Sequence[int]) -> float:
    """How strongly an item belongs to a group, 0 when it must not join."""
    feed, seen, signed = items[at]
    if len(members) >= MAX_MEMBERS or seen - items[members[0]][1] > WINDOW:
        return 0.0
    ties: list[Relation] = []
    for member in members:
        tie = relate(signed, items[member][2])
        if items[member][0] == feed and tie.kind is not Kind.DUPLICATE:
            return 0.0
        ties.append(tie)
    if ties[0].kind in FOLDED:
        return ties[0].strength
    best = sorted((tie.strength for tie in ties if tie.kind in FOLDED), reverse=True)[:_BEST]
    mean = sum(best) / _BEST
    return mean if len(best) == _BEST and mean >= _MEAN else 0.0
