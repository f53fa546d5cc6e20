"""Entries, one after another -> the story each of them joins or begins. The one rule for a stream and for a batch.

A shelf holds what an entry may have to do with: its candidates, their stories and what people said of them. Chains are
the danger: an entry joins a story for its first member, or for three members at once, never for just any.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from aggregator.core.model.stories import FOLDED, Kind, Relation, StorySignature
from aggregator.core.stories.relation import Weigh, containment, relate
from aggregator.core.stories.signature import without
from aggregator.core.stories.vocabulary import Vocabulary

WINDOW = timedelta(hours=72)  # from a story's first member
LONGEST_WINDOW = timedelta(days=7)
MAX_MEMBERS = 60
MAX_CANDIDATES = 40
SHARED = 2  # posted words that a candidate has in common at least
STOCK_FROM = 5  # entries of a feed that had a sentence before: the next one has it as a stock phrase

_MOST_LINKS = 5
_BEST = 3
_MEAN = 0.6
_CHAIN = "alike to a later entry of the other story, not to the one it began with"
_NEARER = "a third story is closer to one of them"
_ANOTHER_DAY = timedelta(hours=12)
_LEAST_COMMON = 0.5  # of titles, or of texts, behind one address


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """An entry as stories see it. `at` is when it became news, `link` equal for equal addresses."""

    id: int
    feed_id: str
    at: datetime
    signed: StorySignature
    link: bytes | None = None
    topics: frozenset[str] = frozenset({""})
    window: timedelta = WINDOW


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A story that is shown beside: the member it is for, and why."""

    story: int
    entry: int
    relation: Relation


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where an entry belongs: a story it joins for `relation` to the member `to`, or None for one of its own."""

    item: Item
    story: int | None = None
    relation: Relation | None = None
    to: int | None = None
    links: tuple[Link, ...] = ()


@dataclass(slots=True)
class Story:
    """What is on the shelf of a story: when the members it began with became news, and of each member its feed.

    It began with one, or with one more for each story that a person joined to it.
    """

    began: dict[int, datetime] = field(default_factory=dict)
    feeds: dict[int, str] = field(default_factory=dict)


@dataclass(slots=True)
class Shelf:
    """What entries are compared with. It may hold all there is, or what `near` found elsewhere for the entries to come."""

    items: dict[int, Item] = field(default_factory=dict)
    stories: dict[int, Story] = field(default_factory=dict)
    story_of: dict[int, int] = field(default_factory=dict)
    vocabulary: Vocabulary = field(default_factory=Vocabulary)
    sentences: Counter[tuple[str, int]] = field(default_factory=Counter)  # entries of a feed that had a sentence
    apart: set[frozenset[int]] = field(default_factory=set)  # pairs of entries that a person parted
    posted: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))

    def bare(self, item: Item) -> Item:
        """`item` without the sentences its feed prints under everything, which are counted with it."""
        hashes = [one.hash for one in item.signed.sentences if one.shingles]
        stock = {one for one in hashes if self.sentences[item.feed_id, one] >= STOCK_FROM}
        self.sentences.update((item.feed_id, one) for one in set(hashes))
        return replace(item, signed=without(item.signed, stock))

    def put(self, item: Item, story: int, *, posted: bool = True) -> None:
        """Have `item`, which is a member of `story`, compared with the entries to come; found by its words if `posted`."""
        self.items[item.id] = item
        self.story_of[item.id] = story
        known = self.stories.setdefault(story, Story(began={item.id: item.at}))
        known.feeds[item.id] = item.feed_id
        for token in postings(item) if posted else ():
            self.posted[token].append(item.id)

    def near(self, item: Item, elsewhere: Mapping[int, int] = MappingProxyType({})) -> list[int]:
        """What was `put` and may have to do with `item`, the likeliest first.

        `elsewhere` are postings that more of them share, of items that were put here without being posted.
        """
        shared = Counter(found for token in self.asked(item) for found in self.posted.get(token, ()))
        return likeliest(shared + Counter(elsewhere), item, self)

    def asked(self, item: Item) -> list[str]:
        """The postings that lead from `item` to others: without words that are everywhere."""
        spoken = self.vocabulary.spoken(item.topics, item.at.astimezone(UTC).date())
        return [token for token in postings(item) if token[0] in "=@" or not spoken.is_everywhere(token)]

    def place(self, item: Item, near: Iterable[int]) -> Placement:
        """Where `item` belongs, judged by the candidates `near` and the first members of their stories."""
        weigh = self.vocabulary.spoken(item.topics, item.at.astimezone(UTC).date()).weigh
        near = [one for one in near if one in self.items and one != item.id]
        found = {self.story_of[one] for one in near}
        firsts = [first for story in found for first in self.stories[story].began]
        ties = {one: judge(item, self.items[one], weigh) for one in {*near, *firsts} if one in self.items}
        by_story: dict[int, dict[int, Relation]] = defaultdict(dict)
        for one, tie in ties.items():
            by_story[self.story_of[one]][one] = tie
        best, strongest, to = None, 0.0, item.id
        kept: dict[int, str] = {}  # why it is not of a story that it is like
        for story in sorted(by_story, key=lambda story: min(self.stories[story].began)):  # of equals, the oldest
            kept[story] = self._shut(item, story, by_story[story])
            strength, member = (0.0, 0) if kept[story] else self._tie(story, by_story[story])
            kept[story] = kept[story] or (_NEARER if strength else _CHAIN)
            if strength > strongest:
                best, strongest, to = story, strength, member
        links = _links({story: tied for story, tied in by_story.items() if story != best}, kept)
        if best is None:
            return Placement(item=item, links=links)
        return Placement(item=item, story=best, relation=ties[to], to=to, links=links)

    def _shut(self, item: Item, story: int, ties: Mapping[int, Relation]) -> str:
        """Why an item must not join a story, however alike they are; empty when it may."""
        known = self.stories[story]
        if any(frozenset({item.id, member}) in self.apart for member in known.feeds):
            return "a person parted them"
        own = [member for member, feed in known.feeds.items() if feed == item.feed_id]
        other = [member for member in own if member not in ties or ties[member].kind is not Kind.EXACT]
        if other:
            return f"one story would hold two entries of {item.feed_id}: {other[0]}, {item.id}"
        if all(abs(item.at - at) > item.window for at in known.began.values()):
            return "one came when the other story was closed"
        if len(known.feeds) >= MAX_MEMBERS:
            return f"a story holds {MAX_MEMBERS} entries at most"
        return ""

    def _tie(self, story: int, ties: Mapping[int, Relation]) -> tuple[float, int]:
        """How strongly an item belongs to a story, 0 when it does not; and the member it belongs to most."""
        known = self.stories[story]
        folded = sorted((-tie.strength, member) for member, tie in ties.items() if tie.kind in FOLDED)
        began = [(-strength, member) for strength, member in folded if member in known.began]
        if began:
            return began[0]
        mean = -sum(strength for strength, _ in folded[:_BEST]) / _BEST
        return (mean, folded[0][1]) if len(folded) >= _BEST and mean >= _MEAN else (0.0, 0)


def postings(item: Item) -> list[str]:
    """Under what an entry is found: its rarest words, its exact text and its address."""
    words = [*item.signed.tokens, f"={item.signed.exact.hex()}"]
    return [*words, f"@{item.link[:16].hex()}"] if item.link else words


def likeliest(shared: Mapping[int, int], item: Item, shelf: Shelf) -> list[int]:
    """Of candidates with the number of postings they share, those worth a look that `shelf` has in the item's window.

    Most shared first, then the latest: a full story must not hide the one that was begun after it.
    """
    worth = [
        (-count, -one)
        for one, count in shared.items()
        if one in shelf.items
        and (count >= SHARED or is_twin(item, shelf.items[one]))
        and abs(shelf.items[one].at - item.at) <= item.window
    ]
    return [-one for _, one in sorted(worth)[:MAX_CANDIDATES]]


def is_twin(one: Item, other: Item) -> bool:
    """Whether two entries have the same text or the same address."""
    return one.signed.exact == other.signed.exact or (one.link is not None and one.link == other.link)


def judge(one: Item, other: Item, weigh: Weigh) -> Relation:
    """What two entries are to each other, with what is known of their feeds, addresses and days."""
    relation = relate(one.signed, other.signed, weigh)
    if relation.kind is Kind.EXACT:
        return relation
    # A feed may link all it says to one page: an address tells something beside another feed's, and beside its words.
    elsewhere = one.feed_id != other.feed_id and one.link is not None and one.link == other.link
    if elsewhere and max(_common(one, other), containment(one.signed, other.signed)) >= _LEAST_COMMON:
        return Relation(kind=Kind.EXACT, reasons=("the same address", *relation.reasons), strength=2.0)
    if one.feed_id != other.feed_id or relation.kind is Kind.DIFFERENT:
        return relation
    same_stem = one.signed.stem and one.signed.stem == other.signed.stem
    if same_stem and abs(one.at - other.at) >= _ANOTHER_DAY:
        return Relation(kind=Kind.DIFFERENT, reasons=(*relation.reasons, "a column that comes back on other days"))
    return replace(relation, kind=Kind.RELATED, reasons=(*relation.reasons, "two entries of one feed"))


def _common(one: Item, other: Item) -> float:
    both = one.signed.title_tokens | other.signed.title_tokens
    return len(one.signed.title_tokens & other.signed.title_tokens) / len(both) if both else 1.0


def _links(by_story: Mapping[int, Mapping[int, Relation]], kept: Mapping[int, str]) -> tuple[Link, ...]:
    """The stories beside the one it joins to which it has the strongest ties, each once.

    `kept` says of each why the item is not of it, where the two entries by themselves would be of one story.
    """
    links = []
    for story, ties in by_story.items():
        near = [(tie.strength, -member) for member, tie in ties.items() if tie.kind is not Kind.DIFFERENT]
        if near:
            member = -max(near)[1]
            tie = ties[member]
            if tie.kind in FOLDED:
                tie = replace(tie, reasons=(*tie.reasons, kept[story]))
            links.append(Link(story=story, entry=member, relation=tie))
    links.sort(key=lambda link: (-link.relation.strength, link.entry))
    return tuple(links[:_MOST_LINKS])
