"""Two hundred queries that cannot be used: each is told where it is wrong, what is wrong, and what would be right."""

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from aggregator.core.model.topics import Clause, ClauseKind, Topic
from aggregator.core.topics.check import problems

GROUPS = YAML(typ="safe").load((Path(__file__).with_name("bad_queries.yaml")).read_text(encoding="utf-8"))
CASES = [pytest.param(case, id=case["query"]) for group in GROUPS.values() for case in group]
LISTS = (("both", "x AND y"), ("drugs", "cocaine OR heroin"))


def test_there_are_two_hundred_of_them_and_none_twice() -> None:
    queries = [case["query"] for group in GROUPS.values() for case in group]
    assert len(queries) == len(set(queries)) >= 200


@pytest.mark.parametrize("case", CASES)
def test_a_bad_query_is_told_by_column_with_what_would_be_right(case: dict[str, str]) -> None:
    query = case["query"].replace("¦", "")
    topic = Topic(id="t", name="T", clauses=(Clause(name="c", kind=ClauseKind.SIGNAL, query=query),), lists=LISTS)
    problem = problems(topic)[0]
    assert (problem.clause, problem.column) == ("c", case["query"].index("¦") + 1)
    assert case["says"] in problem.message
    assert problem.hint
