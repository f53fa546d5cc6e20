"""Date strings as publishers write them -> instants in UTC, or None. It never guesses what cannot be told.

Read are RFC 822, RFC 850, asctime, ISO 8601 and W3C-DTF, epoch seconds and milliseconds, `2026年11月22日`, dates with
month names in seven languages, with parts missing, doubled or glued together.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from aggregator.core.reading.datewords import AFTERNOON, MONTHS, MORNING, SHARED_ZONES, ZONES

EARLIEST = 1990  # no feed is older than feeds are by much: earlier years are mistakes
MAX_DATE = 120  # characters

_EPOCH_FROM = datetime(2000, 1, 1, tzinfo=UTC)
_OFFSET = re.compile(
    r"(?:\b(?:gmt|utc|ut|z)\s?)?([+\-\u2212])\s?(\d{1,2})(?::?([0-5]\d))?(?![\d:])(?:\s*\([^)]*\))?\s*$"
)
_TIME = re.compile(r"(?<!\d)([01]?\d|2[0-4])[:h]([0-5]\d)(?:[:.](\d{2})(?:[.,]\d{1,9})?)?(?!\d)")
_HOUR_ONLY = re.compile(r"(?<!\d)(1[0-2]|0?[1-9])\s?(?=(?:am|pm)\b)")
_GLUED_TIME = re.compile(r"((?:19|20)\d\d)(\d\d?:\d\d)")
_YEAR_FIRST = re.compile(r"(?<!\d)(\d{4})[-/.](\d{1,2})(?:[-/.](\d{1,2}))?(?!\d)")
_DAY_FIRST = re.compile(r"(?<!\d)(\d{1,2})[-/.](\d{1,2})[-/.](\d{4}|\d{2})(?!\d)")
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)")
_COMPACT_TIME = re.compile(r"^(\d{4})(\d\d)(\d\d)t?(\d\d)(\d\d)(?:(\d\d)(?:\.\d+)?)?(?!\d)")
_ISO_HOUR = re.compile(r"(\d-\d\d?t\d\d)(?=z|[+-]|$)")
_YEAR_LAST = re.compile(r"(\d:\d\d) ([+-]\d{4}|[a-z]{1,5}) (\d{4})$")
_ORDINAL = re.compile(r"(\d{4})-?(\d{3})(?=t|$)")
_WEEK = re.compile(r"(\d{4})-?w(\d\d)(?:-?([1-7]))?")
_WORD = re.compile(r"[^\W\d_][^\W\d_\u0300]*(?:[\u0900-\u097f]+)?|[\u0900-\u097f]+")
_NUMBER = re.compile(r"\d+")
_DAY_PARTS = re.compile(r"(?<=\d)\s?[年년月월]\s?(?=\d)")
_IDEOGRAPHS = str.maketrans({"日": " ", "일": " ", "月": " ", "월": " ", "时": ":", "時": ":", "点": ":", "分": " "})


@dataclass(frozen=True, slots=True)
class _Clock:
    hour: int = 0
    minute: int = 0
    second: int = 0


def parse_date(raw: str, *, now: datetime, zone: str | None = None, language: str | None = None) -> datetime | None:
    """The instant `raw` names, in UTC; None when it names none, or one before 1990.

    `zone` (IANA) is for dates without a zone and for abbreviations that several countries share (IST, BST, CST);
    without it the former are UTC and the latter India's, Britain's and America's. `language` (BCP 47) tells 3/4 from
    4/3. Bare digits count as epoch seconds or milliseconds only from 2000 to a day from `now`.
    """
    text = _normal(raw)
    if text.isascii() and text.isdigit() and (found := _epoch(int(text), now)) is not None:
        return found
    return _reckoned(text, zone, language)


def _reckoned(text: str, zone: str | None, language: str | None) -> datetime | None:
    home = _zone(zone)
    rest, where = _split_zone(text, home)
    rest, clock = _split_time(rest)
    day = _day(rest, language)
    if day is None or clock is None:
        return None
    try:
        local = datetime(*day, tzinfo=where) + timedelta(hours=clock.hour, minutes=clock.minute, seconds=clock.second)
        found = local.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return found if found.year >= EARLIEST else None


def _normal(raw: str) -> str:
    """Lower case, plain digits, single blanks; what was glued is parted."""
    text = unicodedata.normalize("NFC", raw[: 2 * MAX_DATE]).strip().lower()[:MAX_DATE]
    text = "".join(str(unicodedata.digit(char)) if char.isdigit() and not char.isascii() else char for char in text)
    text = " ".join(_GLUED_TIME.sub(r"\1 \2", _DAY_PARTS.sub("-", text).translate(_IDEOGRAPHS)).split())
    text = _ISO_HOUR.sub(r"\1:00", _YEAR_LAST.sub(r"\1 \3 \2", text))
    # Thirteen digits are epoch milliseconds, which the pattern's fixed widths never match whole.
    return text if len(text) == 13 and text.isdigit() else _COMPACT_TIME.sub(_parted, text)


def _parted(found: re.Match[str]) -> str:
    year, month, day, hour, minute, second = found.groups("00")
    return f"{year}-{month}-{day} {hour}:{minute}:{second}"


def _epoch(number: int, now: datetime) -> datetime | None:
    seconds = number / 1000 if number >= 10**11 else float(number)
    if seconds > now.timestamp() + 86400:
        return None
    found = datetime.fromtimestamp(seconds, UTC)
    return found if found >= _EPOCH_FROM else None


def _zone(name: str | None) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ValueError, OSError, KeyError):
        return None


def _split_zone(text: str, home: tzinfo | None) -> tuple[str, tzinfo]:
    """`text` without its zone, and the zone: a numeric offset, an abbreviation, or the feed's own."""
    offset = _OFFSET.search(text)
    if offset and (":" in text[: offset.start()] or offset.group(0)[0] in "guz"):
        minutes = int(offset.group(2)) * 60 + int(offset.group(3) or 0)
        if minutes <= 18 * 60:
            return text[: offset.start()], timezone(timedelta(minutes=minutes if offset.group(1) == "+" else -minutes))
    last = re.search(r"(?:(?<=\d)|\b)([a-z]{1,5})\.?\)?$", text)
    if last and last.group(1) in SHARED_ZONES:
        return text[: last.start()], home or timezone(timedelta(minutes=SHARED_ZONES[last.group(1)]))
    if last and last.group(1) in ZONES:
        return text[: last.start()], timezone(timedelta(minutes=ZONES[last.group(1)]))
    return text, home or UTC


