"""The distinct words that all queries ask for, each an atom with a number, and which atoms a word of a text is.

Every word of every entry passes here, so what was answered once is remembered. A stem of another language than the
entry's is chance (Spanish makes one word of narcos and Narcan), so it counts only where the language is not known.
"""

from aggregator.core.text import fold, stem, surface_of
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
        self._cased_atoms: set[int] = set()
        self._languages: dict[int, tuple[str, ...]] = {}
        self._answers: dict[str, dict[str, tuple[int, ...]]] = {}

    def atom(self, leaf: Leaf, languages: tuple[str, ...]) -> int:
        """The number of the atom that a leaf of a query asks for; equal leaves share one."""
        key = (type(leaf).__name__, leaf.text, languages if isinstance(leaf, Word) else ())
        known = self._ids.get(key)
        if known is not None:
            return known
        atom = self._ids[key] = len(self._ids)
        self._answers.clear()
        self._costs.append(_cost(leaf))
        self._register(leaf, languages, atom)
        return atom

    def _register(self, leaf: Leaf, languages: tuple[str, ...], atom: int) -> None:
        match leaf:
            case Word(text):
                # The word itself counts even where a stemmer would take another form of it elsewhere.
                self._exact.setdefault(text, []).append(atom)
                self._languages[atom] = tuple(language.partition("-")[0].lower() for language in languages)
                for language in languages:
                    by_stem = self._stems.setdefault(language.partition("-")[0].lower(), {})
                    by_stem.setdefault(stem(text, language), []).append(atom)
            case Exact(text):
                self._exact.setdefault(text, []).append(atom)
            case Cased(text):
                self._cased.setdefault(text, []).append(atom)
                self._cased_atoms.add(atom)
            case Prefix(text):
                self._prefixes.setdefault(text, []).append(atom)
                self._longest_prefix = max(self._longest_prefix, len(text))

    def is_cased(self, atom: int) -> bool:
        """Whether the atom asks for a word in its own case."""
        return atom in self._cased_atoms

    def cost(self, atom: int) -> float:
        """How common the atom probably is: short words and prefixes are commoner than long words."""
        return self._costs[atom]

    def answers(self, language: str) -> "Answers":
        """What is known of words of entries in `language` (a primary subtag, or empty)."""
        remembered = self._answers.setdefault(language if language in self._stems else "", {})
        return Answers(self, language, remembered)

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

    __slots__ = ("_language", "_lexicon", "_remembered")

    def __init__(self, lexicon: Lexicon, language: str, remembered: dict[str, tuple[int, ...]]) -> None:
        self._lexicon = lexicon
        self._language = language
        self._remembered = remembered

    def atoms_of(self, raw: str) -> tuple[int, ...]:
        """The atoms that one raw word of a text is."""
        answer = self._remembered.get(raw)
        if answer is None:
            answer = self._lexicon.find(raw, self._language)
            if len(raw) <= _LONGEST_REMEMBERED:
                if len(self._remembered) >= _REMEMBERED:
                    self._remembered.clear()
                self._remembered[raw] = answer
        return answer


def _cost(leaf: Leaf) -> float:
    length = len(leaf.text)
    commonness = 64.0 / (length * length)
    return commonness * 3 if isinstance(leaf, Prefix) else commonness
