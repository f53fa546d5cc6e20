"""Why, and why not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.errors import ConfigError
from aggregator.core.model.topics import Clause, ClauseKind, Topic
from aggregator.core.topics.fields import EntryFields
from aggregator.core.topics.index import TopicIndex
from aggregator.core.topics.trace import Trace, explain

TOPIC = Topic(
    id="t",
    name="T",
    clauses=(
        Clause(name="seizures", kind=ClauseKind.SIGNAL, query="(drug* EXCEPT @firms) NEAR/2 seiz*", weight=4),
        Clause(name="sentence", kind=ClauseKind.SIGNAL, query="SENT(police, heroin)", weight=2),
        Clause(name="order", kind=ClauseKind.SIGNAL, query="seized ONEAR/2 heroin", weight=1),
        Clause(name="policy", kind=ClauseKind.CONTEXT, query="treaty NOT film", weight=2),
        Clause(name="film", kind=ClauseKind.LOWER, query="film", weight=3),
    ),
    lists=(("firms", '"drug maker*"'), ("cases", "man")),
    flag_at=4,
    alert_at=9,
    cases="lower",
)


def told(title: str = "", text: str = "") -> Trace:
    return explain(TOPIC, EntryFields(title=title, text=text))


def note(trace: Trace, name: str) -> str:
    (clause,) = (clause for clause in trace.clauses if clause.name == name)
    return next((node.note for node in (clause.tree, *clause.tree.parts) if node.note), "")


def test_a_hit_tells_its_sum() -> None:
    trace = told("Drugs seized", "a treaty and a film")
    assert trace.verdict == "not flagged: +6 seizures -3 film = 3, which is below 4"
    assert told("Drugs seized").verdict == "flagged: +6 seizures = 6, which reaches 4"


def test_a_miss_without_a_signal_says_so() -> None:
    assert told("a treaty").verdict == "not flagged: no signal fired (policy held, but counts only beside a signal)"
    assert told("weather").verdict == "not flagged: no signal fired"


def test_the_exclusion_that_killed_a_hit_is_named() -> None:
    assert note(told("Drug makers seized"), "seizures") == "every hit lies inside @firms: 'Drug makers'"


def test_words_too_far_apart_are_measured() -> None:
    assert note(told("drugs that two men seized"), "seizures") == "3 words lie between, 2 are allowed"


def test_words_in_different_fields_sentences_or_order_are_told() -> None:
    assert "different fields" in note(told("drugs", "seized"), "seizures")
    assert "different sentences" in note(told(text="Police came. Heroin went."), "sentence")
    assert "other order" in note(told(text="heroin seized"), "order")


def test_the_tree_is_told_node_by_node() -> None:
    (clause,) = (clause for clause in told(text="a treaty and a film").clauses if clause.name == "policy")
    assert not clause.tree.holds
    assert [(part.query, part.holds) for part in clause.tree.parts] == [("treaty", True), ("NOT film", False)]
    assert clause.tree.parts[1].parts[0].holds


def test_the_single_case_rule_is_a_clause_of_the_story() -> None:
    trace = told("Man: drugs seized")
    assert [(clause.name, clause.points) for clause in trace.clauses if clause.points] == [
        ("seizures", 6),
        ("cases", -2),
    ]


def test_a_topic_that_cannot_be_compiled_is_refused() -> None:
    with pytest.raises(ConfigError):
        explain(Topic(id="t", name="T"), EntryFields())


@given(
    st.lists(
        st.sampled_from(["drug", "drugs", "maker", "seized", "heroin", "police", "film", "treaty", "man", "."]),
        max_size=12,
    ).map(" ".join)
)
def test_the_story_agrees_with_the_verdict(text: str) -> None:
    entry = EntryFields(title="News", text=text)
    trace = explain(TOPIC, entry)
    (verdict,) = TopicIndex((TOPIC,)).evaluate_all(entry)
    assert (trace.score, trace.flagged, trace.alert) == (verdict.score, verdict.flagged, verdict.alert)
    assert sum(clause.points for clause in trace.clauses) == trace.score
    assert {fired.clause: fired.spans for fired in verdict.fired} == {
        clause.name: clause.spans for clause in trace.clauses if clause.points
    }
