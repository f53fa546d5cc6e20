"""What the archive's word index holds of an entry, and what of it a topic cannot do without: a bound, never a verdict.

Whatever the evaluator flags has the words that `coarse` asks for, or comes from a feed it names; what has them may still
not be flagged. A regular expression bounds nothing: it finds its letters in the middle of words, and the index knows only
whole ones and how they begin. A change of what `indexed_words` gives needs a migration that empties the index.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import assert_never

from aggregator.core.model.entries import FeedFacts
from aggregator.core.model.topics import Clause, ClauseKind, Topic
from aggregator.core.text import fold, has_stems, is_unspaced, primary, raw_words, stem, surface_of
from aggregator.core.topics import tree
from aggregator.core.topics.definition import Definition, define
from aggregator.core.topics.fields import TEXT, TITLE, WORDS, EntryFields
from aggregator.core.topics.frequencies import share_of_prefix, share_of_word
from aggregator.core.topics.index import TopicIndex

# Fields that a revision never changes. What is said of the feed may be said differently tomorrow and is not indexed.
FIELDS = (TITLE, TEXT, "author", "url")
_OF_FEEDS = ("feed", "tier")  # fields that say nothing of an entry but which feed it is from
# Languages whose stems are in the index. A word of a topic in another language that has stems has no bound.
LANGUAGES = ("en", "es", "hi")
MAX_TERMS = 20_000  # of one bound; beyond, reading the archive is cheaper than asking the index

_LONG = 8  # words of a part that is asked for beside a rarer one
_LONGEST = 64  # letters of an indexed word; a longer one is cut, in the index and in the question
_MOST_BYTES = 500_000  # of the words of one entry: PostgreSQL refuses a megabyte
# Private characters, which no word has, keep stems, pairs and escapes apart from words.
_ESCAPE, _STEM, _PAIR = "\ue000", "\ue001", "\ue002"
OVERFLOW = "\ue003"  # the one word of an entry with too many: every question asks for it too


@dataclass(frozen=True, slots=True)
class Term:
    """An indexed word, or with `prefix` any that begins so."""

    text: str
    prefix: bool = False


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One of the parts."""

    parts: tuple["Coarse", ...]


@dataclass(frozen=True, slots=True)
class AllOf:
    """Each of the parts, anywhere."""

    parts: tuple["Coarse", ...]


@dataclass(frozen=True, slots=True)
class OfFeeds:
    """Any entry of these feeds, by their ids."""

    ids: frozenset[str]


Coarse = Term | AnyOf | AllOf | OfFeeds


def indexed_words(fields: EntryFields) -> frozenset[str]:
    """The words under which an entry is found: of each word its folded form and its stems, and pairs of characters.

    They hold letters, digits, marks and private characters only, so that a database's tokenizer leaves each whole.
    """
    found: set[str] = set()
    for name in FIELDS:
        folded = [fold(surface_of(raw)) for raw in raw_words(fields.of(name))]
        found.update(_pair(one, two) for one, two in pairwise(folded) if is_unspaced(one) and is_unspaced(two))
        for word in set(folded):
            found.add(_written(word))
            found.update(_stemmed(stem(word, language), language) for language in LANGUAGES if _changes(word, language))
    if sum(len(word.encode()) for word in found) > _MOST_BYTES:
        return frozenset((OVERFLOW,))
    return frozenset(found)


def coarse(topics: Iterable[Topic], feeds: Sequence[FeedFacts] | None = None) -> Coarse | None:
    """What an entry has at least that one of the topics flags; None when nothing can be said.

    Nothing is flagged unless one of a topic's signals holds, so only these are looked at. `feeds` are all that an entry
    may be from; without them, `feed:` and `tier:` allow every entry.
    """
    alternatives: list[Coarse | None] = [Term(OVERFLOW)]
    for topic in topics:
        definition = define(topic)
        if not isinstance(definition, Definition):
            return None
        reader = _Reader(definition, feeds)
        alternatives += [
            reader.bound(node, WORDS) for clause, node in definition.clauses if clause.kind is ClauseKind.SIGNAL
        ]
    whole = _any(alternatives)
    return None if whole is None or sum(1 for _ in terms(whole)) > MAX_TERMS else whole


