"""One entry made ready for evaluation: where each asked-for word stands, by field. Offsets are worked out on demand."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate
from typing import Any, NamedTuple

from aggregator.core.model.topics import Span
from aggregator.core.text import has_unspaced, is_unspaced, primary, raw_words, sentences, word_spans
from aggregator.core.topics.fields import TITLE, EntryFields
from aggregator.core.topics.lexicon import Answers, Lexicon

_MOST_WORDS = 50_000  # of one field; a longer text is not news
_MOST_PLACES = 1_000  # of one word in one field; a text that repeats it oftener gains nothing

_NOWHERE: tuple[int, ...] = ()


class Mark(NamedTuple):
    """What to highlight: words `[start, end)` of the field, or its characters when a pattern found them."""

    start: int
    end: int
    in_characters: bool = False


class Hit(NamedTuple):
    """One place where a query holds: words `[start, end)` of a field, its boost, and the words that prove it."""

    field: str
    start: int
    end: int
    boost: float
    marks: tuple[Mark, ...]


class FieldText:
    """One field: its words, the places of atoms among them, and offsets when somebody asks."""

    def __init__(self, text: str, answers: Answers) -> None:
        self.text = text
        self.atoms = answers.atoms_in(text)
        self._answers = answers
        self._places: dict[int, list[int]] = {}

    @cached_property
    def words(self) -> Sequence[str]:
        """Its words as they stand. Most entries are rejected before anybody asks."""
        return raw_words(self.text)[:_MOST_WORDS]

    def places(self, atom: int) -> list[int]:
        """The numbers of the words that are this atom, in order, at most `_MOST_PLACES`."""
        places = self._places.get(atom)
        if places is None:
            found = self._found.get(atom, [])
            one_word = found[0] if len(found) == 1 else sorted(place for places in found for place in places)
            places = self._places[atom] = one_word[:_MOST_PLACES]
        return places

    @cached_property
    def _found(self) -> dict[int, list[list[int]]]:
        """For each atom the places of each word that it is."""
        by_word: dict[str, list[int]] = {}
        for place, word in enumerate(self.words):
            by_word.setdefault(word, []).append(place)
        found: dict[int, list[list[int]]] = {}
        for word, places in by_word.items():
            for atom in self._answers.of(word):
                found.setdefault(atom, []).append(places)
        return found

    @cached_property
    def offsets(self) -> list[tuple[int, int]]:
        """Code points `[start, end)` of each word."""
        return list(word_spans(self.text))[:_MOST_WORDS]

    @cached_property
    def sentences(self) -> list[int]:
        """The number of the first word of each sentence, and last the number of words."""
        starts, _ = self._edges
        return [*(bisect_left(starts, start) for start, _ in sentences(self.text)), len(starts)]

    @cached_property
    def shouts(self) -> bool:
        """Whether more than half of its words are in capitals, so that case says nothing. One word alone may."""
        lettered = [word for word in self.words if word.upper() != word.lower()]
        capitals = sum(1 for word in lettered if word.isupper() and len(word) > 1)
        return len(lettered) > 2 and capitals * 2 > len(lettered)

    @cached_property
    def _half_words(self) -> list[int] | None:
        if not has_unspaced(self.text):
            return None
        return list(accumulate((1 if is_unspaced(word) else 2 for word in self.words), initial=0))

    def words_between(self, end: int, start: int) -> float:
        """How many words lie between two places; a character of a script without spaces is half a word."""
        half_words = self._half_words
        return start - end if half_words is None else (half_words[start] - half_words[end]) / 2

    @cached_property
    def _edges(self) -> tuple[list[int], list[int]]:
        return ([start for start, _ in self.offsets], [end for _, end in self.offsets])

    def words_at(self, start: int, end: int) -> tuple[int, int]:
        """The words that the characters `[start, end)` touch; an empty range between words when none."""
        starts, ends = self._edges
        return bisect_right(ends, start), bisect_left(starts, end)


class Document:
    """An entry's fields, read once for all topics.

    `atoms` are all that stand in any field; `known` keeps what shared parts of queries found.
    """

    def __init__(self, fields: EntryFields, names: Sequence[str], lexicon: Lexicon) -> None:
        answers = lexicon.answers(primary(fields.language or ""))
        self.fields = {name: FieldText(text, answers) for name in names if (text := fields.of(name))}
        self.atoms: set[int] = set().union(*(text.atoms for text in self.fields.values()))
        self.known: dict[Any, list[Hit] | None] = {}

    def places(self, atom: int, field: str) -> Sequence[int]:
        """The numbers of the words of `field` that are this atom, in order."""
        text = self.fields.get(field)
        return _NOWHERE if text is None else text.places(atom)

    def bounds(self, field: str) -> tuple[int, int]:
        """The words of `field` that may be looked at."""
        return (0, len(self.fields[field].words))

    def shouts(self, field: str) -> bool:
        """Whether case says nothing in this field: titles only, body text is rarely in capitals."""
        return field == TITLE and self.fields[TITLE].shouts

    def span(self, field: str, mark: Mark) -> Span:
        """A mark as a span into the stored text of its field."""
        if mark.in_characters:
            return Span(field=field, start=mark.start, end=mark.end)
        offsets = self.fields[field].offsets
        return Span(field=field, start=offsets[mark.start][0], end=offsets[mark.end - 1][1])


class Window(Document):
    """Some words of one field of a document, with nothing around them: a sentence."""

    def __init__(self, whole: Document, field: str, start: int, end: int) -> None:
        self.fields = {field: whole.fields[field]}
        self.atoms = whole.atoms  # more than the window holds, which costs a look and no truth
        self.known = {}
        self._bounds = (start, end)

    def places(self, atom: int, field: str) -> Sequence[int]:
        """As in a document, within the window."""
        everywhere = super().places(atom, field)
        start, end = self._bounds
        return everywhere[bisect_left(everywhere, start) : bisect_left(everywhere, end)]

    def bounds(self, field: str) -> tuple[int, int]:
        """The words of the window."""
        del field  # a window has but one
        return self._bounds
