"""Two signatures -> what their entries are to each other, with reasons a person can check.

An entry folded wrongly is an entry lost, so `same` is said only where it is nearly certain; `related` hides nothing.
"""

from collections.abc import Callable
from itertools import takewhile
from math import sqrt

from aggregator.core.model.stories import FOLDED, Kind, Relation, StorySignature
from aggregator.core.text import is_unspaced

__all__ = ["FOLDED", "Kind", "Relation", "Weigh", "containment", "relate"]

LEAST_TITLE = 4  # telling words; shorter titles are compared as a whole only
LEAST_SHINGLES = 8
LEAST_REST = 3  # telling words behind a label that two titles share

_COPIED = 0.6  # of the shorter text, once there is much of it
_MARGIN = 0.9  # more where there is little, over the root of the number of runs
_WHOLE = 0.9
_LONG = 40  # word runs; what a feed prints under everything is shorter

_NEARLY = 0.85
_TELLING = 3.0  # what three words tell of which nothing is known
_SLOT = 3  # words, of both titles together, that may stand in each other's place
_A_WORD = 6  # letters of which one may be written otherwise; Iran is not Iraq
Weigh = Callable[[str], float]


def relate(a: StorySignature, b: StorySignature, weigh: Weigh = lambda _: 1.0) -> Relation:
    """The relation of two entries; the order does not matter.

    `exact`: the same title and opening. `duplicate`: nearly all of the shorter text stands in the other, beside some
    likeness of titles. `same`: titles alike by 0.6 (Jaccard of stems), or by 0.3 with 0.3 of the text. `related`: titles
    alike by 0.5, by 0.25 with 0.3 of the text, or by 0.1 with half of it. `weigh` says how much a stem tells among the
    items compared with, about 1 for one of which nothing is known; titles that are alike in common words alone are not
    alike. A doubt (numbers that contradict each other, a question beside a report, a follow-up, a page that goes on
    changing) leaves `related` of a duplicate, and nothing of the rest.
    """
    if a.exact == b.exact and a.live == b.live and (len(a.title_tokens) >= LEAST_TITLE or a.shingles):
        return Relation(kind=Kind.EXACT, reasons=("same title and opening",), strength=2.0)
    if min(len(a.title_tokens), len(b.title_tokens)) < LEAST_TITLE:
        return Relation(kind=Kind.DIFFERENT, reasons=("a title too short to compare",))
    if apart := _apart(a, b):
        return Relation(kind=Kind.DIFFERENT, reasons=(apart,))
    return _measured(a, b, weigh)


def containment(a: StorySignature, b: StorySignature) -> float:
    """The share of the shorter text's four-word runs that stand in the other; 0 when it has fewer than eight."""
    return _contained(a.shingles, b.shingles)


def _measured(a: StorySignature, b: StorySignature, weigh: Weigh) -> Relation:
    left, right = _told(a, b), _told(b, a)
    titles, texts = _jaccard(left, right), containment(a, b)
    telling = min(titles, _jaccard(left, right, weigh))
    reasons = [f"{name} {share:.0%} alike" for name, share in (("titles", titles), ("texts", texts)) if share]
    if telling < titles - 0.1:
        reasons.append(f"titles {telling:.0%} alike where words count by how rare they are here")
    # Titles alone fold where they are nearly equal, or where what they share is not what every title here says.
    alone = telling >= 0.6 and (titles >= _NEARLY or sum(weigh(word) for word in sorted(left & right)) >= _TELLING)
    another = _otherwise(a, b, left, right) if alone else ""
    if another:
        alone = False
        reasons.append(another)
    kind, strength = _kind(a, b, titles, telling, alone=alone), telling + texts / 2
    doubt = _doubt(a, b, whole=_is_whole(a, b, texts)) if kind is not Kind.DIFFERENT else ""
    if doubt:
        lowered = Kind.RELATED if kind is Kind.DUPLICATE else Kind.DIFFERENT
        return Relation(kind=lowered, reasons=(*reasons, doubt), strength=strength)
    if kind is Kind.RELATED and not another:
        reasons.append("too little in common for one story")
    return Relation(kind=kind, reasons=tuple(reasons) or ("nothing in common",), strength=strength)


def _kind(a: StorySignature, b: StorySignature, titles: float, telling: float, *, alone: bool) -> Kind:
    texts = containment(a, b)
    # One stock sentence under two titles is no story: texts count only beside some likeness of titles, long ones by less.
    copied = _is_copied(a.shingles, b.shingles)
    if (
        (titles >= 0.25 and copied)
        or (titles >= 0.1 and _is_whole(a, b, texts))
        or (titles >= 0.5 and _is_copied(a.opening, b.opening))
    ):
        return Kind.DUPLICATE
    if titles >= 0.75 and texts >= 0.5:
        return Kind.DUPLICATE
    if alone or (telling >= 0.3 and texts >= 0.3):
        return Kind.SAME
    beside = (titles >= 0.25 and texts >= 0.3) or (titles >= 0.1 and texts >= 0.5)
    return Kind.RELATED if telling >= 0.5 or beside else Kind.DIFFERENT


