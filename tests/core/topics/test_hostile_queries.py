"""A query costs little to check and an entry little to read, whatever stands in them; steps are counted, not time."""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.core.model.topics import Clause, ClauseKind, Topic
from aggregator.core.topics.check import problems
from aggregator.core.topics.fields import EntryFields
from aggregator.core.topics.index import TopicIndex
from aggregator.core.topics.mistakes import MAX_DEPTH, MAX_LENGTH, MAX_NEARS, MAX_PARTS, MAX_PATTERNS

MOST_STEPS = 400_000  # calls of functions: some 50 ms


def told(query: str) -> tuple[int, str]:
    """The column and message of the first thing wrong with a query, column 0 for nothing."""
    topic = Topic(id="t", name="T", clauses=(Clause(name="c", kind=ClauseKind.SIGNAL, query=query),))
    return next(((problem.column, problem.message) for problem in problems(topic)), (0, ""))


def steps_of(act: Callable[[], Any]) -> int:
    counted = 0

    def count(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal counted
        counted += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        act()
    finally:
        sys.setprofile(before)
    return counted


LONGEST = {
    "words": "ab " * MAX_PARTS,
    "alternatives": "ab OR " * (MAX_PARTS // 2 - 1) + "ab",
    "phrases": '"a" ' * (MAX_PARTS // 2),
    "one phrase": '"' + "ab " * 6_000 + '"',
    "hyphens": "a-" * 9_000 + "a",
    "characters without spaces": "尼" * 19_000,
    "fields": "title:a " * (MAX_PARTS // 3),
    "weights": "a^2 " * (MAX_PARTS // 3),
    "exclusions": "(a EXCEPT b) " * (MAX_PARTS // 5),
    "absences": "a NOT b " * (MAX_PARTS // 3),
    "parts": "ATLEAST 1(" + "ab," * (MAX_PARTS // 2 - 4) + "ab)",
    "nears": "a NEAR/1 b OR " * MAX_NEARS + "c",
    "nears of nears": " NEAR/1 ".join(["ab"] * MAX_NEARS),
    "depth": "(" * MAX_DEPTH + "a" + ")" * MAX_DEPTH,
    "depth with operators": "SENT(NOT (" * (MAX_DEPTH // 2) + "a" + "))" * (MAX_DEPTH // 2),
    "patterns": r"/(\pL{20}){9}/ " * MAX_PATTERNS,
    "digits": "1" * 19_999,
    "quotation marks": 'a"' * 9_999,
    "comments": "#" * 19_999,
    "a mistake at the end": "ab " * (MAX_PARTS - 1) + "OR",
    "slashes": "/a" * 9_999,
    "backslashes": "/" + "\\\\" * 9_000,
    "stars": "a*" * 9_999,
    "carets": "^2" * 9_999,
}


@pytest.mark.parametrize("query", LONGEST.values(), ids=LONGEST.keys())
def test_the_longest_query_of_its_kind_is_checked_in_bounded_steps(query: str) -> None:
    told("warm up")
    assert steps_of(lambda: told(query)) < MOST_STEPS


@pytest.mark.parametrize(
    ("query", "column", "says"),
    [
        ("ab" * (MAX_LENGTH // 2) + "c", MAX_LENGTH + 1, "at most 20,000 characters"),
        ("ab " * (MAX_PARTS + 1), 3 * MAX_PARTS + 1, "more than 2,000 words"),
        ("(" * (MAX_DEPTH + 1) + "a" + ")" * (MAX_DEPTH + 1), MAX_DEPTH + 1, "more than 25 brackets"),
        (" NEAR/1 ".join("a" * (MAX_NEARS + 2)), 9 * MAX_NEARS + 3, "more than 60 NEARs"),
        ("/a/ " * (MAX_PATTERNS + 1), 4 * MAX_PATTERNS + 1, "more than 10 regular expressions"),
    ],
)
def test_what_bounds_a_query_is_told(query: str, column: int, says: str) -> None:
    at, message = told(query)
    assert at == column
    assert says in message


@settings(max_examples=100)
@given(st.text(alphabet=st.sampled_from("ab* ()\"/+=@^:,#\n'\\15.-ORANDT"), max_size=30))
def test_any_text_repeated_is_read_or_refused_inside_it(text: str) -> None:
    assert 0 <= told(text * 12)[0] <= len(text * 12) + 1


GREEDY = TopicIndex(
    (
        Topic(
            id="t",
            name="T",
            clauses=tuple(
                Clause(name=query, kind=ClauseKind.SIGNAL, query=query)
                for query in (
                    '((drug* OR narco*) EXCEPT @firms) NEAR/30 (seiz* OR smuggl* OR "drug drug")',
                    "(drug NEAR/5 seized) ONEAR/5 (drug NEAR/5 seized)",
                    "SENT(drug, seized, NOT film)",
                    "ATLEAST 2(drug, seized, 芬太尼, =DEA)",
                    r"/[0-9][0-9,.]*[ -]?(kg|tons?)/i",
                )
            ),
            lists=(("firms", '"drug maker*" OR (drug NEAR/10 firm)'),),
            flag_at=1,
        ),
    )
)
MEGABYTE = 1_000_000


@pytest.mark.parametrize(
    "unit",
    [
        "drug seized ",
        "drug. ",
        "drug maker firm ",
        "drug*(NEAR/5 [a-z]+(x+x+)+$ ",
        "(",
        "\u200bdrug\u200b",
        "芬太尼",
        "1,1.1,",
        "a",
        "5 kg ",
    ],
)
def test_a_title_of_a_megabyte_is_evaluated_in_steps_that_grow_with_its_length_only(unit: str) -> None:
    def steps(length: int) -> int:
        entry = EntryFields(title=unit * (length // len(unit)))
        return steps_of(lambda: GREEDY.evaluate(entry))

    whole = steps(MEGABYTE)
    assert whole < 3 * MEGABYTE
    assert whole < 12 * steps(MEGABYTE // 10) + 50_000
