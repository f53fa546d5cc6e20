"""Many topics at once: the index gives what trying every clause gives, and refuses what cannot be compiled."""

import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.core.errors import ConfigError
from aggregator.core.model.topics import Clause, ClauseKind, Topic
from aggregator.core.topics.fields import EntryFields
from aggregator.core.topics.index import TopicIndex

VOCABULARY = [
    "drug",
    "drugs",
    "heroin",
    "heroine",
    "police",
    "seized",
    "seizure",
    "DEA",
    "film",
    "market",
    "नशीली",
    "尼",
    "U.S.",
]
WORDS = st.sampled_from(
    [*VOCABULARY, "+heroin", "=DEA", "seiz*", "pol*", '"drug market"', "=US", "/d.ug/i", "tag:film", "title:drug"]
)
TEXTS = st.lists(st.sampled_from([*VOCABULARY, ".", "\n\n"]), max_size=12).map(" ".join)


def _joined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pairs = st.tuples(inner, inner)
    places = st.tuples(WORDS, st.sampled_from(["NEAR/0", "NEAR/2", "ONEAR/1", "EXCEPT"]), WORDS)
    return st.one_of(
        pairs.map(lambda pair: f"({pair[0]} OR {pair[1]})"),
        pairs.map(lambda pair: f"({pair[0]} {pair[1]})"),
        pairs.map(lambda pair: f"({pair[0]} NOT {pair[1]})"),
        pairs.map(lambda pair: f"SENT({pair[0]}, {pair[1]})"),
        st.tuples(inner, inner, inner).map(lambda three: f"ATLEAST 2({', '.join(three)})"),
        places.map(lambda three: f"({three[0]} {three[1]} {three[2]})"),
    )


QUERIES = st.recursive(WORDS, _joined, max_leaves=5)
CLAUSES = st.tuples(QUERIES, st.sampled_from(list(ClauseKind)), st.sampled_from([0.5, 1.0, 3.0]))


def topics_of(definitions: list[list[tuple[str, ClauseKind, float]]]) -> list[Topic]:
    return [
        Topic(
            id=f"t{number}",
            name="T",
            clauses=(
                *(
                    Clause(name=f"c{place}", kind=kind, query=query, weight=weight)
                    for place, (query, kind, weight) in enumerate(clauses)
                ),
                Clause(name="last", kind=ClauseKind.SIGNAL, query="drug AND market"),
            ),
            languages=("en", "hi"),
        )
        for number, clauses in enumerate(definitions)
    ]


@settings(max_examples=150)
@given(
    st.lists(st.lists(CLAUSES, max_size=4), min_size=1, max_size=4),
    st.lists(st.tuples(TEXTS, TEXTS, TEXTS, st.sampled_from([None, "en", "hi", "xx"])), min_size=1, max_size=3),
)
def test_the_index_flags_what_trying_every_clause_flags(
    definitions: list[list[tuple[str, ClauseKind, float]]], entries: list[tuple[str, str, str, str | None]]
) -> None:
    topics = topics_of(definitions)
    index = TopicIndex(topics)
    for title, text, tag, language in entries:
        entry = EntryFields(title=title, text=text, tags=(tag,), language=language)
        everything = index.evaluate_all(entry)
        assert [verdict.topic_id for verdict in everything] == [topic.id for topic in topics]
        assert index.evaluate(entry) == tuple(verdict for verdict in everything if verdict.flagged)
        alone = tuple(verdict for topic in topics for verdict in TopicIndex((topic,)).evaluate(entry))
        assert index.evaluate(entry) == alone


def test_every_problem_of_every_topic_is_told_at_once() -> None:
    topics = (
        Topic(id="one", name="One", clauses=(Clause(name="a", kind=ClauseKind.SIGNAL, query="(drug"),)),
        Topic(id="two", name="Two", clauses=(Clause(name="b", kind=ClauseKind.SIGNAL, query="a NEAR b OR c"),)),
    )
    with pytest.raises(ConfigError) as caught:
        TopicIndex(topics)
    assert [problem.where for problem in caught.value.problems] == ["topic one, a, column 1", "topic two, b, column 3"]


def test_no_topics_flag_nothing() -> None:
    assert TopicIndex(()).evaluate(EntryFields(title="drugs")) == ()


def test_an_evaluation_travels_between_processes() -> None:
    topic = Topic(id="t", name="T", version=7, clauses=(Clause(name="c", kind=ClauseKind.SIGNAL, query="drug"),))
    verdicts = TopicIndex((topic,)).evaluate(EntryFields(title="Drugs"))
    assert verdicts[0].version == 7
    assert pickle.loads(pickle.dumps(verdicts)) == verdicts