def _split_time(text: str) -> tuple[str, _Clock | None]:
    """`text` without its time of day, and that time; midnight when it has none, None when it cannot be one."""
    words = set(re.split(r"[\s,\d:]+", text))
    half = 12 if words & AFTERNOON else 0 if words & MORNING else None
    found = _TIME.search(text) or (_HOUR_ONLY.search(text) if half is not None else None)
    if found is None:
        return (text, None) if re.search(r"\d:\d", text) else (text, _Clock())
    hour, minute, second = int(found.group(1)), 0, 0
    if found.re is _TIME:
        minute, second = int(found.group(2)), min(int(found.group(3) or 0), 59)
    if half is not None and hour <= 12:
        hour = hour % 12 + half
    rest = f"{text[: found.start()].rstrip('t')} {text[found.end() :]}"
    return rest, _Clock(hour, minute, second)


def _day(text: str, language: str | None) -> tuple[int, int, int] | None:
    """Year, month and day of what is left when zone and time are gone; not yet checked against the calendar."""
    months = [MONTHS[word] for word in _WORD.findall(text) if word in MONTHS]
    if months:
        # "mar. 10 mars": where a weekday's short form is a month's too, the month comes later.
        return _named_day(text, months[-1])
    if (found := _YEAR_FIRST.search(text)) is not None:
        return int(found.group(1)), int(found.group(2)), int(found.group(3) or 1)
    if (found := _DAY_FIRST.search(text)) is not None:
        return _numeric_day(int(found.group(1)), int(found.group(2)), _year(found.group(3)), language)
    return _compact_day(text.strip(" ,t"))


def _named_day(text: str, month: int) -> tuple[int, int, int] | None:
    numbers = [number for number in _NUMBER.findall(text) if len(number) <= 4]
    years = [number for number in numbers if len(number) == 4]
    days = [number for number in numbers if len(number) <= 2]
    if years and days:
        return int(years[0]), month, int(days[0])
    if not years and len(days) > 1:
        return _year(days[1]), month, int(days[0])
    return (int(years[0]), month, 1) if years and len(numbers) == 1 else None


def _numeric_day(first: int, second: int, year: int, language: str | None) -> tuple[int, int, int] | None:
    """Day and month in figures: by which can be no month, else by the language; unknown stays unknown."""
    if first > 12 or first == second:
        return year, second, first
    if second > 12:
        return year, first, second
    if not language:
        return None
    american = language.lower().replace("_", "-") in {"en-us", "en-ph"}
    return None if language.lower() == "en" else (year, first, second) if american else (year, second, first)


def _compact_day(text: str) -> tuple[int, int, int] | None:
    """The forms of ISO 8601 without separators, ordinal days, week dates, and a bare year."""
    if (found := _WEEK.fullmatch(text)) is not None:
        try:
            monday = datetime.fromisocalendar(int(found.group(1)), int(found.group(2)), int(found.group(3) or 1))
        except ValueError:
            return None
        return monday.year, monday.month, monday.day
    if (found := _COMPACT.fullmatch(text)) is not None:
        return int(found.group(1)), int(found.group(2)), int(found.group(3))
    if (found := _ORDINAL.fullmatch(text)) is not None and 1 <= int(found.group(2)) <= 366:
        day = datetime(int(found.group(1)) or 1, 1, 1, tzinfo=UTC) + timedelta(days=int(found.group(2)) - 1)
        return day.year, day.month, day.day
    return (int(text), 1, 1) if re.fullmatch(r"\d{4}", text) else None


def _year(written: str) -> int:
    """Two digits are this side of 1970, as RFC 850 dates need."""
    year = int(written)
    return year if year > 99 else year + (1900 if year >= 70 else 2000)
