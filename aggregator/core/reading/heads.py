"""What a feed says of itself outside its entries -> hints, older pages, withdrawals. It trusts none of it to be sane."""

import re
from collections.abc import Mapping
from datetime import timedelta
from html import unescape
from typing import Any

from aggregator.core.model.feeds import Hints
from aggregator.core.model.subscriptions import WEEKDAYS
from aggregator.core.reading.entries import trimmed_id
from aggregator.core.reading.parse import Parsed
from aggregator.core.urls import absolute

MAX_WITHDRAWN = 1000
MAX_MINUTES = 60 * 24 * 366  # a publisher who asks for longer is mistaken

_HISTORY = "http://purl.org/syndication/history/1.0"
_PERIODS = {
    "hourly": timedelta(hours=1),
    "daily": timedelta(days=1),
    "weekly": timedelta(weeks=1),
    "monthly": timedelta(days=30),
    "yearly": timedelta(days=365),
}
_SKIPPED = {
    name: re.compile(rb"<" + name + rb"\b[^>]{0,200}>([^\x00]{0,4000}?)</" + name + rb"\s*>", re.IGNORECASE)
    for name in (b"skipHours", b"skipDays")
}
_VALUE = re.compile(rb"<(?:hour|day)\b[^>]{0,100}>\s*([A-Za-z0-9]{1,12})", re.IGNORECASE)
_DELETED = re.compile(rb"<(?:[\w.-]{1,40}:)?deleted-entry\s([^>]{1,4000})>")
_REF = re.compile(rb"\bref\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_OLDER = ("prev-archive", "next")


def hints(fields: Mapping[str, Any], head: bytes) -> Hints:
    """What the publisher asked of readers: RSS 2.0 ttl, skipHours (GMT, 24 is 0), skipDays; RSS 1.0 syndication.

    `fields` are the feed's own, `head` the document, whose entries may be left out.
    """
    skipped = {name: _values(pattern, head) for name, pattern in _SKIPPED.items()}
    hours = (int(value) for value in skipped[b"skipHours"] if value.isdigit())
    days = (value.lower() for value in skipped[b"skipDays"])
    return Hints(
        ttl=_minutes(fields.get("ttl")),
        update_period=_update_period(fields),
        skip_hours=frozenset(hour % 24 for hour in hours if hour <= 24),
        skip_days=frozenset(WEEKDAYS.index(day) for day in days if day in WEEKDAYS),
    )


def self_link(fields: Mapping[str, Any], base: str) -> str | None:
    """Where the document says that it lives (RFC 4287 4.2.7.2); RSS borrows Atom's element for it."""
    links = (each for each in fields.get("links") or () if each.get("rel") == "self" and each.get("href"))
    return next((url for each in links if (url := absolute(base, str(each["href"])))), None)


def older_pages(fields: Mapping[str, Any], base: str) -> tuple[str, ...]:
    """RFC 5005 links to what came before, archives first; never the document itself."""
    links = [each for each in fields.get("links") or () if each.get("href")]
    found = [absolute(base, str(each["href"])) for rel in _OLDER for each in links if each.get("rel") == rel]
    return tuple(dict.fromkeys(url for url in found if url and url != base))


def is_complete(parsed: Parsed) -> bool:
    """RFC 5005 section 2: the document holds all entries there are."""
    prefix = next((prefix for prefix, uri in parsed.prefixes.items() if uri == _HISTORY), "fh")
    return f"{prefix}_complete" in parsed.fields


def withdrawn(head: bytes) -> tuple[str, ...]:
    """The ids that at:deleted-entry elements take back (RFC 6721 section 3), as entries write them."""
    refs = (_REF.search(found.group(1)) for found in _DELETED.finditer(head))
    written = (ref.group(1) or ref.group(2) or b"" for ref in refs if ref)
    ids = (trimmed_id(unescape(each.decode("utf-8", "replace"))) for each in written)
    return tuple(dict.fromkeys(each for each in ids if each))[:MAX_WITHDRAWN]


def _values(pattern: re.Pattern[bytes], head: bytes) -> list[str]:
    found = pattern.search(head)
    return [value.decode("ascii") for value in _VALUE.findall(found.group(1))] if found else []


def _minutes(written: object) -> timedelta | None:
    found = re.match(r"\s*(\d{1,9})", written, re.ASCII) if isinstance(written, str) else None
    return timedelta(minutes=min(int(found.group(1)), MAX_MINUTES)) if found and int(found.group(1)) else None


def _update_period(fields: Mapping[str, Any]) -> timedelta | None:
    """sy:updatePeriod divided by sy:updateFrequency; daily and 1 when only the other is given."""
    period, frequency = fields.get("sy_updateperiod"), fields.get("sy_updatefrequency")
    if not isinstance(period, str) and not isinstance(frequency, str):
        return None
    span = _PERIODS.get(str(period or "daily").strip().lower())
    times = (
        int(frequency) if isinstance(frequency, str) and re.fullmatch(r"\s*[1-9]\d{0,5}\s*", frequency, re.ASCII) else 1
    )
    return span / times if span else None
