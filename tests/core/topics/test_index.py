"""Many topics at once: the index gives what trying every clause gives, and refuses what cannot be compiled."""

import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.core.errors import ConfigError
from aggregator.core.model.topics import Clause, ClauseKind, Topic
from aggregator.core.text import fold, raw_words, surface_of
from aggregator.core.topics.fields import EntryFields
from aggregator.core.topics.index import TopicIndex
from aggregator.core.topics.leaves import unmet
from aggregator.core.topics.lexicon import Lexicon
from aggregator.core.topics.tree import Exact

VOCABULARY = [
    "drug", "drugs", "heroin", "heroine", "police", "seized", "seizure", "DEA", "film", "market", "नशीली", "तस्करी", "尼",
    "芬太尼", "U.S.", "U.S", "narco-terror", "police's", "l\u2019Opium", "\u201cdrug\u201d,", "co_drug", "hero\u00adin", "\uff44\uff52\uff55\uff47", "ÉTAT",
]  # fmt: skip
QUERIED = [
    "drug", "drugs", "heroin", "heroine", "police", "seized", "seizure", "film", "market", "नशीली", "尼", "芬太尼", "etat", "+heroin",
    "=DEA", "seiz*", "pol*", "mar*", '"drug market"', '"narco terror*"', '+"seized drugs"', "=US", "/d.ug/i", "tag:film",
    "title:drug", "body:(drug OR police)", "author:police", "@words", "title:@words", "drug^2", "heroin^0.5", "(=DEA)^3",
]  # fmt: skip
WORDS = st.sampled_from(QUERIED)
TEXTS = st.lists(
    st.sampled_from([*VOCABULARY, ".", "\n\n", "-", "The post drug appeared first on film"]), max_size=12
).map(" ".join)


def _joined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pairs = st.tuples(inner, inner)
    placed = WORDS.map(lambda word: f"({word} OR film)")
    places = st.tuples(WORDS | placed, st.sampled_from(["NEAR/0", "NEAR/2", "ONEAR/1", "EXCEPT"]), WORDS | placed)
    some = st.tuples(st.integers(1, 3), inner, inner, inner)
    return st.one_of(
        pairs.map(lambda pair: f"({pair[0]} OR {pair[1]})"),
        pairs.map(lambda pair: f"({pair[0]} {pair[1]})"),
        pairs.map(lambda pair: f"({pair[0]} NOT {pair[1]})"),
        pairs.map(lambda pair: f"SENT({pair[0]}, {pair[1]})"),
        some.map(lambda four: f"ATLEAST {four[0]}({', '.join(four[1:])})"),
        places.map(lambda three: f"({three[0]} {three[1]} {three[2]})"),
        inner.map(lambda one: f"({one})^2"),
    )


QUERIES = st.recursive(WORDS, _joined, max_leaves=6)
CLAUSES = st.tuples(QUERIES, st.sampled_from(list(ClauseKind)), st.sampled_from([0.5, 1.0, 3.0]))
ENTRIES = st.builds(
    lambda title, text, word, language: EntryFields(
        title=title, text=text, tags=(word,), authors=(word,), language=language
    ),
    TEXTS, TEXTS, TEXTS, st.sampled_from([None, "en", "hi", "xx"]),
)  # fmt: skip


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
                Clause(name="last", kind=ClauseKind.SIGNAL, query="drug AND market", weight=3),
            ),
            lists=(("words", 'drugs OR "drug market"'), ("cases", "film NEAR/2 police")),
            languages=("en", "hi"),
            flag_at=(1.0, 2.0, 4.5)[number % 3],
            alert_at=4.5,
            cases=("lower", "no", "yes")[number % 3],
        )
        for number, clauses in enumerate(definitions)
    ]


@settings(max_examples=150)
@given(st.lists(st.lists(CLAUSES, max_size=4), min_size=1, max_size=4), st.lists(ENTRIES, min_size=1, max_size=3))
def test_the_index_flags_what_trying_every_clause_flags(
    definitions: list[list[tuple[str, ClauseKind, float]]], entries: list[EntryFields]
) -> None:
    topics = topics_of(definitions)
    index = TopicIndex(topics)
    for entry in entries:
        everything = index.evaluate_all(entry)
        assert [verdict.topic_id for verdict in everything] == [topic.id for topic in topics]
        assert index.evaluate(entry) == tuple(verdict for verdict in everything if verdict.flagged)
        alone = tuple(verdict for topic in topics for verdict in TopicIndex((topic,)).evaluate(entry))
        assert index.evaluate(entry) == alone


@settings(max_examples=150)
@given(QUERIES, ENTRIES)
def test_no_query_holds_without_the_words_it_needs_nor_boosts_more_than_it_may(query: str, entry: EntryFields) -> None:
    index = TopicIndex(topics_of([[(query, ClauseKind.SIGNAL, 1.0)]]))
    (compiled,) = index.topics
    _, matcher = compiled.signals[0]
    document = index.read(entry)
    hits = matcher.match(document)
    if hits is not None:
        assert not unmet(matcher.needs, document.atoms)
        assert max((hit.boost for hit in hits), default=1.0) <= matcher.most_boost


ODD = st.text(alphabet="drugDRUGs sS.'\u2019_-尼ก\u0301\u00ad\u200b\u2060é²ß“,;:\n\t\x1f\x85\xa0\u3000", max_size=30)


@settings(max_examples=300)
@given(ODD)
def test_what_stands_between_white_space_holds_the_words_that_the_text_holds(text: str) -> None:
    lexicon = Lexicon()
    for raw in raw_words(text):
        lexicon.atom(Exact(fold(surface_of(raw))), ())
    expected = {atom for raw in raw_words(text) for atom in lexicon.find(raw, "en")}
    assert lexicon.answers("en").atoms_in(text) == expected


def test_a_topic_flags_through_context_that_makes_up_for_a_weak_signal() -> None:
    topic = Topic(
        id="t",
        name="T",
        flag_at=3,
        alert_at=3,
        clauses=(
            Clause(name="weak", kind=ClauseKind.SIGNAL, query="drug"),
            Clause(name="beside", kind=ClauseKind.CONTEXT, query="police AND seized", weight=2),
            Clause(name="against", kind=ClauseKind.LOWER, query="film", weight=0.5),
        ),
    )
    index = TopicIndex((topic,))
    assert [verdict.score for verdict in index.evaluate(EntryFields(text="Police seized the drug."))] == [3]
    assert index.evaluate(EntryFields(text="Police found the drug.")) == ()
    assert index.evaluate(EntryFields(text="Police seized the drug, says the film.")) == ()
    (again,) = index.evaluate(EntryFields(title="Drug seized by police", text="The film is another one."))
    assert again.score == 3.0


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
