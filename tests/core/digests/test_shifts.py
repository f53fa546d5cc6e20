"""What a moved clock does to a run, said of real zones."""

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.digests.shifts import Shift, Turn, local_of, shift_of
from aggregator.core.digests.slots import Slot, slots
from aggregator.core.model.subscriptions import Schedule

YEAR = datetime(2026, 1, 1, tzinfo=UTC)
SOME_ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Antarctica/Troll",
    "Africa/Cairo",
    "Asia/Kolkata",
)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text)


def year_of(zone: str, *times: str) -> tuple[Slot, ...]:
    schedule = Schedule(at=tuple(time.fromisoformat(text) for text in times))
    return slots(schedule, zone, after=YEAR, until=YEAR + timedelta(days=365))


def shifts(zone: str, at: str) -> dict[str, Shift]:
    named = {f"{slot.local:%Y-%m-%d}": shift_of(slot, zone) for slot in year_of(zone, at)}
    return {day: shift for day, shift in named.items() if shift is not None}


def test_a_time_that_is_skipped_and_one_that_comes_twice_are_named() -> None:
    gap, fold = shifts("Europe/Berlin", "02:30").items()
    before, after = local("2026-03-29T02:00"), local("2026-03-29T03:00")
    assert gap == ("2026-03-29", Shift(turn=Turn.GAP, before=before, after=after))
    before, after = local("2026-10-25T03:00"), local("2026-10-25T02:00")
    assert fold == ("2026-10-25", Shift(turn=Turn.FOLD, before=before, after=after))


@pytest.mark.parametrize("at", ["01:59", "03:00"])
def test_times_beside_a_change_are_ordinary(at: str) -> None:
    assert shifts("Europe/Berlin", at) == {}


def test_a_clock_that_is_moved_by_half_an_hour_is_told_as_that() -> None:
    fold, gap = shifts("Australia/Lord_Howe", "01:45").values(), shifts("Australia/Lord_Howe", "02:15").values()
    assert [(one.before.time(), one.after.time()) for one in fold] == [(time(2), time(1, 30))]
    assert [(one.before.time(), one.after.time()) for one in gap] == [(time(2), time(2, 30))]


def test_a_midnight_that_is_skipped_runs_at_one() -> None:
    (gap,) = shifts("Africa/Cairo", "00:00").values()
    assert (gap.turn, gap.after.time()) == (Turn.GAP, time(1))


def test_a_zone_that_does_not_exist_counts_as_utc_and_never_moves() -> None:
    assert shifts("Mars/Olympus", "02:30") == {}
    (first, *_) = year_of("Mars/Olympus", "02:30")
    assert local_of(first, "Mars/Olympus") == first.at


@given(zone=st.sampled_from(SOME_ZONES), at=st.times().map(lambda one: one.replace(second=0, microsecond=0)))
def test_a_run_is_where_it_was_asked_for_except_in_a_gap(zone: str, at: time) -> None:
    for slot in year_of(zone, at.isoformat()):
        shift, shown = shift_of(slot, zone), local_of(slot, zone).replace(tzinfo=None)
        assert (shown != slot.local) == (shift is not None and shift.turn is Turn.GAP)
        if shift is not None and shift.turn is Turn.GAP:
            assert shift.before <= slot.local < shift.after == shown
        elif shift is not None:
            assert shift.after <= slot.local < shift.before
