"""The distinct words that all queries ask for, each an atom with a number, and which atoms a word of a text is.

Every word of every entry passes here, so what was answered once is remembered. A stem of another language than the
entry's is chance (Spanish makes one word of narcos and Narcan), so it counts only where the language is not known.
"""

from aggregator.core.text import fold, primary, raw_words, stem, surface_of
from aggregator.core.topics.frequencies import share_of_prefix, share_of_stem, share_of_word
from aggregator.core.topics.tree import Cased, Exact, Leaf, Prefix, Word

_REMEMBERED = 60_000  # words; news in one language uses fewer
_LONGEST_REMEMBERED = 40


class Lexicon:
    """Atoms by the way they are compared. `languages` are those of the topics seen so far."""

    def __init__(self) -> None:
        self._ids: dict[tuple[str, str, tuple[str, ...]], int] = {}
        self._exact: dict[str, list[int]] = {}
        self._cased: dict[str, list[int]] = {}
        self._prefixes: dict[str, list[int]] = {}
        self._stems: dict[str, dict[str, list[int]]] = {}
        self._longest_prefix = 0
        self._costs: list[float] = []
        self._alone: list[frozenset[int]] = []
        self._languages: dict[int, tuple[str, ...]] = {}
        self._answers: dict[str, Answers] = {}

    def atom(self, leaf: Leaf, languages: tuple[str, ...]) -> int:
        """The number of the atom that a leaf of a query asks for; equal leaves share one."""
        key = (type(leaf).__name__, leaf.text, languages if isinstance(leaf, Word) else ())
        known = self._ids.get(key)
        if known is not None:
            return known
        atom = self._ids[key] = len(self._ids)
        self._answers.clear()
        self._alone.append(frozenset((atom,)))
        self._costs.append(_cost(leaf, languages))
        self._register(leaf, languages, atom)
        return atom

    def _register(self, leaf: Leaf, languages: tuple[str, ...], atom: int) -> None:
        match leaf:
            case Word(text):
                # The word itself counts even where a stemmer would take another form of it elsewhere.
                self._exact.setdefault(text, []).append(atom)
                self._languages[atom] = tuple(map(primary, languages))
                for language in languages:
                    by_stem = self._stems.setdefault(primary(language), {})
                    by_stem.setdefault(stem(text, language), []).append(atom)
            case Exact(text):
                self._exact.setdefault(text, []).append(atom)
            case Cased(text):
                self._cased.setdefault(text, []).append(atom)
            case Prefix(text):
                self._prefixes.setdefault(text, []).append(atom)
                self._longest_prefix = max(self._longest_prefix, len(text))

    def all_of(self, *atoms: int) -> tuple[frozenset[int], ...]:
        """Each of these atoms as a set of its own, once. Equal sets are shared: there are as many as words in queries."""
        return tuple(self._alone[atom] for atom in dict.fromkeys(atoms))

    def cost(self, atom: int) -> float:
        """In what share of entries the atom probably stands."""
        return self._costs[atom]

    def answers(self, language: str) -> "Answers":
        """What is known of words of entries in `language` (a primary subtag, or empty)."""
        key = language if language in self._stems else ""
        if key not in self._answers:
            self._answers[key] = Answers(self, language)
        return self._answers[key]

    def find(self, raw: str, language: str) -> tuple[int, ...]:
        """The atoms that one raw word of an entry in `language` is."""
        surface = surface_of(raw)
        folded = fold(surface)
        found = {*self._exact.get(folded, ()), *self._cased.get(surface, ())}
        for length in range(3, min(len(folded), self._longest_prefix) + 1):
            found.update(self._prefixes.get(folded[:length], ()))
        for stemmed_in, by_stem in self._stems.items():
            for atom in by_stem.get(stem(folded, stemmed_in), ()):
                if stemmed_in == language or language not in self._languages[atom]:
                    found.add(atom)
        return tuple(sorted(found))


class Answers:
    """The atoms of words in one language, remembered from entry to entry."""

    __slots__ = ("_chunks", "_language", "_lexicon", "_silent", "_words")

    def __init__(self, lexicon: Lexicon, language: str) -> None:
        self._lexicon = lexicon
        self._language = language
        self._words: dict[str, tuple[int, ...]] = {}
        self._chunks: dict[str, tuple[int, ...]] = {}
        self._silent: set[str] = set()

    def atoms_in(self, text: str) -> set[int]:
        """The atoms of all words of a text. What stands between white space is known as a whole, so no word is cut out."""
        found: set[int] = set()
        for chunk in set(text.split()) - self._silent:
            atoms = self._chunks.get(chunk)
            found.update(self._learn(chunk) if atoms is None else atoms)
        return found

    def of(self, raw: str) -> tuple[int, ...]:
        """The atoms that one raw word of a text is."""
        answer = self._words.get(raw)
        if answer is None:
            answer = self._lexicon.find(raw, self._language)
            if len(raw) <= _LONGEST_REMEMBERED:
                if len(self._words) >= _REMEMBERED:
                    self._words.clear()
                self._words[raw] = answer
        return answer

    def _learn(self, chunk: str) -> tuple[int, ...]:
        atoms = tuple({atom for raw in raw_words(chunk) for atom in self.of(raw)})
        if len(chunk) <= _LONGEST_REMEMBERED:
            if len(self._chunks) + len(self._silent) >= _REMEMBERED:
                self._chunks.clear()
                self._silent.clear()
            if atoms:
                self._chunks[chunk] = atoms
            else:
                self._silent.add(chunk)
        return atoms


def _cost(leaf: Leaf, languages: tuple[str, ...]) -> float:
    match leaf:
        case Word(text):
            return share_of_stem(text, languages[0] if languages else "")
        case Prefix(text):
            return share_of_prefix(text)
        case _:
            return share_of_word(leaf.text.lower())
