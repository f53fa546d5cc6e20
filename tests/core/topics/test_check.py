"""What is said of a topic before it is used."""

import math
from dataclasses import replace

import pytest

from aggregator.core.model.topics import Clause, ClauseKind, Topic, TopicTest
from aggregator.core.topics.check import problems, run_tests

SOUND = Topic(id="t", name="T", clauses=(Clause(name="c", kind=ClauseKind.SIGNAL, query="drug"),))


def told(query: str, **lists: str) -> list[tuple[str, int, str]]:
    topic = replace(SOUND, clauses=(Clause(name="c", kind=ClauseKind.SIGNAL, query=query),), lists=tuple(lists.items()))
    return [(problem.clause, problem.column, problem.message) for problem in problems(topic)]


def test_a_sound_topic_has_no_problems() -> None:
    assert problems(SOUND) == ()


def test_a_regular_expression_has_a_longest_length() -> None:
    ((clause, at, message),) = told("drug OR /" + "a" * 501 + "/")
    assert (clause, at) == ("c", 9)
    assert "at most 500" in message


def test_an_unknown_list_names_its_nearest_neighbour() -> None:
    topic = replace(SOUND, clauses=(Clause(name="c", kind=ClauseKind.SIGNAL, query="@drug"),), lists=(("drugs", "x"),))
    assert problems(topic)[0].hint == "did you mean @drugs?"


def test_a_wrong_list_is_told_under_its_own_name_only() -> None:
    assert [(clause, column) for clause, column, _ in told("a @l", l="(x")] == [("@l", 1)]


def test_lists_that_run_in_a_circle_are_told() -> None:
    assert [clause for clause, _, _ in told("@a", a="x OR @b", b="@a")] == ["@a", "@b"]
    assert [clause for clause, _, _ in told("@a", a="x OR @a")] == ["@a"]


def test_lists_inside_lists_cost_no_more_than_they_are_long() -> None:
    lists = {"l0": "drug", **{f"l{n}": f"@l{n - 1} OR @l{n - 1}" for n in range(1, 30)}}
    topic = replace(
        SOUND, clauses=(Clause(name="c", kind=ClauseKind.SIGNAL, query="@l29"),), lists=tuple(lists.items())
    )
    assert problems(topic) == ()


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"clauses": ()}, "no signal"),
        ({"clauses": (Clause(name="c", kind=ClauseKind.CONTEXT, query="drug"),)}, "no signal"),
        ({"clauses": SOUND.clauses * 2}, "two clauses are named 'c'"),
        ({"flag_at": 0}, "flag_at"),
        ({"flag_at": math.nan}, "flag_at"),
        ({"flag_at": 5, "alert_at": 5}, "nothing can reach"),
        ({"alert_at": 0.5}, "below flag_at"),
        ({"alert_at": math.nan}, "alert_at"),
        ({"cases": "maybe"}, "cases is 'maybe'"),
        ({"cases": "no"}, "needs a list named cases"),
        ({"lists": (("a b", "x"),)}, "cannot name a list"),
        ({"clauses": (Clause(name="c", kind=ClauseKind.SIGNAL, query="x", weight=-1),)}, "weight"),
    ],
)
def test_what_is_wrong_beside_the_queries_is_told(change: dict[str, object], word: str) -> None:
    assert any(word in problem.message for problem in problems(replace(SOUND, **change)))  # type: ignore[arg-type]  # any field


def test_all_problems_are_told_at_once() -> None:
    clauses = tuple(
        Clause(name=f"c{n}", kind=ClauseKind.SIGNAL, query=query) for n, query in enumerate(["(", "a", "b*"])
    )
    assert [problem.clause for problem in problems(replace(SOUND, clauses=clauses))] == ["c0", "c2"]


def test_inline_tests_are_run() -> None:
    topic = replace(SOUND, tests=(TopicTest(flag=True, title="Drugs"), TopicTest(flag=True, title="News")))
    passed, failed = run_tests(topic)
    assert (passed.passed, passed.flagged, passed.score) == (True, True, 1.5)
    assert [fired.clause for fired in passed.fired] == ["c"]
    assert (failed.passed, failed.flagged, failed.score) == (False, False, 0)
