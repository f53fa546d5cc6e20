"""Every zone there is, through every change of its clock from 2020 to 2035: one run for each date and time, none lost."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest

from aggregator.core.digests.slots import due, slots
from aggregator.core.model.subscriptions import Schedule

TIMES = tuple(time.fromisoformat(text) for text in ("00:00", "00:30", "01:30", "02:00", "02:15", "02:30", "03:00"))
SEVEN = Schedule(at=TIMES)
HOURLY = Schedule(at=tuple(time(hour) for hour in range(24)))
FIRST, LAST = datetime(2020, 1, 1, tzinfo=UTC), datetime(2036, 1, 1, tzinfo=UTC)
STEP = timedelta(days=3)  # no zone goes and comes back within it
SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)
AROUND = timedelta(days=3)

Change = tuple[datetime, str]  # its instant, to the second, and the zone that makes it


def changes(name: str) -> Iterator[datetime]:
    """The instants at which a zone's clock is moved."""
    zone, moment = ZoneInfo(name), FIRST
    offset = moment.astimezone(zone).utcoffset()
    while moment < LAST:
        if (moment + STEP).astimezone(zone).utcoffset() != offset:
            low, high = moment, moment + STEP
            while high - low > SECOND:
                middle = low + (high - low) // 2
                low, high = (middle, high) if middle.astimezone(zone).utcoffset() == offset else (low, middle)
            yield high.replace(microsecond=0)
            offset = (moment + STEP).astimezone(zone).utcoffset()
        moment += STEP


@pytest.fixture(scope="module")
def every_change() -> dict[tuple[datetime, object, object], Change]:
    """Each change of each zone; zones that move the same clock at the same instant stand for each other."""
    found: dict[tuple[datetime, object, object], Change] = {}
    for name in sorted(available_timezones() - {"localtime", "Factory"}):
        zone = ZoneInfo(name)
        for instant in changes(name):
            before, after = ((instant - SECOND).astimezone(zone), instant.astimezone(zone))
            found.setdefault((instant, before.utcoffset(), after.utcoffset()), (instant, name))
    return found


def shown(zone: ZoneInfo, days: list[date], walls: tuple[time, ...], change: datetime) -> dict[datetime, datetime]:
    """Wall time -> the first instant at which a clock on the wall has reached it, found by watching the clock."""
    start = datetime(days[0].year, days[0].month, days[0].day, tzinfo=UTC) - DAY
    quarters = {start + 15 * number * MINUTE for number in range((len(days) + 2) * 96)}
    wanted = sorted(datetime.combine(day, wall) for day in days for wall in walls)
    reached: dict[datetime, datetime] = {}
    for moment in sorted(quarters | {change}):
        clock = moment.astimezone(zone).replace(tzinfo=None)
        while wanted and wanted[0] <= clock:
            reached[wanted.pop(0)] = moment
    return reached


@pytest.mark.parametrize("schedule", [SEVEN, HOURLY], ids=["seven times", "hourly"])
def test_no_change_of_a_clock_loses_or_doubles_a_run(
    every_change: dict[tuple[datetime, object, object], Change], schedule: Schedule
) -> None:
    assert len(every_change) > 500
    for change, name in every_change.values():
        zone = ZoneInfo(name)
        day = change.astimezone(zone).date()
        wanted = shown(zone, [day - DAY, day, day + DAY], schedule.at, change)
        found = slots(schedule, name, after=change - AROUND, until=change + AROUND)
        assert {slot.local: slot.at for slot in found if slot.local in wanted} == wanted, (name, change)
        assert len({slot.local for slot in found}) == len(found), (name, change)


def test_no_change_of_a_clock_loses_or_doubles_a_weekly_mail(
    every_change: dict[tuple[datetime, object, object], Change],
) -> None:
    """The mail of the changing day's own weekday, at each of the seven times, over three weeks."""
    for change, name in every_change.values():
        day = change.astimezone(ZoneInfo(name)).date()
        weeks = [datetime.combine(day + 7 * week * DAY, time.min) for week in (-1, 0, 1)]
        for wall in TIMES:
            weekly = Schedule(at=(wall,), days=frozenset({day.weekday()}))
            found = slots(weekly, name, after=change - 10 * DAY, until=change + 10 * DAY)
            expected = [datetime.combine(week, wall) for week in weeks]
            assert [slot.local for slot in found] == expected, (name, change, wall)


def test_ticks_of_a_service_deal_with_every_run_around_a_change_once(
    every_change: dict[tuple[datetime, object, object], Change],
) -> None:
    """What is asked every 25 minutes finds each instant of the seven times once, and never one that is to come."""
    for change, name in list(every_change.values())[::5]:
        last, created, met = None, change - DAY, 0
        for number in range(1, 116):
            now = created + number * 25 * MINUTE
            found = due(SEVEN, name, last=last, created=created, now=now)
            if found is not None:
                assert (last or created) < found.slot_at <= now, (name, change)
                last, met = found.slot_at, met + 1 + found.coalesced
        assert met == len({slot.at for slot in slots(SEVEN, name, after=created, until=now)}), (name, change)