def terms(whole: Coarse) -> Iterator[Term]:
    """Every word that a bound names, as often as it does."""
    if isinstance(whole, Term):
        yield whole
    elif not isinstance(whole, OfFeeds):
        for part in whole.parts:
            yield from terms(part)


class _Reader:
    """Reads the trees of one topic. A bound of None allows every entry."""

    def __init__(self, definition: Definition, feeds: Sequence[FeedFacts] | None) -> None:
        self._topic = definition.topic
        self._lists = definition.lists
        self._feeds = feeds
        self._languages = [*map(primary, definition.topic.languages)]
        self._known: dict[tuple[str, Sequence[str]], Coarse | None] = {}

    def bound(self, node: tree.Node, fields: Sequence[str]) -> Coarse | None:  # noqa: PLR0911 - one line for each kind of node
        """What an entry has in which the node holds, its words looked for in `fields`."""
        match node:
            case tree.Word() | tree.Exact() | tree.Cased() | tree.Prefix():
                return self._leaf(node) if set(fields) <= set(FIELDS) else None
            case tree.Phrase(parts):
                return self._phrase(parts) if set(fields) <= set(FIELDS) else None
            case tree.Pattern() | tree.Not():
                return None
            case tree.Ref(name):
                return self._list(name, fields)
            case tree.Within(name, part) if name in _OF_FEEDS and self._feeds is not None and _is_plain(part):
                return self._of_feeds(node, self._feeds)
            case tree.Within(name, part):
                return self.bound(part, (name,))
            case tree.Except(part) | tree.Sentence(part) | tree.Boost(_, part):
                return self.bound(part, fields)
            case _:
                return self._joined(node, [self.bound(part, fields) for part in tree.children(node)])

    def _joined(
        self, node: tree.Or | tree.And | tree.Near | tree.AtLeast, parts: Sequence[Coarse | None]
    ) -> Coarse | None:
        match node:
            case tree.Or():
                return _any(parts)
            case tree.And() | tree.Near():
                return _all(parts)
            case tree.AtLeast(count):
                return _some(count, parts)
            case _:
                assert_never(node)

    def _leaf(self, leaf: tree.Leaf) -> Coarse | None:
        match leaf:
            case tree.Word(text):
                return self._word(text)
            case tree.Exact(text):
                return Term(_written(text))
            case tree.Cased(text):
                return Term(_written(fold(text)))
            case tree.Prefix(text):
                return Term(_written(text), prefix=True)

    def _word(self, text: str) -> Coarse | None:
        """The word, its stem as a word, and words of that stem."""
        languages = [language for language in self._languages if has_stems(language)]
        if not set(languages) <= set(LANGUAGES):
            return None
        found = [Term(_written(text))]
        for language in languages:
            stemmed = stem(text, language)
            found += [Term(_written(stemmed)), Term(_stemmed(stemmed, language))]
        return _any(found)

    def _phrase(self, parts: tuple[tree.Leaf, ...]) -> Coarse | None:
        """Its words; characters of a script without spaces that stand side by side also as pairs."""
        words = [self._leaf(part) for part in parts]
        pairs = [Term(_pair(fold(a.text), fold(b.text))) for a, b in pairwise(parts) if _alone(a) and _alone(b)]
        return _all([*words, *pairs])

    def _of_feeds(self, node: tree.Within, feeds: Sequence[FeedFacts]) -> OfFeeds:
        """The feeds of which the node holds, whatever the language of an entry."""
        asked = Clause(name="feed", kind=ClauseKind.SIGNAL, query=tree.show(node))
        index = TopicIndex([replace(self._topic, clauses=(asked,), lists=(), cases="yes", flag_at=0.1, alert_at=0.1)])
        said = {
            feed.feed_id: [
                EntryFields(feed=feed.feed_id, tier=feed.tier, language=one) for one in (None, *self._languages)
            ]
            for feed in feeds
        }
        return OfFeeds(frozenset(name for name, each in said.items() if any(index.evaluate(one) for one in each)))

    def _list(self, name: str, fields: Sequence[str]) -> Coarse | None:
        key = (name, fields)
        if key not in self._known:
            self._known[key] = self.bound(self._lists[name], fields)
        return self._known[key]


