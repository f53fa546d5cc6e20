"""The small texts of a feed list (durations, times, days, zones) -> values, and back.

Each reader raises ValueError saying what was expected, never what was found.
"""

import difflib
import re
from collections.abc import Iterable
from datetime import time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from aggregator.core.model.feeds import Hours
from aggregator.core.model.subscriptions import WEEKDAYS

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DAY_WORDS = {
    "daily": frozenset(range(7)),
    "weekdays": frozenset(range(5)),
    "weekends": frozenset({5, 6}),
    "weekly": frozenset({0}),
}
DURATION = r"(?:[0-9]{1,6}[smhdw])+"
CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"
HOURLY = f"hourly(?: {CLOCK}-{CLOCK})?"


def duration(text: object) -> timedelta:
    """`48h`, `30m`, `7d`, `1h30m`; a bare 0 is none at all."""
    if isinstance(text, int | str) and str(text) == "0":
        return timedelta()
    if not isinstance(text, str) or not re.fullmatch(DURATION, text):
        raise ValueError("expected a duration such as 30m, 48h or 7d")
    return timedelta(seconds=sum(int(n) * _SECONDS[unit] for n, unit in re.findall(r"([0-9]+)([smhdw])", text)))


def duration_text(span: timedelta) -> str:
    """The shortest text that `duration` reads back, in one unit; seconds are the finest."""
    seconds = round(span.total_seconds())
    if not seconds:
        return "0"
    unit = next(unit for unit in ("d", "h", "m", "s") if seconds % _SECONDS[unit] == 0)
    return f"{seconds // _SECONDS[unit]}{unit}"


def clock(text: object) -> time:
    """A local time of day, `07:30`."""
    if not isinstance(text, str) or not re.fullmatch(CLOCK, text):
        raise ValueError('expected a time such as "07:30"')
    return time.fromisoformat(text)


def clocks(value: object) -> list[time]:
    """One local time or several, sorted, each once; `hourly` is every full hour, `hourly 08:30-18:30` each hour of a span."""
    if isinstance(value, str) and value.startswith("hourly"):
        return _hourly(value)
    written = value if isinstance(value, list) else [value]
    if not 0 < len(written) <= 24:
        raise ValueError("expected from one to 24 times")
    return sorted({clock(item) for item in written})


def _hourly(text: str) -> list[time]:
    if not re.fullmatch(HOURLY, text):
        raise ValueError('expected hourly, or hours such as "hourly 08:00-18:00"')
    span = hours(text.removeprefix("hourly ")) if " " in text else Hours(start=time(0), end=time(23))
    first, last = span.start.hour * 60 + span.start.minute, span.end.hour * 60 + span.end.minute
    minutes = range(first, (last if first < last else last + 24 * 60) + 1, 60)
    return sorted(time(minute // 60 % 24, minute % 60) for minute in minutes)


def hours(text: object) -> Hours:
    """A span of local time, `22:00-06:00`."""
    if not isinstance(text, str) or not re.fullmatch(f"{CLOCK}-{CLOCK}", text):
        raise ValueError('expected hours such as "22:00-06:00"')
    start, end = text.split("-")
    if start == end:
        raise ValueError("expected hours that begin and end at different times")
    return Hours(start=time.fromisoformat(start), end=time.fromisoformat(end))


def days(value: object) -> frozenset[int]:
    """`daily`, `weekdays`, `weekends`, `weekly` (on Monday), or days such as `[mon, thursday]`; Monday is 0."""
    if isinstance(value, str) and value.lower() in _DAY_WORDS:
        return _DAY_WORDS[value.lower()]
    written = value if isinstance(value, list) else [value]
    if not written:
        raise ValueError("expected at least one day")
    return frozenset(_day(item) for item in written)


def _day(word: object) -> int:
    if isinstance(word, str) and len(word) >= 3:
        for number, name in enumerate(WEEKDAYS):
            if name.startswith(word.lower()):
                return number
    raise ValueError("expected daily, weekdays, weekends, weekly, or days such as [mon, thursday]")


def zone(name: str) -> str:
    """The name of a zone of the IANA database."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        near = nearest(name, available_timezones(), cutoff=0)
        raise ValueError(f"expected an IANA time zone, the nearest is {near}") from None
    return name


def nearest(word: str, names: Iterable[str], *, cutoff: float = 0.5) -> str:
    """The name most like `word`; empty when none is as like as `cutoff` (from 0 to 1) asks."""
    lower = {name.lower(): name for name in sorted(names, reverse=True)}
    found = difflib.get_close_matches(word.lower(), sorted(lower), n=1, cutoff=cutoff)
    return lower[found[0]] if found else ""
