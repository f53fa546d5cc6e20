"""What trends are made from, as it lies in the tables, and which feeds are quiet."""

from datetime import UTC, date, timedelta

import pytest

from aggregator.core.model.feeds import Tier
from aggregator.core.model.topics import Fired, Origin
from aggregator.core.model.trends import CheckedDay, Hit
from aggregator.core.stories.trends import LOOKBACK
from aggregator.store import health, silence, trends
from aggregator.store.database import Store
from tests.factories import NOW, make_feed, make_topic
from tests.history import at, came, checked, days_before, follow, happened, learned, told

TODAY = date(2026, 1, 27)
DAYS = days_before(TODAY, 100)


def hits(store: Store, **asked: bool) -> dict[int, Hit]:
    found = store.read(trends.hits, "narcotics", since=DAYS[0], until=TODAY, **asked)
    return {hit.entry_id: hit for hit in found}


def test_a_hit_tells_its_story_its_source_and_when_it_was_news(store: Store) -> None:
    follow(store, [make_feed("un", tier=Tier.OFFICIAL), make_feed("wire", tier=Tier.WIRE)], since=at(DAYS[0]))
    (first,) = came(store, "un", [at(TODAY, 3)], published=at(TODAY, 1))
    (second,) = came(store, "wire", [at(TODAY, 5)])
    (alone,) = came(store, "wire", [at(TODAY, 6)])
    (revised,) = came(store, "wire", [at(DAYS[50])], origin=Origin.REVISED, matched_at=at(TODAY, 7))
    one = told(store, [first, second])
    found = hits(store)
    assert (found[first].story, found[first].tier, found[first].published) == (f"story {one}", "official", at(TODAY, 1))
    assert found[second].story == found[first].story
    assert found[alone].story == f"entry {alone}"
    assert found[revised].first_seen == at(TODAY, 7)


def test_what_was_there_when_a_feed_was_added_is_no_news_and_what_came_later_is_whenever_it_is_matched(
    store: Store,
) -> None:
    follow(store, [make_feed()], since=at(DAYS[10]))
    replayed = {"origin": Origin.REPLAY, "matched_at": at(TODAY)}
    (imported,) = came(store, "wire", [at(DAYS[10])], origin=Origin.BASELINE)
    (found_later,) = came(store, "wire", [at(DAYS[10])], **replayed)
    (came_later,) = came(store, "wire", [at(DAYS[40])], **replayed)
    found = hits(store)
    assert [found[one].live for one in (imported, found_later, came_later)] == [False, False, True]
    assert found[came_later].first_seen == at(DAYS[40])


def test_only_the_days_asked_for_are_read_and_clauses_only_when_wanted(store: Store) -> None:
    follow(store, [make_feed()], since=at(DAYS[0]))
    fired = (Fired(clause="agencies", points=4.0), Fired(clause="sport", points=-2.0))
    came(store, "wire", [at(DAYS[0] - timedelta(days=1), 23.9), at(TODAY + timedelta(days=1), 0)])
    (inside,) = came(store, "wire", [at(TODAY, 23.9)], fired=fired)
    assert list(hits(store)) == [inside]
    assert hits(store)[inside].clauses == ()
    assert hits(store, clauses=True)[inside].clauses == ("agencies",)


def test_the_days_of_feeds_are_read_from_a_day_on(store: Store) -> None:
    follow(store, [make_feed("un"), make_feed("wire")])
    checked(store, "un", DAYS[-2:], ok=20, gaps=1)
    checked(store, "wire", DAYS[-2:])
    found = store.read(trends.checked_days, {"un"}, since=TODAY)
    assert found == (CheckedDay(feed_id="un", day=TODAY, checks=24, ok=20, gaps=1),)


def test_a_trend_is_read_with_all_that_its_baseline_needs(store: Store) -> None:
    days = days_before(TODAY, 30 + LOOKBACK)
    follow(store, [make_feed()], since=at(days[0], 0))
    checked(store, "wire", days)
    came(store, "wire", [at(day, hour) for day in days[1:] for hour in (3, 4)])
    burst = came(store, "wire", [at(TODAY, 5 + n / 10) for n in range(12)], title="Raid {n}")
    found = store.read(trends.read_trend, "narcotics", until=TODAY, days=30)
    (spike,) = found.spikes
    assert (spike.day, set(burst) <= set(spike.entries)) == (TODAY, True)
    titles = store.read(trends.headlines, spike.entries)
    assert titles[burst[0]].title == "Raid 0"


def test_a_silent_topic_is_named_and_one_without_a_past_is_not(store: Store) -> None:
    follow(store, [make_feed()], since=at(DAYS[0], 0))
    follow(store, [make_feed()], topic=make_topic("other"), since=at(DAYS[0], 0))
    checked(store, "wire", DAYS)
    came(store, "wire", [at(day) for day in DAYS[1:-8] for _ in range(2)])
    found = store.read(trends.silences, until=TODAY)
    assert list(found) == ["narcotics"]
    assert (found["narcotics"].since, found["narcotics"].healthy) == (DAYS[-9], True)
    assert store.read(trends.silences, until=TODAY, topic_ids=["other"]) == {}


