"""The page on topics tells the truth: each operator's example is found, and what is said not to be found is not."""

import re
from html import unescape
from pathlib import Path

import pytest

from aggregator.core.model.topics import Clause, ClauseKind, Topic
from aggregator.core.topics.check import problems
from aggregator.core.topics.fields import FIELD_NAMES, EntryFields
from aggregator.core.topics.index import TopicIndex
from aggregator.core.topics.mistakes import MAX_DEPTH, MAX_LENGTH, MAX_NEARS, MAX_PARTS, MAX_PATTERNS
from aggregator.core.topics.trace import explain

PAGE = (Path(__file__).parents[3] / "docs" / "topics.md").read_text(encoding="utf-8")
LANGUAGE = PAGE.partition("## The language")[2].partition("\n## ")[0]
EXAMPLES = [
    tuple(unescape(cell.strip()) for cell in row.strip("|").split("|"))
    for row in re.findall(r"^\| `.*$", LANGUAGE, re.MULTILINE)
]


def topic_of(query: str) -> Topic:
    return Topic(id="t", name="T", clauses=(Clause(name="c", kind=ClauseKind.SIGNAL, query=query),), flag_at=0.01)


def flagged(query: str, entry: EntryFields) -> bool:
    return TopicIndex((topic_of(query),)).evaluate_all(entry)[0].flagged


@pytest.mark.parametrize(("written", "found", "missed"), [(row[0], row[2], row[3]) for row in EXAMPLES])
def test_an_operators_example_does_what_the_page_says(written: str, found: str, missed: str) -> None:
    query = written.strip("`")
    assert problems(topic_of(query)) == ()
    in_title = query.startswith("title:")
    assert flagged(query, EntryFields(title=found) if in_title else EntryFields(text=found))
    assert not flagged(query, EntryFields(text=found if in_title else missed))


@pytest.mark.parametrize(
    "sign",
    ["OR", "AND", "NOT", "NEAR/", "ONEAR/", "EXCEPT", "SENT(", "ATLEAST", "+", "=", "*", '"', "/", "^", "#", "title:"],
)
def test_every_sign_of_the_language_has_an_example(sign: str) -> None:
    assert any(sign in written for written, *_ in EXAMPLES)


def test_every_field_is_named() -> None:
    assert [name for name in FIELD_NAMES if f"`{name}`" not in LANGUAGE] == []


def test_the_bounds_are_the_programs() -> None:
    assert (
        f"at most {MAX_LENGTH:,} characters, {MAX_PARTS:,} words, operators and brackets, {MAX_NEARS} NEARs, "
        f"{MAX_PATTERNS} patterns, and {MAX_DEPTH} brackets inside each other"
    ) in LANGUAGE


@pytest.mark.parametrize(
    ("query", "title", "text"),
    [
        ('drug* EXCEPT "drug maker*"', "Drug maker", ""),
        ("drug NEAR/8 seized", "drug a b c d e f g h i j k l seized", ""),
        ("drug ONEAR/8 seized", "seized drug", ""),
        ("SENT(drug, police)", "", "Drugs. The police."),
        ("drug NEAR/8 seized", "drug", "seized"),
    ],
)
def test_the_notes_of_an_explanation_are_worded_as_on_the_page(query: str, title: str, text: str) -> None:
    (clause,) = explain(topic_of(query), EntryFields(title=title, text=text)).clauses
    wording = clause.tree.note.replace('"drug maker*"', "@medicines")
    assert wording
    assert f"`{wording}`" in PAGE
