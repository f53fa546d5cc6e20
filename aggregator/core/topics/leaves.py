"""The leaves of a query made ready to run: words, phrases, patterns and lists find their places in a document.

A matcher knows where it holds and which words prove it; it knows no weight and no score.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from aggregator.core.topics import regexes, tree
from aggregator.core.topics.document import Document, Hit, Mark
from aggregator.core.topics.lexicon import Lexicon

# Sets of atoms of each of which a document must hold one for a query to hold; none when nothing can be said.
Needs = tuple[frozenset[int], ...]


class Matcher(ABC):
    """One node of a query: `source` is what was written, `parts` the matchers below.

    `needs` are words without which it cannot hold; `most_boost` is the highest boost that one of its hits may have.
    """

    __slots__ = ("most_boost", "needs", "parts", "source")

    def __init__(
        self, source: tree.Node, parts: tuple["Matcher", ...] = (), *, needs: Needs = (), most_boost: float = 1.0
    ) -> None:
        self.source = source
        self.parts = parts
        self.needs = needs
        self.most_boost = most_boost

    @abstractmethod
    def match(self, document: Document) -> list[Hit] | None:
        """Where the node holds, or None when it does not. A list may be empty: what is absent has no place."""


class WordMatcher(Matcher):
    """One atom in some fields."""

    __slots__ = ("_cased", "_fields", "atom")

    def __init__(self, source: tree.Leaf, atom: int, needs: Needs, fields: Sequence[str], *, cased: bool) -> None:
        super().__init__(source, needs=needs)
        self.atom = atom
        self._fields = fields
        self._cased = cased

    def match(self, document: Document) -> list[Hit] | None:
        """One hit a place. In a title in capitals a cased word counts half: there, any word looks like an acronym."""
        if self.atom not in document.atoms:
            return None
        hits = [
            Hit(
                field,
                place,
                place + 1,
                0.5 if self._cased and document.shouts(field) else 1.0,
                (Mark(place, place + 1),),
            )
            for field in self._fields
            for place in document.places(self.atom, field)
        ]
        return hits or None


class PhraseMatcher(Matcher):
    """Atoms side by side."""

    __slots__ = ("_atoms", "_cased", "_fields")

    def __init__(
        self, source: tree.Phrase, atoms: tuple[int, ...], needs: Needs, fields: Sequence[str], *, cased: bool
    ) -> None:
        super().__init__(source, needs=needs)
        self._atoms = atoms
        self._fields = fields
        self._cased = cased

    def match(self, document: Document) -> list[Hit] | None:
        """One hit a place where all words stand in a row."""
        if not document.atoms.issuperset(self._atoms):
            return None
        hits: list[Hit] = []
        length = len(self._atoms)
        for field in self._fields:
            starts = set(document.places(self._atoms[0], field))
            for step, atom in enumerate(self._atoms):
                if not starts:
                    break
                starts &= {place - step for place in document.places(atom, field)}
            boost = 0.5 if starts and self._cased and document.shouts(field) else 1.0
            hits += [Hit(field, at, at + length, boost, (Mark(at, at + length),)) for at in sorted(starts)]
        return hits or None


class PatternMatcher(Matcher):
    """A regular expression over the text of some fields."""

    __slots__ = ("_compiled", "_fields")

    def __init__(self, source: tree.Pattern, compiled: Any, fields: Sequence[str]) -> None:
        super().__init__(source)
        self._compiled = compiled
        self._fields = fields

    def match(self, document: Document) -> list[Hit] | None:
        """One hit a match that lies within the words looked at."""
        hits: list[Hit] = []
        for field in self._fields:
            text = document.fields.get(field)
            if text is None:
                continue
            first, last = document.bounds(field)
            for start, end in regexes.find(self._compiled, text.text):
                low, high = text.words_at(start, end)
                if first <= low and high <= last:
                    hits.append(Hit(field, low, max(low, high), 1.0, (Mark(start, end, in_characters=True),)))
        return hits or None


class ListMatcher(Matcher):
    """A named list, found once a document however many clauses name it."""

    __slots__ = ("_inner",)

    def __init__(self, source: tree.Ref, inner: Matcher) -> None:
        super().__init__(source, needs=inner.needs, most_boost=inner.most_boost)
        self._inner = inner

    def match(self, document: Document) -> list[Hit] | None:
        """The list's own hits."""
        if self._inner not in document.known:
            document.known[self._inner] = self._inner.match(document)
        return document.known[self._inner]

    @property
    def inner(self) -> Matcher:
        """What the name stands for."""
        return self._inner


def rarest(needs: Needs, lexicon: Lexicon) -> frozenset[int] | None:
    """The need that an entry meets most rarely; None when there is none."""
    return min(needs, key=lambda need: sum(map(lexicon.cost, need)), default=None)


def unmet(needs: Needs, atoms: AbstractSet[int]) -> bool:
    """Whether a document with these atoms lacks one of the needs."""
    for need in needs:  # noqa: SIM110 - starting a generator costs more than most of these loops
        if need.isdisjoint(atoms):
            return True
    return False
