"""What only a person can settle is told to one, and nothing is told that is well."""

from datetime import timedelta
from typing import Any

import pytest

from aggregator.core.checking.notices import notices
from aggregator.core.model.feeds import FailureKind, Feed, FeedState
from tests.factories import NOW, make_feed, make_state

DAY = timedelta(days=1)


def told(*followed: tuple[Feed, FeedState], **emptied: Any) -> list[str]:
    return [f"{one.feed_id}: {one.message}" for one in notices(followed, emptied, now=NOW)]


def feed(id_: str = "wire", url: str | None = None, **learned: Any) -> tuple[Feed, FeedState]:
    made = make_feed(id_, url)
    return made, make_state(made, **learned)


def test_case_7_19_a_feed_that_moved_to_where_another_one_is_is_offered_to_be_merged() -> None:
    moved = feed("old", "https://old.example/feed", url_in_use="https://wire.example/feed.xml?utm_source=x")
    assert told(feed("wire"), moved) == [
        "old: it is the same feed as wire: both are at https://wire.example/feed.xml?utm_source=x"
    ]
    assert "feeds remove old" in notices([feed("wire"), moved], {}, now=NOW)[0].hint
    assert told(feed("wire"), feed("other")) == []


def test_case_7_44_a_name_that_is_not_found_for_a_week_is_asked_about() -> None:
    ill: dict[str, Any] = {"error_kind": FailureKind.DNS, "failures": 9}
    assert told(feed(failing_since=NOW - 8 * DAY, **ill)) == [
        "wire: the name wire.example has not been found for 8 days: is the host gone?"
    ]
    assert told(feed(failing_since=NOW - 6 * DAY, **ill)) == []
    assert told(feed(failing_since=NOW - 8 * DAY, error_kind=FailureKind.CONNECT)) == []


@pytest.mark.parametrize(
    ("learned", "count"),
    [
        ({"succeeded_at": NOW}, 1),
        ({"succeeded_at": NOW - 3 * DAY}, 0),
        ({"succeeded_at": NOW, "spans": {b"1": "id:1"}}, 0),
        ({"succeeded_at": NOW, "error_kind": FailureKind.SERVER}, 0),
    ],
    ids=["three days", "not three days yet", "entries came back", "it fails anyway"],
)
def test_case_6_38_a_document_that_stays_empty_for_three_days_is_told(learned: dict[str, Any], count: int) -> None:
    assert len(told(feed(**learned), wire=NOW - 4 * DAY)) == count


def test_a_disabled_feed_needs_no_notice() -> None:
    off = make_feed("old", "https://wire.example/feed.xml", disabled=True)
    assert told(feed("wire"), (off, make_state(off))) == []
