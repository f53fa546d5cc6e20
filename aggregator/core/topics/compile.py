"""Sound trees to matchers: words become atoms of one lexicon, fields are pushed down to the words, lists are shared."""

from collections.abc import Mapping, Sequence
from typing import assert_never

from aggregator.core.topics import leaves, operators, tree
from aggregator.core.topics.fields import WORDS
from aggregator.core.topics.leaves import Matcher
from aggregator.core.topics.lexicon import Lexicon
from aggregator.core.topics.regexes import compile_pattern


class Compiler:
    """Makes the matchers of one topic. Equal words of all topics share atoms through the lexicon."""

    def __init__(self, lexicon: Lexicon, lists: Mapping[str, tree.Node], languages: tuple[str, ...]) -> None:
        self._lexicon = lexicon
        self._lists = lists
        self._languages = languages
        self._made: dict[tuple[str, Sequence[str]], Matcher] = {}

    def matcher(self, node: tree.Node, fields: Sequence[str] = WORDS) -> Matcher:
        """The matcher of a node whose words are looked for in `fields`."""
        match node:
            case tree.Word() | tree.Exact() | tree.Cased() | tree.Prefix():
                atom = self._lexicon.atom(node, self._languages)
                return leaves.WordMatcher(
                    node, atom, self._lexicon.all_of(atom), fields, cased=isinstance(node, tree.Cased)
                )
            case tree.Phrase(parts):
                cased = isinstance(parts[0], tree.Cased)
                atoms = tuple(self._lexicon.atom(part, self._languages) for part in parts)
                return leaves.PhraseMatcher(node, atoms, self._lexicon.all_of(*atoms), fields, cased=cased)
            case tree.Pattern(text, ignore_case):
                return leaves.PatternMatcher(node, compile_pattern(text, ignore_case=ignore_case), fields)
            case tree.Ref(name):
                return leaves.ListMatcher(node, self._list(name, fields))
            case tree.Within(name, part):
                return operators.WithinMatcher(node, (self.matcher(part, (name,)),))
            case _:
                return self._operator(node, fields)

    def _operator(  # noqa: PLR0911 - one line for each operator
        self,
        node: tree.Or | tree.And | tree.Not | tree.Near | tree.Except | tree.AtLeast | tree.Sentence | tree.Boost,
        fields: Sequence[str],
    ) -> Matcher:
        parts = tuple(self.matcher(part, fields) for part in tree.children(node))
        match node:
            case tree.Or():
                return operators.OrMatcher(node, parts, self._lexicon)
            case tree.And():
                return operators.AndMatcher(node, parts)
            case tree.Not():
                return operators.NotMatcher(node, parts)
            case tree.Near():
                return operators.NearMatcher(node, parts)
            case tree.Except():
                return operators.ExceptMatcher(node, parts)
            case tree.AtLeast():
                return operators.AtLeastMatcher(node, parts, self._lexicon)
            case tree.Sentence():
                return operators.SentenceMatcher(node, parts, fields)
            case tree.Boost():
                return operators.BoostMatcher(node, parts)
            case _:
                assert_never(node)

    def _list(self, name: str, fields: Sequence[str]) -> Matcher:
        key = (name, fields)
        if key not in self._made:
            self._made[key] = self.matcher(self._lists[name], fields)
        return self._made[key]
