"""Stories a day: what counts, what is expected, and what is a spike or a silence."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.core.model.trends import CheckedDay, Hit, Trend
from aggregator.core.stories.trends import LOOKBACK, slices, trend
from aggregator.core.stories.watch import watch

TODAY = date(2026, 3, 31)  # a Tuesday
SPAN = 30
ALL = [TODAY - timedelta(days=back) for back in range(SPAN + LOOKBACK, -1, -1)]
NUMBERS = count(1)


def hit(day: date, feed: str = "wire", *, story: str | None = None, hour: float = 10.0, **said: Any) -> Hit:
    number = next(NUMBERS)
    values: dict[str, Any] = {"tier": "media", **said}
    seen = datetime.combine(day, time(), UTC) + timedelta(hours=hour)
    return Hit(entry_id=number, story=story or f"entry {number}", feed_id=feed, first_seen=seen, **values)


def usual(feed: str = "wire", *, a_day: int = 2, days: Iterable[date] = ALL) -> list[Hit]:
    """So many stories on each weekday, none at the weekend."""
    return [hit(day, feed) for day in days if day.weekday() < 5 for _ in range(a_day)]


def read(*feeds: str, days: Iterable[date] = ALL, gaps: Iterable[date] = ()) -> list[CheckedDay]:
    torn = set(gaps)
    return [
        CheckedDay(feed_id=feed, day=day, checks=24, ok=24, gaps=int(day in torn)) for feed in feeds for day in days
    ]


def made(hits: list[Hit], days: list[CheckedDay], **asked: Any) -> Trend:
    return trend(hits, watch(days), until=TODAY, days=SPAN, **asked)


def test_a_story_counts_once_however_many_outlets_carry_it() -> None:
    copies = [hit(TODAY, feed, story="one") for feed in ("wire", "post", "times") for _ in range(3)]
    shown = made([*usual(), *copies], read("wire", "post", "times"))
    assert (shown.days[-1].stories, shown.spikes) == (3, ())


def test_a_burst_is_a_spike_and_names_its_stories() -> None:
    burst = [hit(TODAY - timedelta(days=4)) for _ in range(12)]
    found = made([*usual(), *burst], read("wire"))
    (spike,) = found.spikes
    assert spike.day == TODAY - timedelta(days=4)
    assert {one.entry_id for one in burst} <= set(spike.entries)
    assert spike.counted == len(spike.entries) == 14
    assert 1.5 < spike.expected < 2.5


def test_a_rhythm_of_the_week_is_no_spike_and_a_busy_sunday_is_one() -> None:
    assert made(usual(a_day=9), read("wire")).spikes == ()
    sunday = TODAY - timedelta(days=2)
    found = made([*usual(a_day=9), *(hit(sunday) for _ in range(9))], read("wire"))
    assert [one.day for one in found.spikes] == [sunday]


def test_few_sundays_are_judged_by_the_weekends_they_belong_to() -> None:
    calm = [*usual(a_day=4), *(hit(day) for day in ALL if day.weekday() > 4)]
    sunday = TODAY - timedelta(days=2)
    expected = {one.day: one.expected or 0.0 for one in made(calm, read("wire")).days}
    assert 0.9 < expected[sunday] < 1.4
    burst = [hit(sunday) for _ in range(6)]
    assert [one.day for one in made([*calm, *burst], read("wire")).spikes] == [sunday]


def test_a_rest_on_other_days_than_the_weekend_is_learned_as_well() -> None:
    calm = [hit(day) for day in ALL if day.weekday() not in {4, 5} for _ in range(6)]
    expected = {one.day: one.expected or 0.0 for one in made(calm, read("wire")).days}
    thursday, friday, sunday = (max(day for day in ALL if day.weekday() == at) for at in (3, 4, 6))
    assert expected[friday] < expected[sunday] / 3
    assert expected[friday] < expected[thursday] / 3


def test_a_new_feed_makes_no_spike_when_it_comes_nor_when_it_has_settled() -> None:
    added = [day for day in ALL if day > TODAY - timedelta(days=25)]
    archive = [hit(added[0], "new", live=False) for _ in range(200)]
    found = made(
        [*usual(), *archive, *usual("new", a_day=9, days=added[1:])], [*read("wire"), *read("new", days=added)]
    )
    assert found.spikes == ()
    assert found.days[-1].stories == 11


def test_a_feed_that_comes_back_brings_a_backlog_and_no_spike() -> None:
    away = {TODAY - timedelta(days=back) for back in range(5, 12)}
    back = TODAY - timedelta(days=4)
    there = [day for day in ALL if day not in away]
    undated = [hit(back) for _ in range(14)]
    dated = [hit(back, published=datetime.combine(day, time(9), UTC)) for day in sorted(away) for _ in range(2)]
    for backlog in (undated, dated):
        assert made([*usual(days=there), *backlog], read("wire", days=there)).spikes == ()


def test_news_of_the_very_day_on_which_a_feed_comes_back_is_a_spike_all_the_same() -> None:
    back = TODAY - timedelta(days=4)
    there = [day for day in ALL if day != back - timedelta(days=1)]
    fresh = [hit(back, published=datetime.combine(back, time(8), UTC)) for _ in range(14)]
    assert [one.day for one in made([*usual(days=there), *fresh], read("wire", days=there)).spikes] == [back]


def test_what_older_pages_bring_after_a_gap_is_no_spike() -> None:
    day = TODAY - timedelta(days=1)
    found = made([*usual(), *(hit(day) for _ in range(20))], read("wire", gaps=[day]))
    assert found.spikes == ()
    assert found.days[-2].stories == 22


def test_an_archive_that_a_new_topic_is_tried_on_is_no_spike() -> None:
    assert made([*usual(), *(hit(TODAY, live=False) for _ in range(500))], read("wire")).spikes == ()


def test_nothing_is_expected_of_feeds_that_were_not_read() -> None:
    away = {TODAY - timedelta(days=1)}
    there = [day for day in ALL if day not in away]
    hits = [*usual(a_day=6, days=there), *usual("post", a_day=2)]
    found = made(hits, [*read("wire", days=there), *read("post")])
    before, gone = found.days[-9].expected, found.days[-2].expected
    assert before is not None
    assert gone is not None
    assert gone < before / 2
    assert found.days[-2].covered == pytest.approx(0.25, abs=0.05)


def test_a_spike_does_not_hide_the_next_one_and_a_lasting_rise_becomes_usual() -> None:
    first, second = TODAY - timedelta(days=20), TODAY - timedelta(days=6)
    bursts = [hit(day) for day in (first, second) for _ in range(10)]
    assert [one.day for one in made([*usual(), *bursts], read("wire")).spikes] == [first, second]
    risen = usual(days=ALL[:-28]) + usual(a_day=12, days=ALL[-28:])
    assert made(risen, read("wire")).spikes[-1].day < TODAY - timedelta(days=7)


def test_two_weeks_are_needed_before_anything_is_judged() -> None:
    young = ALL[-10:]
    found = made([*usual(days=young), *(hit(TODAY) for _ in range(40))], read("wire", days=young))
    assert found.spikes == ()
    assert {one.expected for one in found.days} == {None}


def test_a_topic_that_stopped_is_silent_while_its_feeds_are_read() -> None:
    stopped = [day for day in ALL if day <= TODAY - timedelta(days=9)]
    silence = made(usual(days=stopped), read("wire")).silence
    assert silence is not None
    assert (silence.since, silence.days, silence.healthy) == (TODAY - timedelta(days=11), 10, True)  # a Friday
    assert silence.expected > 8


def test_a_topic_whose_feeds_failed_is_not_called_silent() -> None:
    stopped = [day for day in ALL if day <= TODAY - timedelta(days=9)]
    silence = made(usual(days=stopped), read("wire", days=stopped)).silence
    assert silence is not None
    assert not silence.healthy


def test_a_short_pause_is_no_silence() -> None:
    monday = TODAY - timedelta(days=1)
    assert made(usual(days=[day for day in ALL if day < monday]), read("wire")).silence is None
    assert made([], read("wire")).silence is None


def test_slices_are_by_clause_tier_and_feed() -> None:
    hits = [
        hit(TODAY, "un", tier="official", clauses=("treaty", "agencies")),
        hit(TODAY, "wire", clauses=("treaty",)),
    ]
    assert {key: len(own) for key, own in slices(hits, "clause").items()} == {"treaty": 2, "agencies": 1}
    assert list(slices(hits, "tier")) == ["media", "official"]
    assert list(slices(hits, "feed")) == ["un", "wire"]
    with pytest.raises(ValueError, match="not by colour"):
        slices(hits, "colour")


Copies = st.lists(
    st.tuples(st.integers(0, SPAN), st.integers(0, 6), st.sampled_from(["wire", "post", "un"])), max_size=60
)


@settings(max_examples=25, deadline=None)
@given(copies=Copies, seed=st.randoms(use_true_random=False))
def test_copies_and_their_order_change_nothing(copies: list[tuple[int, int, str]], seed: Any) -> None:
    hits = [hit(TODAY - timedelta(days=back), feed, story=f"{back} {n}") for back, n, feed in copies]
    again = [*hits, *hits]
    seed.shuffle(again)
    days = read("wire", "post", "un")
    assert made(again, days) == made(sorted(hits, key=lambda one: one.first_seen), days)


@settings(max_examples=25, deadline=None)
@given(copies=Copies)
def test_what_counts_is_part_of_what_came_and_a_spike_tells_all_of_it(copies: list[tuple[int, int, str]]) -> None:
    hits = [hit(TODAY - timedelta(days=back), feed, story=f"{back} {n}", live=n != 3) for back, n, feed in copies]
    found = made([*usual(), *hits], read("wire", "post"))
    assert len(found.days) == SPAN
    assert all(0 <= one.counted <= one.stories and 0 <= one.covered <= 1 for one in found.days)
    by_day = {one.day: one for one in found.days}
    assert all(len(one.entries) == one.counted == by_day[one.day].counted for one in found.spikes)
