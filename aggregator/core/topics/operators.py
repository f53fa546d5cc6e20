"""The operators of a query made ready to run: how the places of the parts become places of the whole."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import prod

from aggregator.core.topics import tree
from aggregator.core.topics.document import Document, Hit, Window
from aggregator.core.topics.leaves import Matcher, Needs, rarest, unmet
from aggregator.core.topics.lexicon import Lexicon


class OrMatcher(Matcher):
    """Any part. Of a long list only the parts are tried of which the document holds a word."""

    __slots__ = ("_always", "_anchors", "_tried_for")

    def __init__(self, source: tree.Or, parts: tuple[Matcher, ...], lexicon: Lexicon) -> None:
        self._tried_for: dict[int, list[int]] = {}
        self._always: list[int] = []
        for number, part in enumerate(parts):
            anchors = rarest(part.needs, lexicon)
            if anchors is None:
                self._always.append(number)
            for atom in anchors or ():
                self._tried_for.setdefault(atom, []).append(number)
        self._anchors = frozenset(self._tried_for)
        needs = () if self._always else (self._anchors,)
        super().__init__(source, parts, needs=needs, most_boost=max(part.most_boost for part in parts))

    def match(self, document: Document) -> list[Hit] | None:
        """The hits of every part that holds."""
        tried = {number for atom in document.atoms & self._anchors for number in self._tried_for[atom]}
        tried.update(self._always)
        found = [hits for number in sorted(tried) if (hits := self.parts[number].match(document)) is not None]
        return [hit for hits in found for hit in hits] if found else None


class AndMatcher(Matcher):
    """Every part, anywhere in the document."""

    __slots__ = ()

    def __init__(self, source: tree.And, parts: tuple[Matcher, ...]) -> None:
        super().__init__(source, parts, needs=_all_needs(parts), most_boost=_product(parts))

    def match(self, document: Document) -> list[Hit] | None:
        """The hits of all parts; the boosts of the parts multiply."""
        if unmet(self.needs, document.atoms):
            return None
        found: list[list[Hit]] = []
        for part in self.parts:
            hits = part.match(document)
            if hits is None:
                return None
            found.append(hits)
        boost = prod(max(hit.boost for hit in hits) for hits in found if hits)
        return [hit._replace(boost=boost) for hits in found for hit in hits]


class NotMatcher(Matcher):
    """The absence of a part. It stands only beside something positive, which gives the anchors."""

    __slots__ = ()

    def match(self, document: Document) -> list[Hit] | None:
        """No place, when the part does not hold."""
        return [] if self.parts[0].match(document) is None else None


class NearMatcher(Matcher):
    """Two parts close to each other in one field."""

    __slots__ = ("_ordered", "distance")

    def __init__(self, source: tree.Near, parts: tuple[Matcher, ...]) -> None:
        super().__init__(source, parts, needs=_all_needs(parts), most_boost=_product(parts))
        self.distance = source.distance
        self._ordered = source.ordered

    def match(self, document: Document) -> list[Hit] | None:
        """Each hit of the left part with the nearest of the right on either side, when near enough."""
        if unmet(self.needs, document.atoms):
            return None
        lefts = self.parts[0].match(document)
        rights = self.parts[1].match(document) if lefts else None
        if not lefts or not rights:
            return None
        hits: list[Hit] = []
        for field in document.fields:
            ours, theirs = _in(field, lefts), _in(field, rights)
            if ours and theirs:
                hits += self._pairs(document, field, ours, theirs)
        return hits or None

    def _pairs(self, document: Document, field: str, lefts: list[Hit], rights: list[Hit]) -> Iterable[Hit]:
        text = document.fields[field]
        by_start = sorted(rights, key=lambda hit: hit.start)
        by_end = sorted(rights, key=lambda hit: hit.end)
        starts, ends = [hit.start for hit in by_start], [hit.end for hit in by_end]
        for left in lefts:
            after = bisect_left(starts, left.end)
            if after < len(starts) and text.words_between(left.end, starts[after]) <= self.distance:
                yield _joined(left, by_start[after])
            before = bisect_right(ends, left.start) - 1
            if not self._ordered and before >= 0 and text.words_between(ends[before], left.start) <= self.distance:
                yield _joined(by_end[before], left)


class ExceptMatcher(Matcher):
    """Hits of the left part that do not lie inside one of the right part."""

    __slots__ = ()

    def __init__(self, source: tree.Except, parts: tuple[Matcher, ...]) -> None:
        super().__init__(source, parts, needs=parts[0].needs, most_boost=parts[0].most_boost)

    def match(self, document: Document) -> list[Hit] | None:
        """What is left of the left part's hits."""
        hits = self.parts[0].match(document)
        if not hits:
            return None
        covers = _covers(self.parts[1].match(document) or ())
        kept = [hit for hit in hits if not _covered(hit, covers.get(hit.field))]
        return kept or None


