"""JSON Feed 1.0 and 1.1, and JSON that is neither."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.model.entries import FeedFacts, ParsedFeed, ReadJob, Unreadable
from aggregator.core.model.feeds import FailureKind
from aggregator.core.reading.document import read_document

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
VERSION = "https://jsonfeed.org/version/1.1"


def read(document: Any, known: frozenset[bytes] = frozenset(), limit: int = 2000) -> ParsedFeed | Unreadable:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    facts = FeedFacts(feed_id="x", url="https://example.org/feed.json")
    return read_document(ReadJob(facts=facts, body=body, now=NOW, known_spans=known, max_entries=limit))


def feed(*items: Any, **fields: Any) -> ParsedFeed:
    found = read({"version": VERSION, "items": list(items), **fields})
    assert isinstance(found, ParsedFeed)
    return found


def test_case_6_48_a_whole_item_is_read() -> None:
    item = {
        "id": " 2 ", "url": "/2", "title": "Two", "content_html": "<p>full</p>", "content_text": "less", "summary": "s",
        "date_published": "2026-11-22T06:00:00+05:30", "date_modified": "2026-11-22T07:00:00Z", "language": "hi",
        "authors": [{"name": "Ann"}, {"url": "x"}], "tags": ["a", "A", "b"],
        "attachments": [{"url": "f.mp3", "mime_type": "audio/mpeg", "size_in_bytes": 12}],
    }  # fmt: skip
    found = feed(item, title="T", home_page_url="https://example.org", language="en-GB")
    (entry,) = found.entries
    assert (found.format, found.title, found.link, found.language) == ("json", "T", "https://example.org", "en-GB")
    assert (entry.id, entry.link, entry.title, entry.text) == ("2", "https://example.org/2", "Two", "full")
    assert (entry.authors, entry.tags, entry.language) == (("Ann",), ("a", "b"), "hi")
    assert entry.published == datetime(2026, 11, 22, 0, 30, tzinfo=UTC)
    assert entry.updated == datetime(2026, 11, 22, 7, tzinfo=UTC)
    assert [(each.url, each.length) for each in entry.enclosures] == [("https://example.org/f.mp3", 12)]


def test_case_6_48_the_older_form_with_one_author_object_is_read() -> None:
    found = feed(
        {"id": "1", "author": {"name": "Ann"}},
        {"id": "2"},
        version="https://jsonfeed.org/version/1",
        author={"name": "Feed"},
    )
    assert [entry.authors for entry in found.entries] == [("Ann",), ("Feed",)]


@pytest.mark.parametrize(("written", "kept"), [(5, "5"), (5.0, "5.0"), (10**30, str(10**30))])
def test_case_6_48_numeric_ids_become_text(written: float, kept: str) -> None:
    assert [entry.id for entry in feed({"id": written}).entries] == [kept]


def test_an_item_without_id_takes_its_url_and_one_without_both_is_left_out() -> None:
    found = feed({"url": "https://example.org/a"}, {"title": "lost"})
    assert [entry.id for entry in found.entries] == ["https://example.org/a"]
    assert found.warnings


def test_plain_content_is_shown_literally() -> None:
    (entry,) = feed({"id": "1", "content_text": "a <b>\n& c"}).entries
    assert (entry.text, entry.html) == ("a <b>\n& c", "a &lt;b&gt;<br>&amp; c")


@pytest.mark.parametrize("items", [None, [], {}, "x", [None, 3, "x", []]])
def test_case_6_48_items_that_are_none_are_no_entries(items: Any) -> None:
    found = read({"version": VERSION, "items": items})
    assert isinstance(found, ParsedFeed)
    assert found.entries == ()


def test_the_end_of_a_feed_and_its_next_page_are_told() -> None:
    found = feed(expired=True, next_url="/2.json")
    assert (found.expired, found.older_pages) == (True, ("https://example.org/2.json",))
    assert feed(next_url="https://example.org/feed.json").older_pages == ()
    assert feed(expired="yes").expired is False


@pytest.mark.parametrize(
    ("body", "kind", "word"),
    [
        (b'{"version": "https://jsonfeed.org/version/1", ', FailureKind.PARSE, "line 1 column"),
        (b'{"items": []}', FailureKind.NOT_A_FEED, "version"),
        (b'[{"id": 1, "title": {"rendered": "x"}}]', FailureKind.NOT_A_FEED, "version"),
        (b'{"version": "2.0"}', FailureKind.NOT_A_FEED, "version"),
        (b'{"code": "rest_no_route", "data": {"status": 404}}', FailureKind.NOT_A_FEED, "version"),
        (b"[" * 100_000, FailureKind.PARSE, "deep"),
    ],
)
def test_case_6_49_case_7_31_json_that_is_no_feed_is_said_to_be_none(body: bytes, kind: FailureKind, word: str) -> None:
    found = read(body)
    assert isinstance(found, Unreadable)
    assert found.kind is kind
    assert word in found.detail


def test_known_items_are_not_read_again_and_a_changed_one_is() -> None:
    items = [{"id": str(n), "title": "x"} for n in range(3)]
    known = frozenset(feed(*items).spans)
    items[1]["title"] = "y"
    found = read({"version": VERSION, "items": items}, known)
    assert isinstance(found, ParsedFeed)
    assert [entry.id for entry in found.entries] == ["1"]
    assert len(found.spans) == 3


def test_only_the_newest_items_count() -> None:
    items = [{"id": str(day), "date_published": f"2026-11-{day:02}"} for day in (3, 9, 1, 8)]
    found = read({"version": VERSION, "items": items}, limit=2)
    assert isinstance(found, ParsedFeed)
    assert [entry.id for entry in found.entries] == ["9", "8"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = [
    "id",
    "url",
    "title",
    "content_html",
    "content_text",
    "authors",
    "author",
    "tags",
    "attachments",
    "language",
    "date_published",
]


@given(
    st.dictionaries(st.sampled_from(NAMES), JSON),
    st.dictionaries(st.sampled_from([*NAMES, "items", "next_url", "home_page_url"]), JSON),
)
def test_any_shape_of_json_is_read_without_harm(item: dict[str, Any], fields: dict[str, Any]) -> None:
    found = feed({"id": "1", **item}, **fields) if "items" not in fields else read({"version": VERSION, **fields})
    assert isinstance(found, ParsedFeed)
    for entry in found.entries:
        assert "\ud800" not in entry.title + entry.text + (entry.id or "")


def test_case_6_60_a_feed_says_where_it_lives_itself() -> None:
    assert feed(feed_url="/own.json").self_link == "https://example.org/own.json"
    assert feed(feed_url=["/own.json"]).self_link is None
    assert feed().self_link is None
