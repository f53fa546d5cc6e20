"""Dates as publishers write them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.reading.dates import parse_date

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Sun, 22 Nov 2026 06:00:00 GMT", "2026-11-22T06:00"),
        ("Sun, 22 Nov 2026 06:00:00 +0530", "2026-11-22T00:30"),
        ("Sun, 22 Nov 2026 06:00:00 -0000", "2026-11-22T06:00"),
        ("Sun, 22 Nov 2026 06:00:00 +0000 (UTC)", "2026-11-22T06:00"),
        ("Sun,  22  Nov  2026   06:00:00   GMT", "2026-11-22T06:00"),
        ("Sunday, 22-Nov-26 06:00:00 GMT", "2026-11-22T06:00"),
        ("Sun Nov 22 06:00:00 2026", "2026-11-22T06:00"),
        ("Sun Nov 22 06:00:00 PST 2026", "2026-11-22T14:00"),
        ("Sun Nov 22 06:00:00 +0100 2026", "2026-11-22T05:00"),
        ("2026-11-22T06:00:00Z", "2026-11-22T06:00"),
        ("2026-11-22t06:00:00.123456+05:30", "2026-11-22T00:30"),
        ("2026-11-22T06:00\u221205:00", "2026-11-22T11:00"),
        ("2026-11-22T06Z", "2026-11-22T06:00"),
        ("20261122T060000Z", "2026-11-22T06:00"),
        ("20261122060000", "2026-11-22T06:00"),
        ("2026-11-22 06:00:00", "2026-11-22T06:00"),
        ("2026/11/22 06:00", "2026-11-22T06:00"),
        ("2026-11-22", "2026-11-22T00:00"),
        ("2026-11", "2026-11-01T00:00"),
        ("2026", "2026-01-01T00:00"),
        ("2026-326", "2026-11-22T00:00"),
        ("2026-W47-7", "2026-11-22T00:00"),
        ("Sunday, November 22, 2026 - 06:00", "2026-11-22T06:00"),
        ("Sunday, January 08, 2023, 18:06  +0530", "2023-01-08T12:36"),
        ("22-Nov-2026 06:00:00", "2026-11-22T06:00"),
        ("30Mar2026 10:50 +0530", "2026-03-30T05:20"),
        ("Mon, 30 Mar 202610:50 +0530", "2026-03-30T05:20"),
        ("Sun, 22 Nov 2026 24:00:00 GMT", "2026-11-23T00:00"),
        ("Nov 22, 2026 6am", "2026-11-22T06:00"),
        ("November 22nd, 2026 at 6:05 p.m. EST", "2026-11-22T23:05"),
        ("11/22/2026 12:05 AM", "2026-11-22T00:05"),
        ("22.11.2026 06:00", "2026-11-22T06:00"),
        ("2026年11月22日", "2026-11-22T00:00"),
        ("2026년 11월 22일 14:30", "2026-11-22T14:30"),
        ("1795320000", "2026-11-22T04:00"),
        ("1795320000000", "2026-11-22T04:00"),
    ],
)
def test_case_6_31_the_instant_is_the_one_meant(written: str, meant: str) -> None:
    assert parse_date(written, now=NOW) == at(meant)


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("dom, 22 nov 2026 06:00:00", "2026-11-22"),
        ("qua, 04 fev 2026 06:00:00", "2026-02-04"),
        ("domingo, 22 de noviembre de 2026 06:00", "2026-11-22"),
        ("mar, 05 may 2026 06:00", "2026-05-05"),
        ("mar. 10 mars 2026 06:00", "2026-03-10"),
        ("mardi 25 août 2026 à 06:00", "2026-08-25"),
        ("So, 1. März 2026 06:00", "2026-03-01"),
        ("Do, 31 Dez 2026 06:00", "2026-12-31"),
        ("gio, 1 ott 2026 06:00", "2026-10-01"),
        ("22 नवंबर 2026, 06:00", "2026-11-22"),
        ("२२ सितम्बर २०२६ 06:00", "2026-09-22"),
    ],
)
def test_case_6_31_months_are_read_in_seven_languages(written: str, day: str) -> None:
    assert parse_date(written, now=NOW) == at(f"{day}T06:00")


@pytest.mark.parametrize(
    ("written", "zone", "hour"),
    [
        ("Sun, 22 Nov 2026 06:00:00 IST", None, "00:30"),
        ("Sun, 22 Nov 2026 06:00:00 IST", "Asia/Jerusalem", "04:00"),
        ("Mon, 22 Jun 2026 06:00:00 BST", None, "05:00"),
        ("Sun, 22 Nov 2026 06:00:00 BST", "Asia/Dhaka", "00:00"),
        ("Sun, 22 Nov 2026 06:00:00 CST", None, "12:00"),
        ("Sun, 22 Nov 2026 10:00:00 CST", "Asia/Shanghai", "02:00"),
        ("Sun, 22 Nov 2026 06:00:00", "Asia/Kolkata", "00:30"),
        ("Sun, 22 Nov 2026 06:00:00 GMT", "Asia/Kolkata", "06:00"),
        ("Sun, 22 Nov 2026 06:00:00 EST", "Asia/Kolkata", "11:00"),
        ("Sun, 22 Nov 2026 06:00:00 GMT+5:30", None, "00:30"),
        ("Sun, 22 Nov 2026 06:00:00 UTC+05", None, "01:00"),
        ("Sun, 22 Nov 2026 06:00:00 EDT", None, "10:00"),
        ("Sun, 22 Nov 2026 06:00:00", "No/Such", "06:00"),
        ("Sun, 22 Nov 2026 06:00:00", "../../etc/passwd", "06:00"),
    ],
)
def test_case_6_30_zones_are_the_feeds_own_only_where_the_date_leaves_it_open(
    written: str, zone: str | None, hour: str
) -> None:
    found = parse_date(written, now=NOW, zone=zone)
    assert found is not None
    assert f"{found:%H:%M}" == hour


def test_figures_alone_are_read_by_language_or_not_at_all() -> None:
    assert parse_date("03/04/2026", now=NOW) is None
    assert parse_date("03/04/2026", now=NOW, language="en") is None
    assert parse_date("03/04/2026", now=NOW, language="en-US") == at("2026-03-04T00:00")
    assert parse_date("03/04/2026", now=NOW, language="pt-br") == at("2026-04-03T00:00")


@pytest.mark.parametrize(
    "written",
    ["", "   ", "yesterday", "1970-01-01T00:00:00Z", "0000-00-00 00:00:00", "-0001-11-30", "1989-12-31", "32 Nov 2026",
     "Sun, 22 Nov 2026 25:00 GMT", "2026-13-01", "9999-12-31T23:59:59-10:00", "123", "99999999999", "1e9", "٣" * 90, "²²"],
)  # fmt: skip
def test_case_6_29_what_is_no_date_is_none(written: str) -> None:
    assert parse_date(written, now=NOW) is None


@given(
    st.datetimes(datetime(1990, 1, 2), datetime(2100, 1, 1)),  # noqa: DTZ001 - the zone is drawn apart
    st.integers(-14 * 60, 14 * 60),
    st.sampled_from(
        ["%Y-%m-%dT%H:%M:%S%z", "%a, %d %b %Y %H:%M:%S %z", "%d %B %Y %H:%M:%S %z", "%A, %d-%b-%Y %H:%M:%S %z"]
    ),
)
def test_every_instant_survives_being_written(local: datetime, minutes: int, form: str) -> None:
    instant = local.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=minutes)))
    assert parse_date(instant.strftime(form), now=NOW) == instant.astimezone(UTC)


@given(st.text(max_size=60) | st.text("0123456789-:/.,+ TZapmINGjfm", max_size=40))
def test_any_text_is_a_utc_date_or_none(written: str) -> None:
    found = parse_date(written, now=NOW, zone="Asia/Kolkata", language="en-US")
    assert found is None or (found.tzinfo is UTC and found.year >= 1990)
