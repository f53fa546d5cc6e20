"""Two signatures -> what their entries are to each other, with reasons a person can check.

An entry folded wrongly is an entry lost, so `same` is said only where it is nearly certain; `related` hides nothing.
"""

from dataclasses import dataclass
from enum import StrEnum

from aggregator.core.stories.signature import StorySignature

LEAST_TITLE = 4  # telling words; shorter titles are compared as a whole only
LEAST_SHINGLES = 8


class Kind(StrEnum):
    """From the same text to another story; the first two are folded into one line."""

    DUPLICATE = "duplicate"
    SAME = "same"
    RELATED = "related"
    DIFFERENT = "different"


FOLDED = frozenset({Kind.DUPLICATE, Kind.SAME})


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """What two entries are to each other. `strength` orders relations: title likeness plus half the text's."""

    kind: Kind
    reasons: tuple[str, ...]
    strength: float = 0.0


def relate(a: StorySignature, b: StorySignature) -> Relation:
    """The relation of two entries; the order does not matter.

    `duplicate`: the same title and opening, or nearly all of the shorter text stands in the other. `same`: titles alike
    by 0.6 (Jaccard of stems), or by 0.3 with 0.3 of the text. Numbers that contradict each other, a question or analysis
    beside a report, and a headline whose own news is another one lower a fold to `related`, and that to `different`.
    """
    if a.exact == b.exact and (len(a.title_tokens) >= LEAST_TITLE or a.shingles):
        return Relation(kind=Kind.DUPLICATE, reasons=("same title and opening",), strength=1.5)
    if min(len(a.title_tokens), len(b.title_tokens)) < LEAST_TITLE:
        return Relation(kind=Kind.DIFFERENT, reasons=("a title too short to compare",))
    titles, texts, leads = _jaccard(a.title_tokens, b.title_tokens), containment(a, b), opening_likeness(a, b)
    measured = tuple(
        f"{name} {share:.0%} alike"
        for name, share in (("titles", titles), ("texts", texts), ("openings", leads))
        if share
    )
    strength = titles + texts / 2
    kind = _kind(titles, texts, leads)
    if kind is not Kind.DIFFERENT and (doubt := _doubt(a, b)):
        lowered = Kind.RELATED if kind in FOLDED else Kind.DIFFERENT
        return Relation(kind=lowered, reasons=(*measured, doubt), strength=strength)
    return Relation(kind=kind, reasons=measured or ("nothing in common",), strength=strength)


def containment(a: StorySignature, b: StorySignature) -> float:
    """The share of the shorter text's four-word runs that stand in the other; 0 when it has fewer than eight."""
    shorter = _shorter(a, b)
    return len(a.shingles & b.shingles) / shorter if shorter >= LEAST_SHINGLES else 0.0


def opening_likeness(a: StorySignature, b: StorySignature) -> float:
    """Jaccard of the three-word runs of title and opening; 0 where a text is too short to have an opening."""
    return _jaccard(a.lead, b.lead) if _shorter(a, b) >= LEAST_SHINGLES else 0.0


def _shorter(a: StorySignature, b: StorySignature) -> int:
    return min(len(a.shingles), len(b.shingles))


def _kind(titles: float, texts: float, leads: float) -> Kind:
    # One stock sentence under two titles is no story: texts count only beside some likeness of titles.
    if (titles >= 0.25 and (texts >= 0.7 or leads >= 0.4)) or (titles >= 0.8 and texts >= 0.5):
        return Kind.DUPLICATE
    if titles >= 0.6 or (titles >= 0.3 and texts >= 0.3):
        return Kind.SAME
    return Kind.RELATED if titles >= 0.5 or (titles >= 0.25 and texts >= 0.3) else Kind.DIFFERENT


def _doubt(a: StorySignature, b: StorySignature) -> str:
    """Why two entries that look alike are not folded; empty when nothing speaks against it."""
    if a.numbers - b.numbers and b.numbers - a.numbers:
        return f"numbers differ: {', '.join(sorted(a.numbers ^ b.numbers))}"
    if a.explains != b.explains:
        return "one reports, the other asks or explains"
    if not a.head & b.head and (a.head != a.title_tokens or b.head != b.title_tokens):
        return "one follows up on the other"
    return ""


def _jaccard(a: frozenset[str] | frozenset[int], b: frozenset[str] | frozenset[int]) -> float:
    return len(a & b) / len(a | b) if a and b else 0.0
