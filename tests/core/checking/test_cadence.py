"""When a feed is checked next."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.checking.cadence import (
    CEILING,
    FLOOR,
    after_failure,
    claimed,
    host_hold,
    next_check,
    own_interval,
)
from aggregator.core.model.feeds import FailureKind, Feed, FeedState, FetchFailed, Hints, Hours
from tests.factories import NOW, make_feed, make_state

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
VALID = {"etag": b'"1"', "succeeded_at": NOW, "baseline_at": NOW - 90 * DAY}


def every(gap: timedelta, count: int = 50, *, since: timedelta = timedelta()) -> list[datetime]:
    return [NOW - since - gap * n for n in range(count)]


def own(times: list[datetime], *, feed: Feed | None = None, document: int = 0, **learned: Any) -> timedelta:
    feed = feed or make_feed()
    return own_interval(feed, make_state(feed, **{**VALID, **learned}), times=times, document=document, now=NOW)


def wait(hints: Hints = Hints(), *, feed: Feed | None = None, **learned: Any) -> timedelta:
    feed = feed or make_feed()
    state = make_state(feed, **{**VALID, "hints": hints, **learned})
    return next_check(feed, state, times=every(6 * HOUR), document=50, now=NOW) - NOW


def close(found: timedelta, expected: timedelta) -> bool:
    return expected <= found <= expected * 1.1


@pytest.mark.parametrize(
    ("times", "learned", "expected"),
    [
        (every(10 * timedelta(minutes=1)), {}, FLOOR),
        (every(10 * timedelta(minutes=1)), {"etag": None}, timedelta(hours=2, minutes=43, seconds=20)),
        (every(4 * DAY, 3, since=60 * DAY), {}, CEILING),
        (every(7 * DAY), {}, CEILING),
        ([], {"baseline_at": NOW}, FLOOR),
        ([], {"baseline_at": NOW, "etag": None}, 3 * HOUR),
        ([], {"baseline_at": NOW - 40 * HOUR}, 10 * HOUR),
        ([NOW] * 20, {}, FLOOR),
        ([NOW] * 20, {"etag": None}, 3 * HOUR),
    ],
    ids=[
        "busy_feeds_once_an_hour",
        "without_validators_the_window_still_rules",
        "a_silent_feed_once_a_day",
        "a_weekly_feed_once_a_day",
        "an_empty_feed_at_first",
        "an_empty_feed_without_validators",
        "an_empty_feed_ever_less",
        "undated_at_first",
        "undated_without_validators",
    ],
)
def test_the_interval_fits_the_feed(times: list[datetime], learned: dict[str, Any], expected: timedelta) -> None:
    assert own(times, **learned) == expected


def test_the_interval_is_half_the_gap_between_entries() -> None:
    times = every(8 * HOUR)
    assert timedelta(hours=3.8) < own(times) < 4 * HOUR


def test_silence_makes_the_interval_longer() -> None:
    waits = [own(every(6 * HOUR, since=days * DAY)) for days in (0, 1, 2, 3, 9)]
    assert waits == sorted(waits)
    assert waits[0] < 3 * HOUR
    assert waits[-1] == CEILING


def test_dates_in_the_future_count_as_now() -> None:
    assert own([NOW + 900 * DAY, *every(6 * HOUR)]) < 4 * HOUR


def test_the_interval_is_at_most_a_third_of_what_the_document_spans() -> None:
    burst = [*every(HOUR, 10, since=30 * DAY), *every(DAY, 10, since=60 * DAY)]
    assert own(burst) == CEILING
    assert own(burst, document=10) == 3 * HOUR
    assert own(burst, document=3) == FLOOR
    assert own(burst, document=2, feed=make_feed(politeness="strict")) == CEILING


def test_case_7_7_an_unchanging_body_without_validators_is_asked_for_less_and_less() -> None:
    times = every(HOUR, 50)
    waits = [own(times, etag=None, unchanged=n) for n in range(5)]
    assert waits == [3 * HOUR, 4.5 * HOUR, 6 * HOUR, 6 * HOUR, 6 * HOUR]
    assert own(times, unchanged=9) == FLOOR
    assert own(every(7 * DAY), etag=None, unchanged=9) == CEILING


def test_after_a_gap_the_interval_is_half_but_never_below_an_hour() -> None:
    times = every(16 * HOUR)
    assert own(times, gap_rounds=5) == own(times) / 2
    assert own(every(HOUR), gap_rounds=1) == FLOOR
    assert own(every(HOUR), gap_rounds=1, etag=None) == 1.5 * HOUR
    assert own(times, gap_rounds=1, feed=make_feed(politeness="strict")) == CEILING


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"interval": timedelta(minutes=10)}, timedelta(minutes=10)),
        ({"interval": timedelta(seconds=1)}, timedelta(minutes=5)),
        ({"interval": 3 * DAY}, 3 * DAY),
        ({"politeness": "strict"}, CEILING),
        ({"politeness": "strict", "interval": HOUR}, CEILING),
    ],
    ids=["a_person_s_interval", "five_minutes_at_least", "as_long_as_wished", "strict", "strict_wins"],
)
def test_what_a_person_set_rules(said: dict[str, Any], expected: timedelta) -> None:
    assert own(every(HOUR), feed=make_feed(**said)) == expected


@pytest.mark.parametrize(
    ("hints", "expected"),
    [
        (Hints(max_age=12 * HOUR), 12 * HOUR),
        (Hints(max_age=365 * DAY), CEILING),
        (Hints(ttl=4 * HOUR, max_age=5 * HOUR), 5 * HOUR),
        (Hints(update_period=7 * DAY), timedelta(hours=2.94)),
        (Hints(ttl=timedelta(minutes=5)), timedelta(hours=2.94)),
    ],
    ids=["case_11_max_age", "case_11_capped", "the_longest_counts", "sy_counts_an_hour", "never_faster_than_own"],
)
def test_the_publisher_s_hints_are_a_lower_bound(hints: Hints, expected: timedelta) -> None:
    assert close(wait(hints), expected * 0.999)


@pytest.mark.parametrize(
    ("hints", "floor"),
    [
        (Hints(ttl=timedelta(minutes=30)), timedelta(minutes=30)),
        (Hints(max_age=timedelta(minutes=2)), timedelta(minutes=15)),
        (Hints(ttl=HOUR, max_age=timedelta(minutes=2)), HOUR),
        (Hints(max_age=timedelta(minutes=2), ttl=2 * HOUR), FLOOR),
        (Hints(update_period=timedelta(minutes=20)), FLOOR),
    ],
    ids=["stated", "never_below_15_minutes", "all_that_is_stated", "not_when_one_is_longer", "sy_is_no_invitation"],
)
def test_a_publisher_may_invite_us_more_often(hints: Hints, floor: timedelta) -> None:
    assert own([NOW] * 50, hints=hints) == floor


def test_jitter_is_upward_up_to_a_tenth_and_a_feed_s_own() -> None:
    waits = [wait(feed=make_feed(f"feed-{n}", interval=10 * HOUR)) for n in range(200)]
    assert all(10 * HOUR <= one <= 11 * HOUR for one in waits)
    assert max(waits) - min(waits) > timedelta(minutes=50)
    assert wait(feed=make_feed("feed-7", interval=10 * HOUR)) == waits[7]


def test_skipped_hours_and_days_move_a_check_to_their_end() -> None:
    due = wait()
    hour = (NOW + due).hour
    moved = NOW + wait(Hints(skip_hours=frozenset({hour, hour + 1})))
    assert (moved.hour, moved.minute) == (hour + 2, 0)
    tuesday, wednesday = 1, 2
    assert (NOW + wait(Hints(skip_days=frozenset({tuesday})))) == datetime(2026, 1, 28, tzinfo=UTC)
    both = NOW + wait(Hints(skip_days=frozenset({tuesday, wednesday})))
    assert NOW + due < both <= NOW + due + DAY


def test_a_publisher_who_skips_everything_asks_for_nothing() -> None:
    everything = Hints(skip_hours=frozenset(range(24)), skip_days=frozenset(range(7)))
    assert wait(everything) == wait()


@pytest.mark.parametrize(
    ("active", "zone", "expected"),
    [
        (Hours(start=time(6), end=time(20)), None, None),
        (Hours(start=time(20), end=time(22)), None, "2026-01-27T20:00"),
        (Hours(start=time(7), end=time(8)), None, "2026-01-28T07:00"),
        (Hours(start=time(22), end=time(12)), None, None),
        (Hours(start=time(22), end=time(5)), None, "2026-01-27T22:00"),
        (Hours(start=time(16), end=time(18)), "Asia/Kolkata", "2026-01-27T10:30"),
        (Hours(start=time(3), end=time(3)), None, None),
        (Hours(start=time(20), end=time(22)), "No/Where", "2026-01-27T20:00"),
    ],
    ids=[
        "inside",
        "later_today",
        "tomorrow",
        "over_midnight",
        "before_the_night",
        "in_its_zone",
        "all_day",
        "bad_zone",
    ],
)
def test_active_hours_hold_a_check_until_they_begin(active: Hours, zone: str | None, expected: str | None) -> None:
    feed = make_feed(active=active, timezone=zone)
    due = NOW + wait(feed=feed)
    want = NOW + wait() if expected is None else datetime.fromisoformat(expected).replace(tzinfo=UTC)
    assert due == want


def failed(kind: FailureKind, failures: int, *, feed: Feed | None = None, **how: Any) -> timedelta:
    feed = feed or make_feed()
    state = make_state(feed, **{**VALID, "failures": failures, "strikes": how.pop("strikes", 0)})
    return after_failure(feed, state, kind, times=every(6 * HOUR), document=50, now=NOW, **how) - NOW


OWN = own(every(6 * HOUR), document=50)


@pytest.mark.parametrize("kind", list(FailureKind))
def test_every_failure_backs_off_to_a_day_and_stays_there(kind: FailureKind) -> None:
    waits = [failed(kind, n) for n in range(1, 40)]
    assert waits == sorted(waits)
    assert waits[0] >= OWN
    assert waits[-1] == CEILING


@pytest.mark.parametrize(
    ("kind", "waits"),
    [
        (FailureKind.TIMEOUT, [OWN, OWN, OWN, OWN, timedelta(hours=4), timedelta(hours=8), timedelta(hours=16)]),
        (FailureKind.CLIENT, [OWN, 2 * OWN, 4 * OWN, 8 * OWN]),
        (FailureKind.HTML, [OWN, 2 * OWN, 4 * OWN, 8 * OWN]),
        (FailureKind.RATE, [OWN, OWN, timedelta(hours=4), timedelta(hours=8), timedelta(hours=16), CEILING]),
        (FailureKind.GONE, [CEILING, CEILING]),
    ],
)
def test_each_class_of_failure_has_its_own_pace(kind: FailureKind, waits: list[timedelta]) -> None:
    for failures, expected in enumerate(waits, start=1):
        assert close(failed(kind, failures), expected), failures


def test_a_new_feed_that_never_answered_is_tried_again_in_an_hour() -> None:
    feed = make_feed()
    due = after_failure(feed, make_state(feed, failures=1), FailureKind.DNS, now=NOW)
    assert close(due - NOW, FLOOR)


@pytest.mark.parametrize(
    ("retry_after", "expected"),
    [
        (timedelta(seconds=7200), OWN),
        (5 * HOUR, 5 * HOUR),
        (timedelta(seconds=1), OWN),
        (3 * DAY, 3 * DAY),
        (timedelta(seconds=99999999), 7 * DAY),
    ],
)
def test_case_7_13_retry_after_holds_up_to_seven_days(retry_after: timedelta, expected: timedelta) -> None:
    assert failed(FailureKind.RATE, 1, retry_after=retry_after) == expected


def test_a_poisoned_feed_is_tried_daily() -> None:
    assert failed(FailureKind.PARSE_TIMEOUT, 3, strikes=3) == CEILING


def test_a_person_s_long_interval_is_not_cut_by_a_failure() -> None:
    assert failed(FailureKind.TIMEOUT, 1, feed=make_feed(interval=3 * DAY)) == 3 * DAY


@pytest.mark.parametrize(
    ("failure", "failures", "expected"),
    [
        (FetchFailed(kind=FailureKind.RATE, detail="", status=429, retry_after=2 * HOUR), 1, 2 * HOUR),
        (FetchFailed(kind=FailureKind.RATE, detail="", status=429, retry_after=90 * DAY), 1, 7 * DAY),
        (FetchFailed(kind=FailureKind.RATE, detail="", status=429), 1, HOUR),
        (FetchFailed(kind=FailureKind.RATE, detail="", status=429), 3, 4 * HOUR),
        (FetchFailed(kind=FailureKind.SERVER, detail="", status=503), 9, timedelta(minutes=15)),
        (FetchFailed(kind=FailureKind.RATE, detail="", status=302, retry_after=3 * HOUR), 1, 3 * HOUR),
        (FetchFailed(kind=FailureKind.REDIRECT, detail=""), 1, None),
        (FetchFailed(kind=FailureKind.SERVER, detail="", status=500), 9, None),
        (FetchFailed(kind=FailureKind.TIMEOUT, detail=""), 9, None),
    ],
)
def test_case_7_14_case_7_15_429_503_and_a_redirect_that_asks_for_a_pause_hold_the_host(
    failure: FetchFailed, failures: int, expected: timedelta | None
) -> None:
    held = host_hold(failure, make_state(failures=failures), now=NOW)
    assert held == (None if expected is None else NOW + expected)


@pytest.mark.parametrize(
    ("strikes", "lasts", "expected"),
    [
        (1, timedelta(minutes=2), timedelta(minutes=2)),
        (2, timedelta(minutes=2), timedelta(minutes=15)),
        (2, HOUR, HOUR),
        (3, timedelta(minutes=2), DAY),
        (9, timedelta(minutes=2), DAY),
    ],
)
def test_a_claim_puts_the_next_check_out_of_reach_first(strikes: int, lasts: timedelta, expected: timedelta) -> None:
    assert claimed(make_state(strikes=strikes), NOW, NOW + lasts) == NOW + expected


STATES = st.builds(
    make_state,
    etag=st.sampled_from([None, b'"1"']),
    succeeded_at=st.sampled_from([None, NOW]),
    unchanged=st.integers(0, 2000),
    gap_rounds=st.integers(0, 5),
    failures=st.integers(1, 5000),
    hints=st.builds(
        Hints,
        max_age=st.none() | st.timedeltas(timedelta(0), 9999 * DAY),
        ttl=st.none() | st.timedeltas(timedelta(0), 9999 * DAY),
        skip_hours=st.frozensets(st.integers(0, 23)),
        skip_days=st.frozensets(st.integers(0, 6)),
    ),
)
TIMES = st.lists(st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)), max_size=60)  # noqa: DTZ001 - bounds are naive by contract


@given(state=STATES, times=TIMES, document=st.integers(0, 99), kind=st.sampled_from(list(FailureKind)))
def test_whatever_was_learned_the_next_check_is_neither_too_soon_nor_too_late(
    state: FeedState, times: list[datetime], document: int, kind: FailureKind
) -> None:
    feed = make_feed()
    due = next_check(feed, state, times=times, document=document, now=NOW) - NOW
    assert timedelta(minutes=15) <= due <= 2.1 * CEILING
    if not state.hints.max_age and not state.hints.ttl:
        assert due >= FLOOR
    after = after_failure(feed, state, kind, times=times, document=document, now=NOW) - NOW
    assert timedelta(minutes=15) <= after <= 2 * CEILING
    strict = next_check(replace(feed, politeness="strict"), state, times=times, document=document, now=NOW)
    assert strict - NOW >= CEILING
