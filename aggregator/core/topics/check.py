"""A topic before it is used: everything wrong with it, and how it does on its own inline tests."""

from dataclasses import dataclass
from functools import lru_cache

from aggregator.core.model.topics import Fired, Topic, TopicTest
from aggregator.core.topics.definition import Definition, TopicProblem, define
from aggregator.core.topics.fields import EntryFields
from aggregator.core.topics.index import TopicIndex

__all__ = ["TestOutcome", "TopicProblem", "problems", "run_tests"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TestOutcome:
    """What a topic says of one of its tests, and whether that is what the test wants."""

    __test__ = False  # not a test case of pytest's

    test: TopicTest
    flagged: bool
    score: float
    passed: bool
    fired: tuple[Fired, ...]


@lru_cache(maxsize=10_000)  # a list of topics is checked whole each time that one of them changes
def problems(topic: Topic) -> tuple[TopicProblem, ...]:
    """Everything that keeps the topic from being compiled, in the order of the topic; empty when it is sound."""
    definition = define(topic)
    return () if isinstance(definition, Definition) else definition


def run_tests(topic: Topic) -> tuple[TestOutcome, ...]:
    """The outcome of each inline test. Raises ConfigError when the topic cannot be compiled."""
    index = TopicIndex((topic,))
    outcomes = []
    for test in topic.tests:
        (verdict,) = index.evaluate_all(EntryFields(title=test.title, text=test.text))
        outcomes.append(
            TestOutcome(
                test=test,
                flagged=verdict.flagged,
                score=verdict.score,
                passed=verdict.flagged == test.flag,
                fired=verdict.fired,
            )
        )
    return tuple(outcomes)
