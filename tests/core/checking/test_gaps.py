"""Gaps: what may have come and gone between two checks."""

from dataclasses import replace

import pytest

from aggregator.core.checking.gaps import GAP_ROUNDS, missing_in
from aggregator.core.model.entries import ParsedEntry
from aggregator.core.model.feeds import Answer, FailureKind, FetchFailed, NotModified
from aggregator.core.model.topics import Origin
from tests.checks import Played
from tests.factories import make_evaluation, make_parsed


def posts(*numbers: int) -> list[ParsedEntry]:
    return [make_parsed(f"g{n}", link=f"https://w.example/{n}", title=f"Post {n}") for n in numbers]


def test_case_6_37_a_document_that_shares_nothing_with_the_last_is_a_gap() -> None:
    feed = Played()
    assert not feed.check(*posts(3, 2, 1)).gap
    assert not feed.check(*posts(5, 4, 3)).gap
    plan = feed.check(*posts(8, 7, 6), flags={"Post 8": (make_evaluation(),)})
    assert plan.gap
    assert [event.kind for event in plan.events] == ["gap"]
    assert "3 entries" in plan.events[0].detail
    assert plan.new[-1].matches[0].origin is Origin.LIVE


def test_a_gap_is_seen_in_documents_that_cannot_be_cut() -> None:
    feed = Played()
    feed.check(*posts(3, 2, 1), cut=False)
    assert not feed.check(*posts(4, 3, 2), cut=False).gap
    assert feed.check(*posts(9, 8, 7), cut=False).gap


def test_one_entry_that_was_known_is_no_gap_even_when_it_was_edited() -> None:
    feed = Played()
    feed.check(*posts(3, 2, 1))
    edited = replace(make_parsed("g3", link="https://w.example/3", title="Post 3"), text="Now with a text.")
    assert not feed.check(*posts(6, 5, 4), edited).gap


def test_an_entry_known_only_as_purged_is_no_gap() -> None:
    feed = Played()
    feed.check(*posts(1))
    feed.purge("id:g1")
    feed.state = replace(feed.state, spans={})
    assert not feed.check(*posts(2, 1)).gap


def test_the_first_import_an_empty_document_and_a_partial_one_are_no_gaps() -> None:
    feed = Played()
    assert not feed.check(*posts(1)).gap
    assert not feed.check().gap
    feed = Played()
    feed.check(*posts(1))
    assert not feed.check(*posts(3, 2), status=226).gap


def test_a_feed_that_was_empty_when_it_was_imported_has_no_gap_when_it_begins() -> None:
    feed = Played()
    feed.check()
    assert not feed.check(*posts(1)).gap


def test_a_reader_that_forgot_its_spans_still_sees_what_is_known() -> None:
    feed = Played()
    feed.check(*posts(3, 2, 1))
    feed.state = replace(feed.state, spans={})
    assert not feed.check(*posts(4, 3, 2)).gap
    feed.state = replace(feed.state, spans={})
    assert feed.check(*posts(9, 8, 7)).gap


def test_the_interval_is_halved_for_five_good_checks_after_a_gap() -> None:
    feed = Played()
    feed.check(*posts(1))
    feed.check(*posts(2))
    rounds = [feed.state.gap_rounds]
    feed.end(FetchFailed(kind=FailureKind.TIMEOUT, detail="no answer"))
    for _ in range(GAP_ROUNDS + 1):
        feed.end(NotModified(answer=Answer(url="https://wire.example/feed.xml", status=304)))
        rounds.append(feed.state.gap_rounds)
    assert rounds == [5, 4, 3, 2, 1, 0, 0]


@pytest.mark.parametrize(
    ("detail", "number"),
    [
        ("none of its 5 entries was known: up to about 12 items may be missing between A and B UTC", 12),
        ("none of its 5 entries was known: up to about 1 item may be missing between A and B UTC", 1),
        ("none of its 3 entries was known: others may have come and gone since the last check", 0),
    ],
)
def test_a_gap_tells_how_many_may_be_missing(detail: str, number: int) -> None:
    assert missing_in(detail) == number