def _is_plain(part: tree.Node) -> bool:
    """Whether nothing in it is looked for in another field, or under a name."""
    return not any(isinstance(node, tree.Within | tree.Ref) for node in tree.walk(part))


def _alone(leaf: tree.Leaf) -> bool:
    """Whether the leaf is one character of a script without spaces."""
    return not isinstance(leaf, tree.Prefix) and is_unspaced(leaf.text)


def _any(bounds: Sequence[Coarse | None]) -> Coarse | None:
    """One of them; nothing can be said when nothing can be said of one."""
    parts: dict[Coarse, None] = {}
    for bound in bounds:
        if bound is None:
            return None
        parts |= dict.fromkeys(bound.parts if isinstance(bound, AnyOf) else (bound,))
    return next(iter(parts)) if len(parts) == 1 else AnyOf(tuple(parts))


def _all(bounds: Sequence[Coarse | None]) -> Coarse | None:
    """Each of them of which something can be said; of long ones the rarest alone, which a database answers sooner."""
    parts: dict[Coarse, None] = {}
    for bound in bounds:
        if bound is not None:
            parts |= dict.fromkeys(bound.parts if isinstance(bound, AllOf) else (bound,))
    if len(parts) < 2:
        return next(iter(parts), None)
    rarest = min(parts, key=_share)
    kept = [part for part in parts if part is rarest or sum(1 for _ in terms(part)) <= _LONG]
    return AllOf(tuple(kept)) if len(kept) > 1 else rarest


def _share(bound: Coarse) -> float:
    """In what share of entries it may hold, at a guess that errs upward."""
    if isinstance(bound, OfFeeds):
        return 1.0
    if isinstance(bound, Term):
        return share_of_prefix(bound.text) if bound.prefix else share_of_word(bound.text)
    shares = [_share(part) for part in bound.parts]
    return sum(shares) if isinstance(bound, AnyOf) else min(shares)


def _some(count: int, bounds: Sequence[Coarse | None]) -> Coarse | None:
    """So many of n. Of any n - count + 1 of them one holds, so one of the rarest of which something can be said."""
    known = [bound for bound in bounds if bound is not None]
    if count == len(bounds):
        return _all(known)
    enough = len(bounds) - count + 1
    return _any(sorted(known, key=_share)[:enough]) if len(known) >= enough else None


def _changes(word: str, language: str) -> bool:
    return stem(word, language) != word


def _stemmed(stemmed: str, language: str) -> str:
    return f"{_STEM}{language}{_written(stemmed)}"


def _pair(one: str, two: str) -> str:
    """Two characters side by side, without their marks: a stemmer may take a mark for an ending."""
    one, two = one[:1], two[:1]
    return f"{_PAIR}{_written(one)}{_written(two)}"


def _written(word: str) -> str:
    """A folded word as it is indexed: cut, and what not every database takes for a letter escaped, each alone."""
    word = word[:_LONGEST]
    return word if word.isascii() and word.isalnum() else "".join(map(_letter, word)) or _ESCAPE


def _letter(character: str) -> str:
    # Letters since Unicode 3.2 of the first plane are letters to every tokenizer; of later ones a database may not know.
    kind = unicodedata.ucd_3_2_0.category(character)
    if ord(character) < 0x10000 and (kind[0] in "LN" or kind in {"Mn", "Mc"}):
        return character
    return f"{_ESCAPE}{ord(character):x}{_ESCAPE}"
