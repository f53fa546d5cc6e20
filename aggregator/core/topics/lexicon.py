"""The distinct words that all queries ask for, each an atom with a number, and which atoms a word of a text is.

Every word of every entry passes here, so what was answered once is remembered.
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
        self._answers: dict[str, tuple[int, ...]] = {}

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
                for language in languages:
                    by_stem = self._stems.setdefault(language, {})
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

    def atoms_of(self, raw: str) -> tuple[int, ...]:
        """The atoms that one raw word of a text is."""
        answer = self._answers.get(raw)
        if answer is None:
            answer = self._find(raw)
            if len(raw) <= _LONGEST_REMEMBERED:
                if len(self._answers) >= _REMEMBERED:
                    self._answers.clear()
                self._answers[raw] = answer
        return answer

    def _find(self, raw: str) -> tuple[int, ...]:
        surface = surface_of(raw)
        folded = fold(surface)
        found = [*self._exact.get(folded, ()), *self._cased.get(surface, ())]
        for length in range(3, min(len(folded), self._longest_prefix) + 1):
            found += self._prefixes.get(folded[:length], ())
        for language, by_stem in self._stems.items():
            found += by_stem.get(stem(folded, language), ())
        return tuple(sorted(set(found)))


def _cost(leaf: Leaf) -> float:
    length = len(leaf.text)
    commonness = 64.0 / (length * length)
    return commonness * 3 if isinstance(leaf, Prefix) else commonness
