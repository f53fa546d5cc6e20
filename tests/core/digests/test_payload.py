"""The document of a webhook: all that the digest says, as JSON that any program reads, whatever publishers wrote."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.core.digests.compose import compose
from aggregator.core.digests.payload import VERSION, Stamp, payload
from aggregator.core.model.digests import DueItem, Rendered, SourceNote, SourceReport
from aggregator.core.model.topics import Fired, Span

NOW = datetime(2026, 1, 22, 2, 0, tzinfo=UTC)
STAMP = Stamp(
    message_id="d.12.abc.0123@example.org",
    digest_id=12,
    subscriber="desk",
    subscription="morning",
    subscription_id=3,
    kind="digest",
    slot_at=NOW,
    made_at=NOW + timedelta(seconds=2),
    page="https://news.example.org/d/token",
)
NO_SOURCES = SourceReport()
WORDS = Rendered(subject="[Narcotics] 1 new", text="Fentanyl seized\n", html="<p>")


def item(match_id: int = 1, **changes: Any) -> DueItem:
    told: dict[str, Any] = {
        "match_id": match_id,
        "topic_id": "narcotics",
        "topic_name": "Narcotics",
        "entry_id": match_id + 100,
        "revision": 1,
        "feed_id": f"feed-{match_id}",
        "feed_name": f"Outlet {match_id}",
        "tier": "media",
        "title": "Fentanyl seized at the port",
        "text": "Customs found 40 kg.",
        "link": f"https://example.org/{match_id}",
        "language": "en",
        "published": NOW - timedelta(hours=3),
        "date_suspect": False,
        "first_seen": NOW - timedelta(hours=1),
        "score": 4.0,
        "alert": True,
        "fired": (Fired(clause="substances", points=4.0, spans=(Span(field="title", start=0, end=8),)),),
    }
    return DueItem(**{**told, **changes})


def document(*items: DueItem, sources: SourceReport = NO_SOURCES) -> Any:
    content = compose(
        subscription="morning",
        subscriber_name=None,
        timezone="Asia/Kolkata",
        slot_at=NOW,
        since=NOW - timedelta(days=1),
        items=items,
        sources=sources,
    )
    return json.loads(payload(STAMP, WORDS, content))


def test_it_says_what_it_is_whose_and_where_it_can_be_read() -> None:
    told = document(item())
    assert (told["version"], told["type"], told["id"]) == (VERSION, "digest", "d.12.abc.0123@example.org")
    assert (told["digest"], told["subscriber"]) == (12, "desk")
    assert told["subscription"] == {"id": 3, "name": "morning"}
    assert (told["slot_at"], told["timestamp"]) == ("2026-01-22T02:00:00Z", "2026-01-22T02:00:02Z")
    assert told["since"] == "2026-01-21T02:00:00Z"
    assert (told["subject"], told["text"]) == ("[Narcotics] 1 new", "Fentanyl seized\n")
    assert told["page"] == "https://news.example.org/d/token"


def test_every_match_comes_with_its_clauses_and_where_they_hit() -> None:
    (topic,) = document(item())["topics"]
    (story,) = topic["stories"]
    (match,) = story["matches"]
    assert (topic["id"], story["headline"], story["clauses"]) == (
        "narcotics",
        "Fentanyl seized at the port",
        ["substances"],
    )
    assert (match["id"], match["entry"], match["feed"], match["score"]) == (1, 101, "feed-1", 4.0)
    assert match["clauses"] == [
        {"name": "substances", "points": 4.0, "hits": [{"field": "title", "start": 0, "end": 8}]}
    ]


def test_outlets_of_one_story_stand_together() -> None:
    (topic,) = document(item(1, story_id=9), item(2, story_id=9), item(3, story_id=8))["topics"]
    assert sorted(len(story["matches"]) for story in topic["stories"]) == [1, 2]


def test_a_date_that_cannot_be_true_is_left_out() -> None:
    told = document(item(date_suspect=True))
    assert told["topics"][0]["stories"][0]["matches"][0]["published"] is None


def test_sources_that_failed_or_recovered_are_named() -> None:
    note = SourceNote(feed_id="wire", name="The Wire", detail="HTTP 500", since=NOW)
    told = document(sources=SourceReport(feeds=3, checked=2, checks=9, entries=4, failing=(note,), recovered=(note,)))
    expected = {"feed": "wire", "source": "The Wire", "detail": "HTTP 500", "since": "2026-01-22T02:00:00Z"}
    assert (told["sources"]["feeds"], told["sources"]["failing"]) == (3, [expected])
    assert (told["sources"]["recovered"], told["sources"]["quiet"]) == ([expected], [])


def keys(value: Any) -> set[str]:
    """Every key of a document, however deep."""
    if isinstance(value, dict):
        return set(value) | {key for inner in value.values() for key in keys(inner)}
    return {key for inner in value for key in keys(inner)} if isinstance(value, list) else set()


def test_every_key_is_explained() -> None:
    page = (Path(__file__).parents[3] / "docs" / "digests.md").read_text(encoding="utf-8")
    section = page.partition("### What a webhook says")[2].partition("\n## ")[0]
    note = SourceNote(feed_id="wire", name="The Wire", detail="HTTP 500", since=NOW)
    told = document(item(), sources=SourceReport(failing=(note,), gaps=(note,), quiet=(note,)))
    assert sorted(keys(told) - set(re.findall(r"[a-z_]+", section))) == []


def test_a_digest_for_the_operator_has_words_only() -> None:
    told = json.loads(payload(STAMP, WORDS, None))
    assert told["text"] == "Fentanyl seized\n"
    assert "topics" not in told


@settings(max_examples=200, deadline=None)
@given(title=st.text(), text=st.text(), clause=st.text(min_size=1), surrogate=st.sampled_from(["", "\ud800", "\udfff"]))
def test_whatever_publishers_write_it_stays_one_document(title: str, text: str, clause: str, surrogate: str) -> None:
    hostile = item(title=title + surrogate, text=surrogate + text, fired=(Fired(clause=clause, points=4.0),))
    (topic,) = document(hostile)["topics"]
    (match,) = topic["stories"][0]["matches"]
    assert match["title"] == title + ("?" if surrogate else "")
    assert match["clauses"][0]["name"] == clause
