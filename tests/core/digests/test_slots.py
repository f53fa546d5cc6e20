"""Laws of the schedule: each local date has each of its times exactly once, whatever a zone does to its clock."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.core.digests.slots import Due, Slot, due, quiet_until, slots, zone_problem
from aggregator.core.model.feeds import Hours
from aggregator.core.model.subscriptions import Schedule

TIMES = tuple(time.fromisoformat(text) for text in ("00:00", "00:30", "01:30", "02:00", "02:15", "02:30", "03:00"))
ALL_TIMES = Schedule(at=TIMES)
WEEK = timedelta(days=7)
HARD_ZONES = (
    "America/New_York",
    "America/Santiago",
    "America/Havana",
    "America/Nuuk",
    "Asia/Beirut",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Antarctica/Troll",
    "Africa/Casablanca",
    "Europe/Dublin",
    "Pacific/Apia",
    "UTC",
)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def clocks(*texts: str) -> tuple[time, ...]:
    return tuple(time.fromisoformat(text) for text in texts)


def weeks_that_hold_a_transition(zone: ZoneInfo, first: int, last: int) -> Iterator[datetime]:
    week, end = datetime(first, 1, 1, tzinfo=UTC), datetime(last + 1, 1, 1, tzinfo=UTC)
    while week < end:
        if week.astimezone(zone).utcoffset() != (week + WEEK).astimezone(zone).utcoffset():
            yield week
        week += WEEK


def transition_in(zone: ZoneInfo, week: datetime) -> datetime:
    quarters = (week + timedelta(minutes=15 * number) for number in range(1, 7 * 96 + 1))
    before = week.astimezone(zone).utcoffset()
    quarter = next(moment for moment in quarters if moment.astimezone(zone).utcoffset() != before)
    minutes = (quarter - timedelta(minutes=back) for back in range(14, -1, -1))
    return next(moment for moment in minutes if moment.astimezone(zone).utcoffset() != before)


def expected_slots(zone: ZoneInfo, around: datetime) -> dict[datetime, datetime]:
    """For the local dates around a transition: wall time -> the first instant at which a wall clock has reached it."""
    noon = around.astimezone(zone).date()
    start = datetime(noon.year, noon.month, noon.day, tzinfo=UTC) - timedelta(days=2)
    instants = {start + timedelta(minutes=15 * number) for number in range(5 * 96)} | {around}
    reached: dict[datetime, datetime] = {}
    wanted = sorted(datetime.combine(noon + timedelta(days=shift), wall) for shift in (-1, 0, 1) for wall in TIMES)
    for moment in sorted(instants):
        wall_clock = moment.astimezone(zone).replace(tzinfo=None)
        while wanted and wanted[0] <= wall_clock:
            reached[wanted.pop(0)] = moment
    return reached


@pytest.fixture(scope="module")
def transitions() -> dict[tuple[datetime, object, object], str]:
    """Every distinct clock change of any zone in 2020-2035, with one zone that makes it."""
    found: dict[tuple[datetime, object, object], str] = {}
    for name in sorted(available_timezones() - {"localtime", "Factory"}):
        zone = ZoneInfo(name)
        for week in weeks_that_hold_a_transition(zone, 2020, 2035):
            before, after = (moment.astimezone(zone).utcoffset() for moment in (week, week + WEEK))
            found.setdefault((week, before, after), name)
    return found


def test_every_clock_change_of_every_zone_leaves_one_slot_for_each_date_and_time(
    transitions: dict[tuple[datetime, object, object], str],
) -> None:
    assert len(transitions) > 500
    for (week, _, _), name in transitions.items():
        zone = ZoneInfo(name)
        change = transition_in(zone, week)
        wanted = expected_slots(zone, change)
        window = slots(ALL_TIMES, name, after=change - timedelta(days=4), until=change + timedelta(days=4))
        found = {slot.local: slot.at for slot in window if slot.local in wanted}
        assert found == wanted, (name, change)
        assert len({slot.local for slot in window}) == len(window), (name, change)


@pytest.mark.parametrize("name", HARD_ZONES)
def test_sixteen_years_have_every_date_and_time_once_and_in_order(name: str) -> None:
    found = slots(ALL_TIMES, name, after=utc("2019-12-30T00:00"), until=utc("2036-01-03T00:00"))
    days = [date(2020, 1, 1) + timedelta(days=number) for number in range(5844)]
    wanted = {datetime.combine(day, wall) for day in days for wall in TIMES}
    assert sorted(slot.local for slot in found if 2020 <= slot.local.year <= 2035) == sorted(wanted)
    assert [slot.at for slot in found] == sorted(slot.at for slot in found)


def test_a_time_that_comes_twice_runs_the_first_time() -> None:
    found = slots(Schedule(at=clocks("01:30")), "America/New_York", after=utc("2026-11-01"), until=utc("2026-11-02"))
    assert found == (Slot(at=utc("2026-11-01T05:30"), local=datetime.fromisoformat("2026-11-01T01:30")),)


def test_a_time_inside_a_gap_runs_at_the_first_valid_instant_after_it() -> None:
    found = slots(Schedule(at=clocks("02:30")), "America/New_York", after=utc("2026-03-08"), until=utc("2026-03-09"))
    assert found == (Slot(at=utc("2026-03-08T07:00"), local=datetime.fromisoformat("2026-03-08T02:30")),)


@pytest.mark.parametrize(
    ("name", "day", "at"),
    [
        ("America/Santiago", "2026-09-06", "2026-09-06T04:00"),
        ("Asia/Beirut", "2026-03-29", "2026-03-28T22:00"),
        ("America/Havana", "2026-03-08", "2026-03-08T05:00"),
    ],
)
def test_a_midnight_digest_is_not_skipped_where_the_clock_changes_at_midnight(name: str, day: str, at: str) -> None:
    midnight = Schedule(at=clocks("00:00"))
    found = slots(midnight, name, after=utc(day) - timedelta(hours=40), until=utc(day) + timedelta(hours=40))
    assert [slot.at for slot in found if slot.local == datetime.fromisoformat(day)] == [utc(at)]


def test_a_gap_that_ends_at_midnight_keeps_the_run_of_the_date_it_cut_short() -> None:
    found = slots(Schedule(at=clocks("23:30")), "America/Nuuk", after=utc("2026-03-28T12:00"), until=utc("2026-03-29"))
    assert found == ()
    found = slots(Schedule(at=clocks("23:30")), "America/Nuuk", after=utc("2026-03-29"), until=utc("2026-03-29T12:00"))
    assert found == (Slot(at=utc("2026-03-29T01:00"), local=datetime.fromisoformat("2026-03-28T23:30")),)


def test_a_date_that_a_zone_left_out_has_no_run() -> None:
    found = slots(Schedule(at=clocks("07:30")), "Pacific/Apia", after=utc("2011-12-28T20:00"), until=utc("2012-01-01"))
    assert [slot.local.day for slot in found] == [29, 31, 1]


def test_slots_start_after_one_bound_and_include_the_other() -> None:
    schedule = Schedule(at=clocks("07:30"))
    found = slots(schedule, "UTC", after=utc("2026-01-05T07:30"), until=utc("2026-01-07T07:30"))
    assert [slot.at for slot in found] == [utc("2026-01-06T07:30"), utc("2026-01-07T07:30")]
    assert slots(schedule, "UTC", after=utc("2026-01-07T07:30"), until=utc("2026-01-07T07:30")) == ()
    assert slots(schedule, "UTC", after=utc("2026-01-09"), until=utc("2026-01-07")) == ()


def test_weekdays_are_those_of_the_readers_zone() -> None:
    weekdays = Schedule(at=clocks("07:30"), days=frozenset(range(5)))
    found = slots(weekdays, "Pacific/Auckland", after=utc("2026-01-15"), until=utc("2026-01-22"))
    assert {slot.local.weekday() for slot in found} == {0, 1, 2, 3, 4}
    assert [slot.at.weekday() for slot in found if slot.local.weekday() == 0] == [6]


def test_an_immediate_subscription_has_no_slots() -> None:
    assert slots(Schedule(immediate=True), "UTC", after=utc("2026-01-01"), until=utc("2027-01-01")) == ()


def test_a_zone_that_does_not_exist_counts_as_utc_and_is_named() -> None:
    found = slots(Schedule(at=clocks("07:30")), "Asia/Atlantis", after=utc("2026-01-05"), until=utc("2026-01-06"))
    assert [slot.at for slot in found] == [utc("2026-01-05T07:30")]
    assert zone_problem("Asia/Kolkata") is None


@pytest.mark.parametrize("name", ["Asia/Atlantis", "", "America", "../../etc/passwd", "/etc/passwd", "a\0b", "Ä" * 300])
def test_a_wrong_zone_name_is_a_problem_and_never_a_crash(name: str) -> None:
    assert "unknown time zone" in (zone_problem(name) or "")


moments = st.datetimes(datetime(2020, 1, 1), datetime(2035, 12, 1), timezones=st.just(UTC))  # noqa: DTZ001 - Hypothesis takes naive bounds and adds the zone
spans = st.timedeltas(timedelta(0), timedelta(days=40))
zone_names = st.sampled_from(HARD_ZONES)


@given(zone_names, moments, spans, spans)
@settings(deadline=None)
def test_cutting_a_span_in_two_neither_loses_nor_doubles_a_slot(
    name: str, start: datetime, first: timedelta, second: timedelta
) -> None:
    middle, end = start + first, start + first + second
    whole = slots(ALL_TIMES, name, after=start, until=end)
    assert sorted(
        slots(ALL_TIMES, name, after=start, until=middle) + slots(ALL_TIMES, name, after=middle, until=end),
        key=lambda slot: (slot.at, slot.local),
    ) == list(whole)


@given(zone_names, moments, st.lists(st.timedeltas(timedelta(minutes=1), timedelta(days=9)), min_size=1, max_size=12))
@settings(deadline=None)
def test_ticks_at_any_times_deal_with_every_instant_once(name: str, created: datetime, waits: list[timedelta]) -> None:
    now, last, dealt = created, None, 0
    for wait in waits:
        now += wait
        found = due(ALL_TIMES, name, last=last, created=created, now=now)
        if found:
            assert last is None or found.slot_at > last
            assert found.slot_at <= now
            last, dealt = found.slot_at, dealt + 1 + found.coalesced
        assert due(ALL_TIMES, name, last=last, created=created, now=now) is None or last is None
    assert dealt == len({slot.at for slot in slots(ALL_TIMES, name, after=created, until=now)})


def test_an_outage_of_any_length_is_one_slot_that_says_how_many_it_covers() -> None:
    daily = Schedule(at=clocks("07:30"))
    found = due(daily, "Asia/Kolkata", last=utc("2020-01-01T02:00"), created=utc("2019-01-01"), now=utc("2024-01-01"))
    assert found == Due(slot_at=utc("2023-12-31T02:00"), coalesced=1459)


def test_nothing_is_due_before_the_first_slot_after_creation() -> None:
    daily = Schedule(at=clocks("07:30"))
    created = utc("2026-01-05T08:00")
    assert due(daily, "UTC", last=None, created=created, now=utc("2026-01-06T07:29")) is None
    assert due(daily, "UTC", last=None, created=created, now=utc("2026-01-06T07:30")) == Due(
        slot_at=utc("2026-01-06T07:30")
    )


def test_a_clock_that_was_far_ahead_for_a_while_silences_nothing_once_it_is_right() -> None:
    daily = Schedule(at=(time(7, 30),))
    right = Due(slot_at=utc("2026-01-06T07:30"))
    ahead, now = utc("2031-01-01"), utc("2026-01-06T07:31")
    assert due(daily, "UTC", last=ahead, created=utc("2026-01-01"), now=now) == right
    assert due(daily, "UTC", last=None, created=ahead, now=now) == right
    assert due(daily, "UTC", last=right.slot_at, created=utc("2026-01-01"), now=utc("2026-01-06T07:29")) is None


def test_times_that_meet_in_a_gap_are_one_mail() -> None:
    schedule = Schedule(at=clocks("02:00", "02:30", "03:00"))
    found = due(
        schedule, "America/New_York", last=utc("2026-03-08"), created=utc("2026-01-01"), now=utc("2026-03-08T12:00")
    )
    assert found == Due(slot_at=utc("2026-03-08T07:00"), coalesced=0)


NIGHT = Hours(start=time(22), end=time(6))


@pytest.mark.parametrize(
    ("now", "ends"),
    [
        ("2026-01-05T16:29", None),
        ("2026-01-05T16:30", "2026-01-06T00:30"),
        ("2026-01-05T23:00", "2026-01-06T00:30"),
        ("2026-01-06T00:29", "2026-01-06T00:30"),
        ("2026-01-06T00:30", None),
    ],
)
def test_quiet_hours_run_over_midnight_and_exclude_their_end(now: str, ends: str | None) -> None:
    assert quiet_until(NIGHT, "Asia/Kolkata", utc(now)) == (utc(ends) if ends else None)


def test_quiet_hours_within_a_day_and_of_no_length() -> None:
    lunch = Hours(start=time(12), end=time(13))
    assert quiet_until(lunch, "UTC", utc("2026-01-05T12:30")) == utc("2026-01-05T13:00")
    assert quiet_until(lunch, "UTC", utc("2026-01-05T11:59")) is None
    assert quiet_until(Hours(start=time(12), end=time(12)), "UTC", utc("2026-01-05T12:00")) is None


@given(zone_names, moments, st.times(), st.times())
@settings(deadline=None)
def test_quiet_hours_end_within_a_day_and_are_over_then(name: str, now: datetime, start: time, end: time) -> None:
    hours = Hours(start=start.replace(fold=0), end=end.replace(fold=0))
    ends = quiet_until(hours, name, now)
    if ends is not None:
        assert now < ends <= now + timedelta(hours=27)
        assert quiet_until(hours, name, ends) is None
