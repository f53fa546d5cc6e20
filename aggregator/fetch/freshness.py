"""What an answer's headers say about time: how long it stays fresh, and when to come back. Durations, never instants."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

FOREVER = timedelta(days=3650)  # longer promises are cut to this, so that no arithmetic overflows

_DIRECTIVE = re.compile(r'([\w-]+)(?:\s*=\s*(?:"([^"]*)"|([^\s,;"]*)))?')
_SECONDS = re.compile(r"[0-9]+")


def freshness_left(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """How long the answer is still fresh for a private cache, or None when it gives no usable hint.

    max-age, else Expires less Date, either less Age (RFC 9111 4.2.1, 4.2.3, 5.3). `no-cache`, `no-store`, zero and what
    is already stale are no hint. Header names are looked up in lower case; repeated headers come joined with commas.
    """
    directives = _directives(headers.get("cache-control", ""))
    if directives.get("no-cache") == "" or "no-store" in directives:
        return None
    lifetime = _seconds(directives.get("max-age", ""))
    if lifetime is None:
        lifetime = _until_expiry(headers, now)
    if lifetime is None:
        return None
    age = _seconds(headers.get("age", "").partition(",")[0]) or timedelta()
    return lifetime - age if lifetime > age else None


def retry_after(value: str | None, now: datetime) -> timedelta | None:
    """The pause a Retry-After header asks for, seconds or date (RFC 9110 10.2.3); None for the past and for garbage."""
    if value is None:
        return None
    pause = _seconds(value)
    if pause is None and (moment := http_date(value)):
        pause = min(moment - now, FOREVER)
    return pause if pause is not None and pause >= timedelta() else None


def http_date(value: str) -> datetime | None:
    """A date in any of HTTP's three forms (RFC 9110 5.6.7), as UTC; None when it is none."""
    try:
        moment = parsedate_to_datetime(value.strip())
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _directives(value: str) -> dict[str, str]:
    """Cache-Control by name; the first of a repeated directive counts (RFC 9111 4.2.1)."""
    found: dict[str, str] = {}
    for match in _DIRECTIVE.finditer(value):
        found.setdefault(match[1].lower(), (match[2] or match[3] or "").strip())
    return found


def _seconds(text: str) -> timedelta | None:
    digits = text.strip()
    if not _SECONDS.fullmatch(digits):
        return None
    return FOREVER if len(digits) > 9 else min(timedelta(seconds=int(digits)), FOREVER)


def _until_expiry(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    expires = http_date(headers.get("expires", ""))
    if expires is None:
        return None
    return min(expires - (http_date(headers.get("date", "")) or now), FOREVER)