def _is_copied(a: frozenset[int], b: frozenset[int]) -> bool:
    """Whether the shorter text stands in the other: the less there is of it, the more of it must."""
    shorter = min(len(a), len(b))
    return shorter >= LEAST_SHINGLES and _contained(a, b) >= min(_COPIED + _MARGIN / sqrt(shorter), 1.0)


def _is_whole(a: StorySignature, b: StorySignature, texts: float) -> bool:
    """Whether a long text stands in the other as it is: then it says the same under whatever title."""
    return texts >= _WHOLE and min(len(a.shingles), len(b.shingles)) >= _LONG


def _contained(a: frozenset[int], b: frozenset[int]) -> float:
    shorter = min(len(a), len(b))
    return len(a & b) / shorter if shorter >= LEAST_SHINGLES else 0.0


def _told(one: StorySignature, other: StorySignature) -> frozenset[str]:
    """What a title tells besides the label it shares with the other: a series or a subject is no news."""
    shared = one.label and one.label == other.label
    enough = all(len(each.title_tokens - one.label) >= LEAST_REST for each in (one, other))
    return one.title_tokens - one.label if shared and enough else one.title_tokens


def _apart(a: StorySignature, b: StorySignature) -> str:
    """Why two entries cannot tell one story however alike their words are; empty when they can."""
    if a.fixture and b.fixture and a.fixture != b.fixture:
        return f"another match: {', '.join(sorted(' v '.join(sorted(one.fixture)) for one in (a, b)))}"
    return ""


def _otherwise(a: StorySignature, b: StorySignature, left: frozenset[str], right: frozenset[str]) -> str:
    """Why titles that are alike may still tell of two events: one word stands for another, or one says no.

    "Pills seized in Ohio" and "in Utah", a bill passed and one rejected: no text shows that they are one event.
    """
    if a.denies != b.denies:
        return "one says no, the other does not"
    mine, theirs = _unmatched(left - right, right - left), _unmatched(right - left, left - right)
    if not mine or not theirs or _length(mine) + _length(theirs) > _SLOT or _is_acronym(mine, theirs):
        return ""
    sides = sorted((" ".join(sorted(mine)), " ".join(sorted(theirs))))
    return f"words that stand in each other's place: {', '.join(sides)}"


def _unmatched(words: frozenset[str], others: frozenset[str]) -> frozenset[str]:
    return frozenset(word for word in words if not any(_is_spelling(word, other) for other in others))


def _length(words: frozenset[str]) -> float:
    """A number of words; in scripts without spaces each character is in two of those compared."""
    return sum(0.5 if is_unspaced(word) else 1.0 for word in words)


def _is_spelling(one: str, other: str) -> bool:
    """Whether two stems are one word: honor and honour, legal(ize) and legalis(e), ecuador and ecuadorian."""
    short, long = sorted((one, other), key=len)
    if long == f"{short}is":
        return True
    alike = _shared(short, long) + _shared(short[::-1], long[::-1])
    return len(long) >= _A_WORD and (alike >= len(long) - 1 or (len(short) >= _A_WORD and long.startswith(short)))


def _is_acronym(mine: frozenset[str], theirs: frozenset[str]) -> bool:
    """Whether one side is made of the first letters of the other: EU and European Union."""
    short, long = sorted((mine, theirs), key=len)
    return len(short) == 1 < len(long) and sorted(*short) == sorted(word[0] for word in long)


def _shared(one: str, other: str) -> int:
    """How many letters two words begin with alike."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _doubt(a: StorySignature, b: StorySignature, *, whole: bool) -> str:
    """Why two entries that look alike are not folded; empty when nothing speaks against it.

    A `whole` text says the same under whatever kind of title.
    """
    if a.numbers - b.numbers and b.numbers - a.numbers:
        return f"numbers differ: {', '.join(sorted(a.numbers ^ b.numbers))}"
    if a.live or b.live:
        return "a live page goes on changing"
    if whole:
        return ""
    if a.explains != b.explains:
        return "one reports, the other asks or explains"
    if not a.head & b.head and (a.head != a.title_tokens or b.head != b.title_tokens):
        return "one follows up on the other"
    return ""


def _jaccard(a: frozenset[str], b: frozenset[str], weigh: Weigh = lambda _: 1.0) -> float:
    union = sum(weigh(word) for word in sorted(a | b))
    return sum(weigh(word) for word in sorted(a & b)) / union if union else 0.0
