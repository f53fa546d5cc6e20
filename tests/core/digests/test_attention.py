"""How often a person may be interrupted: quiet hours hold, bursts share a mail, a local day has six, whatever its clock does."""

import itertools
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.digests.attention import ALERTS_A_DAY, BURST, Verdict, local_day, verdict
from aggregator.core.model.feeds import Hours
from tests.factories import NOW

ZONES = (
    "UTC",
    "Asia/Kolkata",
    "America/New_York",
    "America/Santiago",
    "Australia/Lord_Howe",
    "Asia/Beirut",
    "America/Havana",
)
HOUR = timedelta(hours=1)

moments = st.datetimes(datetime(2020, 1, 1), datetime(2035, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - made aware


def asked(*sent: datetime, now: datetime = NOW, quiet: Hours | None = None, timezone: str = "UTC") -> Verdict:
    return verdict(sent=sent, quiet=quiet, timezone=timezone, now=now)


def test_the_first_alert_goes_at_once() -> None:
    assert asked() is Verdict.SEND


def test_alerts_of_a_quarter_of_an_hour_share_a_mail() -> None:
    assert asked(NOW - BURST + timedelta(seconds=1)) is Verdict.WAIT
    assert asked(NOW - BURST) is Verdict.SEND


def test_quiet_hours_hold_an_alert_whatever_was_sent() -> None:
    quiet = Hours(start=time(6), end=time(7))
    assert asked(quiet=quiet) is Verdict.WAIT
    assert asked(quiet=quiet, now=NOW + HOUR) is Verdict.SEND


def test_a_day_has_six_alerts_and_the_next_day_six_more() -> None:
    six = [NOW - HOUR * n for n in range(1, ALERTS_A_DAY + 1)]
    assert asked(*six) is Verdict.LIMIT
    assert asked(*six[1:]) is Verdict.SEND
    midnight = datetime(2026, 1, 28, tzinfo=UTC)
    assert asked(*six, now=midnight - timedelta(seconds=1)) is Verdict.LIMIT
    assert asked(*six, now=midnight) is Verdict.SEND


def test_the_day_is_the_readers_own() -> None:
    six = [NOW - timedelta(minutes=20 * n) for n in range(1, ALERTS_A_DAY + 1)]  # from 04:30 UTC on
    assert asked(*six, timezone="Asia/Kolkata", now=datetime(2026, 1, 27, 18, 29, tzinfo=UTC)) is Verdict.LIMIT
    assert asked(*six, timezone="Asia/Kolkata", now=datetime(2026, 1, 27, 18, 30, tzinfo=UTC)) is Verdict.SEND


@given(now=moments, zone=st.sampled_from(ZONES))
def test_every_instant_is_in_its_own_day_and_days_follow_each_other(now: datetime, zone: str) -> None:
    start, end = local_day(now, zone)
    assert start <= now < end
    assert timedelta(hours=22) <= end - start <= timedelta(hours=26)
    assert local_day(end, zone)[0] == end
    assert local_day(start, zone) == (start, end)
    assert start.astimezone(ZoneInfo(zone)).date() == now.astimezone(ZoneInfo(zone)).date()


@given(now=moments, zone=st.sampled_from(ZONES), minutes=st.lists(st.integers(1, 4000), max_size=60))
def test_whoever_asks_before_each_alert_never_sends_a_seventh(now: datetime, zone: str, minutes: list[int]) -> None:
    sent: list[datetime] = []
    for pause in minutes:
        now += timedelta(minutes=pause)
        if verdict(sent=sent, quiet=None, timezone=zone, now=now) is Verdict.SEND:
            sent.append(now)
    days = [local_day(at, zone) for at in sent]
    assert all(days.count(day) <= ALERTS_A_DAY for day in days)
    assert all(later - early >= BURST for early, later in itertools.pairwise(sent))


@pytest.mark.parametrize("zone", ["Nowhere/At_All", "../etc/passwd", ""])
def test_a_zone_that_does_not_exist_counts_as_utc(zone: str) -> None:
    assert local_day(NOW, zone) == local_day(NOW, "UTC")
