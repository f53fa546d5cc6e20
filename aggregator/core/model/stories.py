"""Stories: what of an entry's words is compared, and what two entries are to each other."""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """One sentence of a text: a signed 64-bit number that is equal for equal ones, and the word runs that end in it."""

    hash: int
    shingles: frozenset[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class StorySignature:
    """What of an entry is compared. `tokens` (at most 12) find candidates; `exact` is equal for equal titles and openings.

    `shingles` are runs of four words of the text as 32-bit numbers, `opening` those it begins with. `sentences` hold the
    same runs again, until it is known which sentences the feed prints under everything.
    """

    tokens: tuple[str, ...]
    title_tokens: frozenset[str]  # stems that tell something
    shingles: frozenset[int]
    opening: frozenset[int]
    exact: bytes
    numbers: frozenset[str] = frozenset()  # of the title
    head: frozenset[str] = frozenset()  # the title's words before an "after ...": its own news
    label: frozenset[str] = frozenset()  # the title's words before a colon: a series, a place or a subject
    fixture: frozenset[str] = frozenset()  # who plays whom
    stem: bytes = b""  # equal for titles that differ in numbers, weekdays and months only
    explains: bool = False  # a question or an analysis
    live: bool = False  # a page that goes on changing
    denies: bool = False  # a title that says no
    sentences: tuple[Sentence, ...] = ()


class Kind(StrEnum):
    """From the same text to another story; the first three are folded into one line."""

    EXACT = "exact"
    DUPLICATE = "duplicate"
    SAME = "same"
    RELATED = "related"
    DIFFERENT = "different"


FOLDED = frozenset({Kind.EXACT, Kind.DUPLICATE, Kind.SAME})


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """What two entries are to each other, and why. `strength` orders relations: title likeness plus half the text's."""

    kind: Kind
    reasons: tuple[str, ...]
    strength: float = 0.0
