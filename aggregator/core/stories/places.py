"""What is new in an entry -> where it stands in the text, so that a reader is shown those very words."""

import re
from collections.abc import Iterable, Mapping, Sequence

from aggregator.core.stories.amounts import dated
from aggregator.core.stories.novelty import MOST_TEXT, New, Substance

Range = tuple[int, int]


def places(text: str, said: Iterable[New], fired: Mapping[str, Sequence[Range]]) -> tuple[tuple[Range, ...], ...]:
    """Of each new thing that stands in `text` every place, `[start, end)` in code points, in the order of `said`.

    What is said by the title alone, or by nothing but the source, has none and is left out. `fired` are the places of
    the clauses by name.
    """
    text = text[:MOST_TEXT]
    found = (tuple(_places(text, one, fired)) for one in said)
    return tuple(one for one in found if one)


def _places(text: str, one: New, fired: Mapping[str, Sequence[Range]]) -> Iterable[Range]:
    match one.kind:
        case Substance.CLAUSE:
            return fired.get(one.said, ())
        case Substance.DATE:
            return [place for day, place in dated(text) if day.shown == one.said]
        case Substance.NUMBER | Substance.BODY:
            return [match.span() for match in _pattern(one.said).finditer(text)]
        case Substance.OFFICIAL:
            return ()


def _pattern(said: str) -> re.Pattern[str]:
    """The words of a number or a name as they stood, before possessives and line breaks between them were left out."""
    words = r"(?:['\u2019][sS]?)?[\W_]+".join(map(re.escape, said.split()))
    return re.compile(rf"(?<![\w.,]){words}(?!\w|[.,]\d)")