class AtLeastMatcher(Matcher):
    """So many of the parts, anywhere in the document."""

    __slots__ = ("_count",)

    def __init__(self, source: tree.AtLeast, parts: tuple[Matcher, ...], lexicon: Lexicon) -> None:
        needs = _needs_of_some(parts, source.count, lexicon)
        super().__init__(source, parts, needs=needs, most_boost=max(part.most_boost for part in parts))
        self._count = source.count

    def match(self, document: Document) -> list[Hit] | None:
        """The hits of every part that holds, when enough do."""
        found = [hits for part in self.parts if (hits := part.match(document)) is not None]
        return [hit for hits in found for hit in hits] if len(found) >= self._count else None


class SentenceMatcher(Matcher):
    """A part that one sentence satisfies alone."""

    __slots__ = ("_fields",)

    def __init__(self, source: tree.Sentence, parts: tuple[Matcher, ...], fields: Sequence[str]) -> None:
        super().__init__(source, parts, needs=parts[0].needs, most_boost=parts[0].most_boost)
        self._fields = fields

    def match(self, document: Document) -> list[Hit] | None:
        """The part's hits in each sentence that satisfies it."""
        if unmet(self.needs, document.atoms):
            return None
        found: list[Hit] = []
        for name in self._fields:
            field = document.fields.get(name)
            if field is None:
                continue
            first, last = document.bounds(name)
            for start, end in pairwise(field.sentences):
                if first <= start < end <= last:
                    found += self.parts[0].match(Window(document, name, start, end)) or ()
        return found or None


class WithinMatcher(Matcher):
    """A part whose words were already told their field."""

    __slots__ = ()

    def __init__(self, source: tree.Within, parts: tuple[Matcher, ...]) -> None:
        super().__init__(source, parts, needs=parts[0].needs, most_boost=parts[0].most_boost)

    def match(self, document: Document) -> list[Hit] | None:
        """The part's hits."""
        return self.parts[0].match(document)


class BoostMatcher(Matcher):
    """A part whose hits weigh more or less."""

    __slots__ = ("_factor",)

    def __init__(self, source: tree.Boost, parts: tuple[Matcher, ...]) -> None:
        most = source.factor * parts[0].most_boost
        # A hit of the part has the factor, but absence has no hit and counts in full.
        super().__init__(source, parts, needs=parts[0].needs, most_boost=max(1.0, most))
        self._factor = source.factor

    def match(self, document: Document) -> list[Hit] | None:
        """The part's hits, each with its boost times the factor."""
        hits = self.parts[0].match(document)
        return None if hits is None else [hit._replace(boost=hit.boost * self._factor) for hit in hits]


def _all_needs(parts: tuple[Matcher, ...]) -> Needs:
    """Every need of every part, each once."""
    return tuple(dict.fromkeys(need for part in parts for need in part.needs))


def _needs_of_some(parts: tuple[Matcher, ...], count: int, lexicon: Lexicon) -> Needs:
    """Of n parts with k needed, one of any n-k+1 must hold: the rarest of those that are known."""
    known = [need for part in parts if (need := rarest(part.needs, lexicon)) is not None]
    enough = len(parts) - count + 1
    if len(known) < enough:
        return ()
    known.sort(key=lambda need: sum(map(lexicon.cost, need)))
    return (frozenset[int]().union(*known[:enough]),)


def _product(parts: tuple[Matcher, ...]) -> float:
    return prod(part.most_boost for part in parts)


def _in(field: str, hits: list[Hit]) -> list[Hit]:
    return [hit for hit in hits if hit.field == field]


def _joined(first: Hit, second: Hit) -> Hit:
    start, end = min(first.start, second.start), max(first.end, second.end)
    return Hit(first.field, start, end, first.boost * second.boost, (*first.marks, *second.marks))


def _covers(hits: Iterable[Hit]) -> dict[str, list[tuple[int, int]]]:
    """For each field the hits by start, each with the furthest end of it and those before."""
    covers: dict[str, list[tuple[int, int]]] = {}
    for hit in sorted(hits, key=lambda hit: (hit.field, hit.start)):
        before = covers.setdefault(hit.field, [])
        before.append((hit.start, max(hit.end, before[-1][1] if before else 0)))
    return covers


def _covered(hit: Hit, covers: list[tuple[int, int]] | None) -> bool:
    if covers is None:
        return False
    at = bisect_right(covers, hit.start, key=lambda cover: cover[0]) - 1
    return at >= 0 and covers[at][1] >= hit.end
