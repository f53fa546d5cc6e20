"""Many topics, compiled once, against one entry at a time: words of the entry look up the clauses that may hold.

It reads an entry's words once for all topics and evaluates only clauses of which a rare word is there.
"""

from collections.abc import Iterable, Sequence

from aggregator.core.errors import ConfigError, Problem
from aggregator.core.model.topics import Clause, ClauseKind, Evaluation, Fired, Topic
from aggregator.core.topics import score
from aggregator.core.topics.compile import Compiler
from aggregator.core.topics.definition import CASES, Definition, TopicProblem, define
from aggregator.core.topics.document import Document
from aggregator.core.topics.fields import WORDS, EntryFields
from aggregator.core.topics.leaves import Matcher
from aggregator.core.topics.lexicon import Lexicon
from aggregator.core.topics.tree import Within, walk


class TopicIndex:
    """The topics in force. Raises ConfigError with every problem of every topic when one cannot be compiled."""

    def __init__(self, topics: Sequence[Topic]) -> None:
        self._lexicon = Lexicon()
        definitions = _defined(topics)
        self._topics = tuple(CompiledTopic(definition, self._lexicon) for definition in definitions)
        self._fields = _fields_used(definitions)
        self._anchored: dict[int, list[tuple[int, int]]] = {}  # atom -> (topic, signal) that it may make hold
        self._unanchored: list[tuple[int, int]] = []
        for number, topic in enumerate(self._topics):
            self._anchor(number, topic)

    def _anchor(self, number: int, topic: "CompiledTopic") -> None:
        for place, (_, matcher) in enumerate(topic.signals):
            anchors = matcher.anchors(self._lexicon)
            if anchors is None:
                self._unanchored.append((number, place))
            else:
                for atom in anchors:
                    self._anchored.setdefault(atom, []).append((number, place))

    def evaluate(self, fields: EntryFields) -> tuple[Evaluation, ...]:
        """The evaluations of the topics that flag the entry, in the order of the topics."""
        document = self.read(fields)
        wanted: dict[int, set[int]] = {}
        for text in document.fields.values():
            for atom in text.places:
                for number, place in self._anchored.get(atom, ()):
                    wanted.setdefault(number, set()).add(place)
        for number, place in self._unanchored:
            wanted.setdefault(number, set()).add(place)
        verdicts = []
        for number in sorted(wanted):
            topic = self._topics[number]
            clauses = topic.fire(document, sorted(wanted[number]))
            if clauses and (verdict := score.evaluation(topic.topic, clauses)).flagged:
                verdicts.append(verdict)
        return tuple(verdicts)

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

    def fire(self, document: Document, places: Iterable[int]) -> list[Fired]:
        """What fires, trying the signals numbered `places`; the other clauses only when one of these does."""
        clauses = [hit for place in places if (hit := _try(self.signals[place], document)) is not None]
        if clauses:
            clauses += [hit for pair in self.others if (hit := _try(pair, document)) is not None]
            hits = self.cases.match(document) if self.cases is not None else None
            if hits is not None:
                clauses.append(score.single_case(self.topic, clauses, hits, document))
        return clauses

    def evaluate(self, document: Document) -> Evaluation:
        """The verdict, with every clause tried."""
        return score.evaluation(self.topic, self.fire(document, range(len(self.signals))))


def _try(pair: tuple[Clause, Matcher], document: Document) -> Fired | None:
    clause, matcher = pair
    hits = matcher.match(document)
    return None if hits is None else score.fired(clause, hits, document)


def _defined(topics: Sequence[Topic]) -> list[Definition]:
    definitions: list[Definition] = []
    problems: list[Problem] = []
    for topic in topics:
        definition = define(topic)
        if isinstance(definition, Definition):
            definitions.append(definition)
        else:
            problems += [_told(topic, problem) for problem in definition]
    if problems:
        raise ConfigError(problems)
    return definitions


def _told(topic: Topic, problem: TopicProblem) -> Problem:
    clause = f", {problem.clause}, column {problem.column}" if problem.clause else ""
    return Problem(where=f"topic {topic.id}{clause}", message=problem.message, hint=problem.hint)


def _fields_used(definitions: Iterable[Definition]) -> tuple[str, ...]:
    used = set(WORDS)
    for definition in definitions:
        for root in (*(node for _, node in definition.clauses), *definition.lists.values()):
            used |= {node.field for node in walk(root) if isinstance(node, Within)}
    return (*WORDS, *sorted(used - set(WORDS)))
