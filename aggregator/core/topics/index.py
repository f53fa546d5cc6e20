"""Many topics, compiled once, against one entry at a time: words of the entry look up the clauses that may hold.

It reads an entry's words once for all topics and evaluates only clauses whose words are there.
"""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from aggregator.core.errors import ConfigError, Problem
from aggregator.core.model.topics import Clause, ClauseKind, Evaluation, Topic
from aggregator.core.topics import score
from aggregator.core.topics.compile import Compiler
from aggregator.core.topics.definition import CASES, Definition, define, told
from aggregator.core.topics.document import Document
from aggregator.core.topics.fields import WORDS, EntryFields
from aggregator.core.topics.leaves import Matcher, Needs, rarest, unmet
from aggregator.core.topics.lexicon import Lexicon
from aggregator.core.topics.operators import OrMatcher
from aggregator.core.topics.tree import Within, walk


class _Way(NamedTuple):
    """One way for a signal of a topic to hold, by their numbers: with all words of `single`, one of each of `several`."""

    topic: int
    place: int
    single: frozenset[int]
    several: Needs


class TopicIndex:
    """The topics in force; reading what they say is most of the work, so a definition made before is taken as it is.

    Raises ConfigError with every problem of every topic when one cannot be compiled.
    """

    def __init__(self, topics: Sequence[Topic | Definition]) -> None:
        self._lexicon = Lexicon()
        definitions = _defined(topics)
        self._topics = tuple(CompiledTopic(definition, self._lexicon) for definition in definitions)
        self._fields = _fields_used(definitions)
        self._ways: list[_Way] = []
        self._anchored: dict[int, list[int]] = {}  # atom -> numbers of the ways that it may open
        self._unanchored: list[int] = []
        for number, topic in enumerate(self._topics):
            for place, (_, matcher) in enumerate(topic.signals):
                for needs in _ways(matcher):
                    self._anchor(number, place, needs)

    def _anchor(self, topic: int, place: int, needs: Needs) -> None:
        anchors = rarest(needs, self._lexicon)
        if anchors is None:
            self._unanchored.append(len(self._ways))
        for atom in anchors or ():
            self._anchored.setdefault(atom, []).append(len(self._ways))
        single = frozenset[int]().union(*(need for need in needs if len(need) == 1))
        several = tuple(need for need in needs if len(need) != 1 and need is not anchors)
        self._ways.append(_Way(topic, place, single, several))

    def evaluate(self, fields: EntryFields) -> tuple[Evaluation, ...]:
        """The evaluations of the topics that flag the entry, in the order of the topics."""
        document = self.read(fields)
        verdicts = []
        for number, places in self._candidates(document.atoms).items():
            verdict = self._topics[number].flag(document, places)
            if verdict is not None:
                verdicts.append(verdict)
        return tuple(verdicts)

    def _candidates(self, atoms: AbstractSet[int]) -> dict[int, list[int]]:
        """The topics of which a signal may hold in a document with these atoms, in order, each with those signals."""
        numbers = set(self._unanchored)
        for atom in atoms & self._anchored.keys():
            numbers.update(self._anchored[atom])
        wanted: dict[int, list[int]] = {}
        for number in sorted(numbers):
            topic, place, single, several = self._ways[number]
            if single <= atoms and not unmet(several, atoms):
                places = wanted.setdefault(topic, [])
                if not places or places[-1] != place:
                    places.append(place)
        return wanted

    def evaluate_all(self, fields: EntryFields) -> tuple[Evaluation, ...]:
        """The evaluation of every topic, flagged or not, each clause tried without the index."""
        document = self.read(fields)
        return tuple(topic.evaluate(document) for topic in self._topics)

    def read(self, fields: EntryFields) -> Document:
        """The entry made ready for these topics."""
        return Document(fields, self._fields, self._lexicon)

    @property
    def topics(self) -> tuple["CompiledTopic", ...]:
        """The compiled topics in order."""
        return self._topics


