"""A feed's own rhythm says what is unusually quiet."""

import random
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.core.stories.silence import SHORTEST, ReadDay, is_quiet, learn, quiet, spoken

START = date(2026, 1, 5)  # a Monday


def at(day: int, hour: float) -> datetime:
    return datetime.combine(START + timedelta(days=day), time(), UTC) + timedelta(hours=hour)


def office(days: int, *, seed: int = 1) -> list[datetime]:
    """One entry each weekday in the morning."""
    rng = random.Random(seed)
    return [at(day, rng.uniform(7, 11)) for day in range(days) if (START + timedelta(days=day)).weekday() < 5]


def seen(arrivals: list[datetime], until: datetime) -> str | None:
    found = quiet(arrivals, (), active_at=None, seen_at=until)
    return found.words if found else None


def test_a_weekend_is_no_silence_for_a_feed_that_rests_on_weekends() -> None:
    arrivals = office(61)  # up to a Friday
    assert seen(arrivals, at(63, 6)) is None
    assert seen(arrivals, at(64, 6)) is None


def test_the_same_pause_within_the_week_is_one() -> None:
    arrivals = office(57)  # up to a Monday
    assert arrivals[-1] < at(57, 0)
    assert seen(arrivals, at(57, 20)) is None
    assert seen(arrivals, at(60, 6)) == "usually an entry every day, none for 4 days"


def test_a_feed_of_one_entry_a_week_has_a_week_and_more() -> None:
    weekly = [at(7 * week + 1, 14) for week in range(12)]
    assert seen(weekly, weekly[-1] + timedelta(days=8)) is None
    assert seen(weekly, weekly[-1] + timedelta(days=21)) is not None


def test_what_a_feed_paused_before_is_no_news() -> None:
    arrivals = [at(day, 9) for day in range(90) if not 20 < day < 31 and not 60 < day < 70]
    assert seen(arrivals, arrivals[-1] + timedelta(days=9)) is None
    assert seen(arrivals, arrivals[-1] + timedelta(days=14)) is not None


def test_no_rhythm_is_learned_from_a_handful_of_entries() -> None:
    assert learn([at(day, 9) for day in range(7)], ()) is None
    assert seen([at(day, 9) for day in range(7)], at(300, 9)) is None


def test_entries_that_came_together_are_one_moment() -> None:
    bulk = [at(day, 9) + timedelta(seconds=n) for day in range(0, 12, 3) for n in range(40)]
    assert learn(bulk, ()) is None


def test_only_what_was_read_tells_of_a_silence() -> None:
    arrivals = office(57)
    assert quiet(arrivals, (), active_at=None, seen_at=None) is None
    assert quiet(arrivals, (), active_at=None, seen_at=arrivals[-1] + timedelta(hours=11)) is None
    assert quiet((), (), active_at=at(0, 0), seen_at=at(60, 0)) is None


def test_an_entry_dated_long_ago_that_came_today_is_activity_all_the_same() -> None:
    arrivals = office(57)
    now = arrivals[-1] + timedelta(days=6)
    assert quiet(arrivals, (), active_at=now - timedelta(hours=5), seen_at=now) is None


def test_a_busy_feed_knows_its_weekends_by_what_each_day_brought() -> None:
    rng = random.Random(3)
    friday = 60
    arrivals = sorted(at(friday - 2 + n // 50, rng.uniform(6, 20)) for n in range(150))
    weeks = [ReadDay(day=START + timedelta(days=n), new=0 if n % 7 > 4 else 50) for n in range(4, friday)]
    sunday = at(friday + 2, 12)
    assert quiet(arrivals, weeks, active_at=None, seen_at=sunday) is None
    assert quiet(arrivals, weeks, active_at=None, seen_at=at(friday + 4, 20)) is not None


def test_the_first_weekend_of_a_busy_feed_is_no_silence_and_three_days_are() -> None:
    arrivals = [at(day, hour) for day in range(5) for hour in (8, 12, 17)]
    days = [ReadDay(day=START + timedelta(days=n), new=3) for n in range(5)]
    assert quiet(arrivals, days, active_at=None, seen_at=at(7, 7.5)) is None
    assert quiet(arrivals, days, active_at=None, seen_at=at(7, 18)) is not None


def test_a_busy_feed_is_told_within_the_day_and_its_nights_are_none() -> None:
    rng = random.Random(5)
    arrivals = sorted(at(day, rng.uniform(6, 20)) for day in range(4) for _ in range(30))
    weeks = [ReadDay(day=START + timedelta(days=n), new=30) for n in range(-52, 4)]
    evening = max(arrivals)
    assert quiet(arrivals, weeks, active_at=None, seen_at=at(4, 8.5)) is None
    assert quiet(arrivals, weeks, active_at=None, seen_at=evening + timedelta(hours=23)) is not None


@settings(max_examples=60, deadline=None)
@given(
    days=st.lists(st.floats(0, 120), min_size=8, max_size=60, unique=True),
    pause=st.floats(0, 90),
    longer=st.floats(0, 90),
)
def test_who_is_quiet_stays_quiet_until_something_comes(days: list[float], pause: float, longer: float) -> None:
    rhythm = learn([at(0, 0) + timedelta(days=day) for day in days], ())
    if rhythm is None:
        return
    last = at(130, 0)
    first, second = last + timedelta(days=pause), last + timedelta(days=pause + longer)
    assert not is_quiet(rhythm, last, last + SHORTEST - timedelta(seconds=1))
    assert not is_quiet(rhythm, last, first) or is_quiet(rhythm, last, second)


@settings(max_examples=40, deadline=None)
@given(days=st.lists(st.floats(0, 120), min_size=8, max_size=60), seed=st.randoms(use_true_random=False))
def test_the_order_of_arrivals_does_not_matter(days: list[float], seed: random.Random) -> None:
    arrivals = [at(0, 0) + timedelta(days=day) for day in days]
    mixed = list(arrivals)
    seed.shuffle(mixed)
    assert learn(mixed, ()) == learn(arrivals, ())


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (timedelta(seconds=20), "minute"),
        (timedelta(minutes=40), "40 minutes"),
        (timedelta(minutes=59), "1 hour"),
        (timedelta(hours=20), "20 hours"),
        (timedelta(hours=25), "1 day"),
        (timedelta(days=9.4), "9 days"),
    ],
)
def test_lengths_are_told_in_their_unit(length: timedelta, words: str) -> None:
    assert spoken(length) == words
