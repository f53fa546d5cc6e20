"""Whether mail that is due at once may go now: quiet hours, bursts, and so many a day in the reader's own zone.

It reads no clock and counts nothing itself. What it holds back waits or is told later; nothing is lost by it.
"""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from enum import StrEnum

from aggregator.core.digests.slots import DAY, moment_of, quiet_until
from aggregator.core.digests.times import zone_or_utc
from aggregator.core.model.feeds import Hours

BURST = timedelta(minutes=15)  # what comes within it shares a mail
ALERTS_A_DAY = 6


class Verdict(StrEnum):
    """What to do with alerts that are due."""

    SEND = "send"
    WAIT = "wait"  # for the end of quiet hours, or for others that share the mail
    LIMIT = "limit"  # the day has had its alerts


def verdict(*, sent: Sequence[datetime], quiet: Hours | None, timezone: str, now: datetime) -> Verdict:
    """Whether a person may be alerted at `now`.

    `sent` are the instants of the alerts made for this person, of all subscriptions, in any order; older ones than a
    day do no harm. A zone that does not exist counts as UTC.
    """
    if quiet is not None and quiet_until(quiet, timezone, now) is not None:
        return Verdict.WAIT
    start, end = local_day(now, timezone)
    if sum(start <= at < end for at in sent) >= ALERTS_A_DAY:
        return Verdict.LIMIT
    return Verdict.WAIT if any(now - BURST < at <= now for at in sent) else Verdict.SEND


def local_day(now: datetime, timezone: str) -> tuple[datetime, datetime]:
    """The reader's calendar day that holds `now`, as `[start, end)` in UTC.

    A day has 23 to 25 hours where a clock is moved, and starts at the first valid instant where midnight is skipped.
    """
    zone = zone_or_utc(timezone)
    today = now.astimezone(zone).date()
    return moment_of(today, time.min, zone), moment_of(today + DAY, time.min, zone)