class CompiledTopic:
    """One topic's matchers by the kind of their clauses."""

    def __init__(self, definition: Definition, lexicon: Lexicon) -> None:
        self.topic = definition.topic
        compiler = Compiler(lexicon, definition.lists, definition.topic.languages)
        compiled = [(clause, compiler.matcher(node)) for clause, node in definition.clauses]
        self.signals = tuple(pair for pair in compiled if pair[0].kind is ClauseKind.SIGNAL)
        self.others = tuple(pair for pair in compiled if pair[0].kind is not ClauseKind.SIGNAL)
        self.cases = compiler.matcher(definition.lists[CASES]) if definition.topic.cases != "yes" else None
        self._most = [score.most_points(clause, matcher.most_boost) for clause, matcher in self.signals]
        self._context = [
            (score.most_points(clause, matcher.most_boost), matcher.needs)
            for clause, matcher in self.others
            if clause.kind is ClauseKind.CONTEXT
        ]
        self._most_context = sum(most for most, _ in self._context)
        self._enough = score.least_sum(self.topic)

    def flag(self, document: Document, places: Sequence[int]) -> Evaluation | None:
        """The verdict when the topic flags the document, of which only the signals numbered `places` may hold.

        It gives up as soon as what may still be added cannot reach flag_at, and proves only what is flagged.
        """
        if not self._can_reach(sum(self._most[place] for place in places), document):
            return None
        signals = [hit for place in places if (hit := _try(self.signals[place], document)) is not None]
        reached = sum(held.points for held in signals)
        if not signals or not self._can_reach(reached, document):
            return None
        others = self._try_others(document)
        if reached + sum(held.points for held in others) < self._enough:
            return None
        verdict = self._verdict([*signals, *others], document)
        return verdict if verdict.flagged else None

    def _can_reach(self, points: float, document: Document) -> bool:
        """Whether signals of so many points may flag, with all the context that the document's words allow."""
        if points >= self._enough:
            return True
        if points + self._most_context < self._enough:
            return False
        beside = sum(most for most, needs in self._context if not unmet(needs, document.atoms))
        return points + beside >= self._enough

    def evaluate(self, document: Document) -> Evaluation:
        """The verdict, with every clause tried."""
        signals = [hit for pair in self.signals if (hit := _try(pair, document)) is not None]
        return self._verdict([*signals, *self._try_others(document)] if signals else [], document)

    def _try_others(self, document: Document) -> list[score.Held]:
        return [hit for pair in self.others if (hit := _try(pair, document)) is not None]

    def _verdict(self, clauses: Sequence[score.Held], document: Document) -> Evaluation:
        fired = [held.fired(document) for held in clauses]
        hits = self.cases.match(document) if fired and self.cases is not None else None
        if hits is not None:
            fired.append(score.single_case(self.topic, sum(held.points for held in clauses), hits, document))
        return score.evaluation(self.topic, fired)


def _ways(matcher: Matcher) -> list[Needs]:
    """The needs of a signal, apart for each alternative that needs several words at once."""
    if not isinstance(matcher, OrMatcher) or not all(part.needs for part in matcher.parts):
        return [matcher.needs]
    together = [part.needs for part in matcher.parts if len(part.needs) > 1]
    alone = frozenset[int]().union(*(part.needs[0] for part in matcher.parts if len(part.needs) == 1))
    return [*together, (alone,)] if alone else together


def _try(pair: tuple[Clause, Matcher], document: Document) -> score.Held | None:
    clause, matcher = pair
    hits = matcher.match(document)
    return None if hits is None else score.held(clause, hits)


def _defined(topics: Sequence[Topic | Definition]) -> list[Definition]:
    definitions: list[Definition] = []
    problems: list[Problem] = []
    for topic in topics:
        definition = topic if isinstance(topic, Definition) else define(topic)
        if isinstance(definition, Definition):
            definitions.append(definition)
        elif isinstance(topic, Topic):
            problems += [told(topic, problem) for problem in definition]
    if problems:
        raise ConfigError(problems)
    return definitions


def _fields_used(definitions: Iterable[Definition]) -> tuple[str, ...]:
    used = set(WORDS)
    for definition in definitions:
        for root in (*(node for _, node in definition.clauses), *definition.lists.values()):
            used |= {node.field for node in walk(root) if isinstance(node, Within)}
    return (*WORDS, *sorted(used - set(WORDS)))
