"""How fired clauses make a score and a verdict."""

import pytest

from aggregator.core.model.topics import Clause, ClauseKind, Evaluation, Topic
from aggregator.core.topics.fields import EntryFields
from aggregator.core.topics.index import TopicIndex
from aggregator.core.topics.score import MAX_SPANS

CLAUSES = (
    Clause(name="seizure", kind=ClauseKind.SIGNAL, query="cocaine", weight=4),
    Clause(name="policy", kind=ClauseKind.CONTEXT, query="treaty", weight=2),
    Clause(name="film", kind=ClauseKind.LOWER, query="film", weight=3),
)


def judged(title: str = "", text: str = "", *, cases: str = "yes") -> Evaluation:
    topic = Topic(
        id="t", name="T", clauses=CLAUSES, lists=(("cases", "man ONEAR/1 jailed"),), flag_at=4, alert_at=8, cases=cases
    )
    (verdict,) = TopicIndex((topic,)).evaluate_all(EntryFields(title=title, text=text))
    return verdict


def test_a_signal_counts_half_as_much_again_in_the_title() -> None:
    assert judged(text="cocaine").score == 4
    assert judged(title="Cocaine").score == 6


def test_a_clause_counts_once_however_often_it_fires() -> None:
    assert judged(text="cocaine cocaine cocaine").score == 4


def test_context_counts_only_beside_a_signal() -> None:
    assert judged(text="a treaty").score == 0
    assert judged(text="a treaty on cocaine").score == 6


def test_lower_takes_points_and_vetoes_nothing() -> None:
    verdict = judged(text="a film on cocaine")
    assert (verdict.score, verdict.flagged) == (1, False)
    assert judged(title="Cocaine treaty", text="a treaty, a film").flagged


def test_the_points_of_the_fired_clauses_sum_to_the_score() -> None:
    verdict = judged(title="Cocaine", text="a treaty and a film")
    assert [(fired.clause, fired.points) for fired in verdict.fired] == [("seizure", 6), ("policy", 2), ("film", -3)]
    assert verdict.score == 5


def test_an_alert_is_a_flag_with_more_points() -> None:
    assert (judged(text="cocaine").flagged, judged(text="cocaine").alert) == (True, False)
    assert judged(title="Cocaine treaty").alert


@pytest.mark.parametrize(("cases", "score", "flagged"), [("yes", 6, True), ("lower", 4, True), ("no", 0, False)])
def test_news_of_a_single_offender_counts_as_the_topic_says(cases: str, score: float, flagged: bool) -> None:
    verdict = judged(title="Man jailed over cocaine", cases=cases)
    assert (verdict.score, verdict.flagged) == (score, flagged)


def test_spans_are_bounded_unique_and_title_first() -> None:
    spans = judged(title="Cocaine", text="cocaine " * 50).fired[0].spans
    assert len(spans) == len(set(spans)) == MAX_SPANS
    assert spans[0].field == "title"
