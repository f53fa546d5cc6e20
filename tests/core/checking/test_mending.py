"""What ails a feed that an edit could mend, and how sure one may be of another address."""

from datetime import timedelta
from typing import Any

import pytest

from aggregator.core.checking.mending import Ailment, Confidence, Likeness, ailment, confidence, likeness
from aggregator.core.model.entries import Entry, ParsedEntry, ReadEntry
from aggregator.core.model.feeds import FailureKind
from aggregator.core.model.plans import KeyedEntry
from aggregator.core.urls import link_hash
from tests.factories import NOW, make_feed, make_revision, make_state

WEEK = timedelta(days=7)
OLD = {"succeeded_at": NOW - 3 * WEEK}


@pytest.mark.parametrize(
    ("learned", "found"),
    [
        ({}, None),
        ({"error_kind": FailureKind.HTML, "failing_since": NOW, **OLD}, Ailment.PAGE),
        ({"error_kind": FailureKind.BOT_WALL, "status": 403, "failing_since": NOW, **OLD}, Ailment.BOT_WALL),
        ({"error_kind": FailureKind.CLIENT, "status": 404, "failing_since": NOW - WEEK, **OLD}, Ailment.DEAD),
        ({"error_kind": FailureKind.CLIENT, "status": 404, "failing_since": NOW - WEEK / 2, **OLD}, None),
        ({"error_kind": FailureKind.CLIENT, "status": 404, "failing_since": NOW}, Ailment.DEAD),
        ({"error_kind": FailureKind.CLIENT, "status": 403, "failing_since": NOW - WEEK}, None),
        ({"error_kind": FailureKind.DNS, "failing_since": NOW - WEEK, **OLD}, Ailment.DEAD),
        ({"error_kind": FailureKind.SERVER, "status": 500, "failing_since": NOW - WEEK}, None),
        ({"error_kind": FailureKind.GONE, "status": 410, "gone": True, **OLD}, Ailment.DEAD),
        ({"url_in_use": "https://new.example/"}, Ailment.MOVED),
        ({"url_in_use": "https://wire.example/feed.xml#"}, None),
    ],
)
def test_only_what_an_edit_could_mend_ails(learned: dict[str, Any], found: Ailment | None) -> None:
    feed = make_feed()
    assert ailment(feed, make_state(feed, **learned), NOW) is found


def test_a_disabled_feed_ails_from_nothing() -> None:
    feed = make_feed(disabled=True)
    assert ailment(feed, make_state(feed, error_kind=FailureKind.HTML), NOW) is None


def entry(key: str, title: str) -> Entry:
    return Entry(
        id=1,
        feed_id="wire",
        key=key,
        first_seen=NOW,
        published=None,
        published_raw=None,
        date_suspect=False,
        updated=None,
        withdrawn=False,
        revision=make_revision(title=title),
    )


def keyed(key: str, title: str, link: str | None = None) -> KeyedEntry:
    read = ReadEntry(entry=ParsedEntry(title=title, link=link))
    return KeyedEntry(key=key, read=read, link_hash=link_hash(link) if link else None)


def test_an_entry_is_known_by_its_key_its_link_or_its_title() -> None:
    document = (
        keyed("id:1", "Renamed"),
        keyed("id:9", "Renamed", "http://wire.example/1?utm_source=x"),
        keyed("id:8", "CUSTOMS SEIZE FENTANYL"),
        keyed("id:7", ""),
    )
    stored = (entry("id:1", "Customs seize fentanyl"), entry("id:2", ""))
    seen = likeness(document, "The Wire", stored, make_state(title="the wire"))
    assert (seen.known, seen.entries, seen.stored, seen.same_title) == (3, 4, 2, True)


@pytest.mark.parametrize(
    ("known", "stored", "same_title", "led", "sure"),
    [
        (10, 5, False, False, Confidence.HIGH),
        (1, 5, False, False, Confidence.MEDIUM),
        (0, 5, True, False, Confidence.MEDIUM),
        (0, 0, False, True, Confidence.MEDIUM),
        (0, 5, False, True, Confidence.LOW),
        (0, 0, False, False, Confidence.LOW),
    ],
)
def test_a_redirect_alone_proves_little(
    known: int, stored: int, *, same_title: bool, led: bool, sure: Confidence
) -> None:
    seen = Likeness(known=known, entries=20, stored=stored, same_title=same_title)
    assert confidence(seen, led=led) is sure


def test_a_document_without_entries_is_like_nothing() -> None:
    assert likeness((), None, (entry("id:1", "x"),), make_state()).share == 0
