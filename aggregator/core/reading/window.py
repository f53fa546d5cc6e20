"""Which entries of an oversized document count: the newest, by the dates they carry."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from aggregator.core.reading.dates import parse_date

_WRITTEN = re.compile(
    rb"<(?:[\w.-]+:)?(?:pubdate|published|issued|date|created|modified|updated)(?:\s[^>]*)?>\s*(?:<!\[CDATA\[)?([^<\]]{4,100})",
    re.IGNORECASE,
)
_NEVER = datetime.min.replace(tzinfo=UTC)


def newest(dates: Sequence[datetime | None], limit: int) -> frozenset[int]:
    """The positions of the `limit` newest of `dates`. Undated entries rank behind, and in document order."""
    ranked = sorted(range(len(dates)), key=lambda at: dates[at] or _NEVER, reverse=True)
    # sorted() is stable in reverse too, so equals keep the document's order, where new stands before old.
    return frozenset(ranked[:limit])


def written_date(span: bytes, *, now: datetime, zone: str | None, language: str | None) -> datetime | None:
    """The first date in an entry's bytes, read without parsing the entry."""
    found = _WRITTEN.search(span)
    return (
        parse_date(found.group(1).decode("utf-8", "replace"), now=now, zone=zone, language=language) if found else None
    )
