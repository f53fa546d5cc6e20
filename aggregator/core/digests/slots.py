"""Turns what a person set (local times, weekdays, a zone, quiet hours) into UTC instants.

It never reads a clock and never loses or doubles a run where a zone's clock is moved.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from aggregator.core.digests.times import zone_of, zone_or_utc
from aggregator.core.model.feeds import Hours
from aggregator.core.model.subscriptions import Schedule

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One run: the UTC instant it is due at, and the naive local wall time that was asked for."""

    at: datetime
    local: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A mail is due: for the slot at `slot_at` (UTC), and in place of `coalesced` earlier instants that were missed."""

    slot_at: datetime
    coalesced: int = 0


def zone_problem(name: str) -> str | None:
    """Say why `name` is no IANA zone, in one line for people, or None when it is one."""
    return None if zone_of(name) else f"unknown time zone {name!r}; expected an IANA name such as Europe/Berlin or UTC"


def slots(schedule: Schedule, timezone: str, *, after: datetime, until: datetime) -> tuple[Slot, ...]:
    """Every run of `schedule` strictly after `after` and up to and including `until`, oldest first.

    Each local date has each of its times exactly once. A time inside a gap runs at the first valid instant after the
    gap, a time that comes twice runs the first time, and a date that a zone leaves out has no run. Runs of one date
    whose times fall into one gap share an instant. A zone that does not exist counts as UTC (see `zone_problem`).
    """
    zone = zone_or_utc(timezone)
    first, last = after.astimezone(zone).date(), until.astimezone(zone).date()
    # A gap over midnight carries a run into the next date, a fold over midnight brings back the date before.
    found = (
        Slot(at=at, local=datetime.combine(day, wall))
        for day in _dates(first - DAY, last + DAY)
        if day.weekday() in schedule.days
        for wall in set(schedule.at)
        if (at := _instant(day, wall, zone)) is not None and after < at <= until
    )
    return tuple(sorted(found, key=lambda slot: (slot.at, slot.local)))


def due(schedule: Schedule, timezone: str, *, last: datetime | None, created: datetime, now: datetime) -> Due | None:
    """The newest slot that has come by `now` and was not dealt with, or None.

    `last` is the slot dealt with last; without one, slots count from `created`. After an outage of any length the
    result is one slot, and `coalesced` says how many distinct earlier instants it covers. All times are aware.
    """
    after = created if last is None else last
    if after > now + DAY:  # a clock that was far ahead has left this behind: it must not silence the time until then
        after = now - DAY
    missed = slots(schedule, timezone, after=after, until=now)
    instants = sorted({slot.at for slot in missed})
    return Due(slot_at=instants[-1], coalesced=len(instants) - 1) if instants else None


def quiet_until(hours: Hours, timezone: str, now: datetime) -> datetime | None:
    """When the quiet span that holds `now` ends (UTC), or None when `now` is not quiet.

    A span includes its start and excludes its end; `start > end` runs over midnight, and `start == end` is no span.
    """
    zone = zone_or_utc(timezone)
    today = now.astimezone(zone).date()
    for day in (today - DAY, today):
        start = moment_of(day, hours.start, zone)
        end = moment_of(day if hours.start <= hours.end else day + DAY, hours.end, zone)
        if start <= now < end:
            return end
    return None


def moment_of(day: date, wall: time, zone: tzinfo) -> datetime:
    """The UTC instant of a local time in `zone`: the first of two, or the first valid one after a gap (PEP 495)."""
    local = datetime.combine(day, wall, tzinfo=zone)
    early, late = local.replace(fold=0), local.replace(fold=1)
    before, then = _offset(early), _offset(late)
    if before >= then:
        return early.astimezone(UTC)
    return turning(late.astimezone(UTC), early.astimezone(UTC), zone)


def turning(low: datetime, high: datetime, zone: tzinfo) -> datetime:
    """The first UTC second in `(low, high]` at which the zone's offset is no longer the one at `low`."""
    start = low.replace(microsecond=0)
    before = _offset(start.astimezone(zone))
    same, changed = 0, int((high - start).total_seconds()) + 1
    while changed - same > 1:
        middle = (same + changed) // 2
        if _offset((start + timedelta(seconds=middle)).astimezone(zone)) == before:
            same = middle
        else:
            changed = middle
    return start + timedelta(seconds=changed)


def _dates(first: date, last: date) -> Iterator[date]:
    for number in range((last - first).days + 1):
        yield first + timedelta(days=number)


def _instant(day: date, wall: time, zone: tzinfo) -> datetime | None:
    """The UTC instant of a local date and time, or None when the zone leaves that whole date out."""
    at = moment_of(day, wall, zone)
    # Only a gap moves a run to another date; it may be the end of a real date, or the whole of an absent one.
    if at.astimezone(zone).date() != day and moment_of(day, time.min, zone).astimezone(zone).date() != day:
        return None
    return at


def _offset(moment: datetime) -> timedelta:
    return moment.utcoffset() or timedelta(0)
