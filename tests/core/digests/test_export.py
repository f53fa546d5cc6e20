"""Matches handed out: nothing from outside becomes a formula, a script, a link that runs, or a broken line."""

import csv
import io
import json
import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.digests.export import objects, report, table
from aggregator.core.model.proofs import Proof
from aggregator.core.model.topics import Fired, Origin, Span
from tests.factories import NOW, make_revision

HOSTILE = '=HYPERLINK("http://evil.example","x")<script>alert(1)</script>\u202egnp.\x00"; DROP'


def make_proof(title: str = "Customs seize fentanyl", text: str = "At the port of Ust-Luga.", **said: Any) -> Proof:
    words = replace(make_revision(title=title, text=text), link=said.pop("link", "https://wire.example/1"))
    fired = (
        Fired(
            clause="seizures",
            points=4.0,
            spans=(Span(field="title", start=14, end=22), Span(field="text", start=7, end=11)),
        ),
        Fired(clause="sport", points=-1.5, spans=(Span(field="feed", start=0, end=4),)),
    )
    values: dict[str, Any] = {
        "match_id": 7,
        "topic_id": "narcotics",
        "topic_name": "Narcotics",
        "topic_version": 3,
        "score": 2.5,
        "origin": Origin.LIVE,
        "matched_at": NOW,
        "entry_id": 11,
        "feed_id": "wire",
        "feed_name": "The Wire",
        "tier": "media",
        "first_seen": NOW,
        "published": NOW - timedelta(hours=2),
        "date_suspect": False,
        "withdrawn": False,
        "words": words,
        "fired": fired,
        **said,
    }
    return Proof(**values)


def rows(*proofs: Proof, bom: bool = False) -> list[dict[str, str]]:
    told = "".join(table.lines(proofs, bom=bom))
    return list(csv.DictReader(io.StringIO(told.removeprefix(table.BOM), newline="")))


def page(*proofs: Proof) -> str:
    heading = report.Heading(topics=("Narcotics",), since=NOW, until=None, made_at=NOW, count=len(proofs))
    return "".join(report.parts(heading, proofs))


class Reading(HTMLParser):
    """What a browser would make of a page: its elements, links and words."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.links: list[str] = []
        self.attributes: list[str] = []
        self.marked: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes += [name for name, _ in attrs]
        self.links += [value or "" for name, value in attrs if name in {"href", "src"}]

    def handle_data(self, data: str) -> None:
        if self.elements and self.elements[-1] == "mark":
            self.marked.append(data)
            self.elements.append("")


def test_a_row_tells_the_match_and_what_proves_it() -> None:
    (row,) = rows(make_proof(story_id=5, relevant=True))
    assert row["clauses"] == "seizures +4; sport -1.5"
    assert row["words"] == "fentanyl, port"
    assert (row["match"], row["score"], row["topic_version"], row["revision"], row["story"]) == (
        "7",
        "2.5",
        "3",
        "1",
        "5",
    )
    assert (row["first_seen"], row["published"]) == ("2026-01-27T06:30:00Z", "2026-01-27T04:30:00Z")
    assert row["verdict"] == "relevant"


@pytest.mark.parametrize(
    "title",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\u200b=1", "\uff1d1", "\uff20x", "\x00=cmd"],
)
def test_no_title_is_a_formula(title: str) -> None:
    (row,) = rows(make_proof(title))
    assert row["title"].startswith("'")


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=20))
def test_whatever_a_publisher_writes_stays_in_its_cell(title: str, name: str, link: str) -> None:
    (row,) = rows(make_proof(title, feed_name=name, link=link))
    assert set(row) == set(table.COLUMNS)
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row.values())
    assert row["entry"] == "11"


def test_lines_end_as_the_standard_has_it_and_a_mark_for_old_spreadsheets_comes_first() -> None:
    told = "".join(table.lines([make_proof('He said "no", twice')], bom=True))
    assert told.startswith("\ufeffmatch,topic,")
    assert told.count("\r\n") == 2
    assert '"He said ""no"", twice"' in told


def test_a_line_of_json_holds_words_and_where_they_stand() -> None:
    (line,) = objects.lines([make_proof()])
    told = json.loads(line)
    span = told["fired"][0]["spans"][0]
    assert told[span["field"]][span["start"] : span["end"]] == span["words"] == "fentanyl"
    assert (told["topic_version"], told["revision"], told["verdict"]) == (3, 1, None)


@given(st.text(max_size=60))
def test_whatever_a_publisher_writes_is_one_line_of_json(title: str) -> None:
    (line,) = objects.lines([make_proof(title)])
    assert line.count("\n") == 1
    assert json.loads(line)["title"] == title


def test_a_page_marks_the_words_and_names_clause_points_and_versions() -> None:
    told = page(make_proof(story_id=5, relevant=False, withdrawn=True))
    assert Reading(told).marked == ["fentanyl", "port"]
    for words in (
        "seizures",
        "+4",
        "sport",
        "-1.5",
        "<strong>2.5</strong>",
        "topic version 3",
        "revision 1",
        "story 5",
    ):
        assert words in told
    assert "withdrawn by its publisher, judged noise" in told


def test_a_hostile_match_runs_nothing_and_loads_nothing() -> None:
    told = page(
        make_proof(HOSTILE, HOSTILE, feed_name=HOSTILE, topic_name=HOSTILE, link="javascript:alert(1)"),
        make_proof("", "", link='https://wire.example/"><img src=x onerror=alert(1)>'),
    )
    seen = Reading(told)
    assert not {"script", "img", "link", "iframe", "object", "base", "form"} & set(seen.elements)
    assert not [name for name in seen.attributes if name.startswith("on")]
    assert all(link.startswith("https://wire.example/") for link in seen.links)
    assert not re.search(r"@import|url\(", told)
    assert "\u202e" not in told
    assert "(untitled)" in told


@given(st.text(max_size=80), st.text(max_size=80))
def test_a_page_holds_one_article_a_match_whatever_is_in_it(title: str, text: str) -> None:
    seen = Reading(page(make_proof(title, text), make_proof(title, text)))
    assert seen.elements.count("article") == 2
    assert not {"script", "img"} & set(seen.elements)


def test_a_page_is_made_piece_by_piece() -> None:
    taken = iter([make_proof(), make_proof()])
    heading = report.Heading(topics=("Narcotics",), since=NOW, until=NOW, made_at=NOW, count=2)
    pieces = report.parts(heading, taken)
    next(pieces)
    next(pieces)
    assert len(list(taken)) == 1
