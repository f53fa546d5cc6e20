"""Counts the words of matched entries by topic and day -> how much a word tells there, and whether it is everywhere.

All entries of a topic share its words. Titles that are alike in those alone are not alike.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from math import log

DAYS = 4  # that are counted: the entry's own and those before it
EVERYWHERE = 250  # entries; a word in more of them leads nowhere

_SMOOTHING = 200  # entries that every topic is taken to have had, each word in one of a hundred
_SHARE = 0.01
_FLOOR = 0.05

ENTRIES = ""  # the word under which entries themselves are counted
Key = tuple[str, str, date]  # topic, word, day


@dataclass(slots=True)
class Vocabulary:
    """How many entries of each topic had each word on each day (UTC). It grows as entries come."""

    counts: Counter[Key] = field(default_factory=Counter)

    def load(self, counts: Mapping[Key, int]) -> None:
        """Take over counts that were kept."""
        self.counts.update(counts)

    def add(self, topics: Iterable[str], words: Iterable[str], day: date) -> Mapping[Key, int]:
        """Count one entry; what was added."""
        added = Counter({(topic, word, day): 1 for word in {ENTRIES, *words} for topic in topics})
        self.counts.update(added)
        return added

    def spoken(self, topics: Collection[str], day: date) -> "Spoken":
        """What is said in `topics` around a day."""
        return Spoken(vocabulary=self, topics=tuple(sorted(topics)), days=days_of(day))


@dataclass(frozen=True, kw_only=True)
class Spoken:
    """The words of some topics in some days, as an entry of theirs looks at them."""

    vocabulary: Vocabulary
    topics: tuple[str, ...]
    days: tuple[date, ...]

    def is_everywhere(self, word: str) -> bool:
        """Whether a word stands in so many entries of one of the topics that it leads nowhere."""
        return any(self._count(topic, word) > EVERYWHERE for topic in self.topics)

    def weigh(self, word: str) -> float:
        """How much a word tells: about 1 where nothing is known yet, less the more entries have it."""
        return min((self._weight(topic, word) for topic in self.topics), default=1.0)

    def _weight(self, topic: str, word: str) -> float:
        entries = self._entries[topic] + _SMOOTHING
        having = self._count(topic, word) + _SMOOTHING * _SHARE
        return max(log(entries / having) / log(1 / _SHARE), _FLOOR)

    def _count(self, topic: str, word: str) -> int:
        return sum(self.vocabulary.counts[topic, word, day] for day in self.days)

    @cached_property
    def _entries(self) -> Mapping[str, int]:
        return {topic: self._count(topic, ENTRIES) for topic in self.topics}


def days_of(day: date) -> tuple[date, ...]:
    """The days that count for an entry of `day`, the latest first."""
    return tuple(day - timedelta(days=back) for back in range(DAYS))
