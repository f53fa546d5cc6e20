"""Instants -> words in the reader's own zone. English names are spelled here, so that no locale of a host changes them.

It reads no clock; every instant and the zone are given.
"""

from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def zone_of(name: str) -> tzinfo | None:
    """The zone of an IANA name, None when there is no such zone."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # a name nobody knows, a path that climbs, a folder of zones
        return None


def zone_or_utc(name: str) -> tzinfo:
    """The zone of an IANA name; one that does not exist counts as UTC."""
    return zone_of(name) or UTC


def iso(at: datetime | None) -> str | None:
    """An instant in UTC to the second, `2026-01-20T06:30:00Z`; None for None."""
    return None if at is None else at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def local(instant: datetime, zone: tzinfo) -> datetime:
    """`instant` on a wall clock in `zone`; at the ends of the calendar, where no zone can shift it, in UTC."""
    try:
        return instant.astimezone(zone)
    except OverflowError:
        return instant.replace(tzinfo=UTC)


def offset_words(instant: datetime, zone: tzinfo) -> str:
    """How far the zone is from UTC at `instant`: `UTC+05:30`."""
    offset = local(instant, zone).utcoffset() or timedelta()
    minutes = round(abs(offset).total_seconds() / 60)
    return f"UTC{'-' if offset < timedelta() else '+'}{minutes // 60:02}:{minutes % 60:02}"


def long_words(instant: datetime, zone: tzinfo) -> str:
    """`Tuesday 20 January 2026, 07:30`."""
    at = local(instant, zone)
    return f"{_DAYS[at.weekday()]} {at.day} {_MONTHS[at.month - 1]} {at.year}, {at:%H:%M}"


def short_words(instant: datetime, zone: tzinfo, now: datetime) -> str:
    """`Tue 20 Jan, 07:30`, with the year when it is not the year of `now`."""
    at = local(instant, zone)
    year = "" if at.year == local(now, zone).year else f" {at.year}"
    return f"{day_words(at)}{year}, {at:%H:%M}"


def day_words(day: date) -> str:
    """`Tue 20 Jan`."""
    return f"{_DAYS[day.weekday()][:3]} {day.day} {_MONTHS[day.month - 1][:3]}"


def seen_words(published: datetime | None, first_seen: datetime, zone: tzinfo, now: datetime, *, doubtful: bool) -> str:
    """When an item was published and when we first saw it, the day said once when both fell on it.

    A date that cannot be right is quoted as the publisher's claim and called doubtful.
    """
    seen = short_words(first_seen, zone, now)
    if published is None:
        return f"No date given; seen {seen}"
    told = short_words(published, zone, now)
    if doubtful:
        return f"Dated {told} (doubtful); seen {seen}"
    if local(published, zone).date() == local(first_seen, zone).date():
        seen = f"{local(first_seen, zone):%H:%M}"
    return f"Published {told}; seen {seen}"
