"""The leaves of a query made ready to run: words, phrases, patterns and lists find their places in a document.

A matcher knows where it holds and which words prove it; it knows no weight and no score.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any

from aggregator.core.topics import regexes, tree
from aggregator.core.topics.document import Document, Hit, Mark
from aggregator.core.topics.lexicon import Lexicon

Anchors = frozenset[int] | None  # atoms of which a document must hold one, or None when nothing can be said


class Matcher(ABC):
    """One node of a query. `source` is what was written, `parts` the matchers below."""

    def __init__(self, source: tree.Node, parts: tuple["Matcher", ...] = ()) -> None:
        self.source = source
        self.parts = parts

    @abstractmethod
    def match(self, document: Document) -> list[Hit] | None:
        """Where the node holds, or None when it does not. A list may be empty: what is absent has no place."""

    def anchors(self, lexicon: Lexicon) -> Anchors:
        """Atoms of which a document must hold at least one for this node to hold."""
        del lexicon
        return None


class WordMatcher(Matcher):
    """One atom in some fields."""

    def __init__(self, source: tree.Leaf, atom: int, fields: Sequence[str], *, cased: bool) -> None:
        super().__init__(source)
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

    def anchors(self, lexicon: Lexicon) -> Anchors:
        """Itself."""
        del lexicon
        return frozenset((self.atom,))


class PhraseMatcher(Matcher):
    """Atoms side by side."""

    def __init__(self, source: tree.Phrase, atoms: Sequence[int], fields: Sequence[str], *, cased: bool) -> None:
        super().__init__(source)
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

    def anchors(self, lexicon: Lexicon) -> Anchors:
        """Its rarest word."""
        return frozenset((min(self._atoms, key=lexicon.cost),))


class PatternMatcher(Matcher):
    """A regular expression over the text of some fields."""

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

    def __init__(self, source: tree.Ref, inner: Matcher) -> None:
        super().__init__(source)
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

    def anchors(self, lexicon: Lexicon) -> Anchors:
        """The list's own."""
        return self._inner.anchors(lexicon)


def cost_of(anchors: frozenset[int], lexicon: Lexicon) -> float:
    """How often some of these atoms probably stand in an entry."""
    return sum(lexicon.cost(atom) for atom in anchors)


def rarest(choices: Iterable[Anchors], lexicon: Lexicon) -> Anchors:
    """The anchors that stand most rarely; None when no choice has any."""
    known = [anchors for anchors in choices if anchors is not None]
    return min(known, key=lambda anchors: cost_of(anchors, lexicon)) if known else None


def union_of(choices: Iterable[Anchors]) -> Anchors:
    """All anchors together; None when one choice has none, since it may hold without them."""
    union: frozenset[int] = frozenset()
    for anchors in choices:
        if anchors is None:
            return None
        union |= anchors
    return union