def quiet_world(store: Store) -> None:
    """Two feeds of one entry a day; one stopped twelve days ago, and both are read."""
    follow(store, [make_feed("un", name="UNODC"), make_feed("wire")], since=at(DAYS[0], 0))
    for feed, last in (("un", 12), ("wire", 0)):
        seen = [at(day, 9) for day in DAYS[1 : len(DAYS) - last]]
        came(store, feed, seen, topics=())
        checked(store, feed, DAYS, new=1)
        learned(store, feed, changed_at=seen[-1], succeeded_at=at(TODAY, 20), checked_at=at(TODAY, 20))


def test_a_feed_that_answers_and_brings_nothing_is_quiet(store: Store) -> None:
    quiet_world(store)
    found = store.read(silence.quiet_feeds)
    assert list(found) == ["un"]
    assert found["un"].since == at(DAYS[-13], 9)
    assert store.read(silence.quiet_feeds, names={"wire"}) == {}


def test_a_feed_that_fails_is_broken_and_not_quiet(store: Store) -> None:
    quiet_world(store)
    learned(store, "un", error_kind="timeout", error_detail="read timed out")
    assert store.read(silence.quiet_feeds) == {}


def test_a_digest_is_told_of_quiet_sources_by_name(store: Store) -> None:
    quiet_world(store)
    (note,) = store.read(health.sources, since=at(TODAY, 0)).quiet
    assert (note.name, note.detail) == ("UNODC", "usually an entry every day, none for 12 days")
    assert note.since is not None
    assert note.since.tzinfo is UTC


def test_a_feed_is_not_quiet_on_the_day_its_archive_was_imported_unless_that_was_old(store: Store) -> None:
    follow(store, [make_feed("new"), make_feed("dead")], since=at(TODAY, 1))
    for feed, last in (("new", 1), ("dead", 60)):
        dates = [at(day, 9) for day in DAYS[: len(DAYS) - last]]
        for published in dates:
            came(store, feed, [at(TODAY, 1)], published=published, topics=())
        learned(store, feed, succeeded_at=at(TODAY, 20))
    assert list(store.read(silence.quiet_feeds)) == ["dead"]


def test_a_feed_that_answers_again_is_told_unless_it_fails_once_more(store: Store) -> None:
    follow(store, [make_feed("un", name="UNODC"), make_feed("wire")], since=at(DAYS[0], 0))
    for feed in ("un", "wire"):
        happened(store, feed, "recovered", at(TODAY, 4), "answers again after 9 failed checks")
        learned(store, feed, succeeded_at=at(TODAY, 4), checked_at=at(TODAY, 4))
    learned(store, "wire", error_kind="timeout", error_detail="read timed out")
    happened(store, "un", "gap", at(TODAY, 4), "up to about 7 items may be missing between A and B UTC")
    report = store.read(health.sources, since=at(TODAY, 2))
    assert [note.name for note in report.recovered] == ["UNODC"]
    assert report.missing == 7
    later = store.read(health.sources, since=at(TODAY, 5))
    assert [note.name for note in later.recovered] == []
    assert [note.name for note in later.failing] == ["wire"]


@pytest.mark.parametrize(("hours", "told_"), [(23, []), (24, ["wire"])])
def test_a_week_in_which_a_feed_was_read_at_first_still_tells_that_it_fails_for_a_day(
    store: Store, hours: int, told_: list[str]
) -> None:
    follow(store, [make_feed("wire")], since=at(DAYS[0]))
    since = NOW - timedelta(hours=hours)
    learned(
        store, "wire", error_kind="dns", failing_since=since, succeeded_at=since - timedelta(hours=1), checked_at=NOW
    )
    report = store.read(health.sources, since=NOW - timedelta(days=7))
    assert [note.feed_id for note in report.failing] == told_


def test_a_week_of_a_topic_is_told_in_seven_whole_days(store: Store) -> None:
    days = days_before(TODAY, 7 + LOOKBACK)
    follow(store, [make_feed()], since=at(days[0], 0))
    checked(store, "wire", days)
    came(store, "wire", [at(day, hour) for day in days[1:] for hour in (3, 4)])
    came(store, "wire", [at(days[-3], 5 + n / 10) for n in range(12)])
    (bar,) = store.read(trends.bars, [("narcotics", "Narcotics"), ("other", "Other")], until=TODAY)
    assert (bar.topic_name, bar.counts, bar.spikes) == ("Narcotics", (2, 2, 2, 2, 14, 2, 2), (days[-3],))
    assert bar.usual is not None
    assert 13 < bar.usual < 15
