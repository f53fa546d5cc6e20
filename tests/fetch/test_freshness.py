"""Headers about time, as publishers really write them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.fetch.freshness import FOREVER, freshness_left, http_date, retry_after

NOW = datetime(2026, 1, 20, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"cache-control": "max-age=43200"}, 43200),
        ({"cache-control": 'max-age="600"'}, 600),
        ({"cache-control": "s-maxage=9, max-age=600, max-age=5"}, 600),
        ({"cache-control": "max-age=600", "age": "300"}, 300),
        ({"cache-control": "max-age=600", "age": "300, 200"}, 300),
        ({"cache-control": "max-age=600", "age": "-1"}, 600),
        ({"cache-control": "max-age=600", "age": "600"}, None),
        ({"cache-control": "max-age=0"}, None),
        ({"cache-control": "no-cache, max-age=600"}, None),
        ({"cache-control": "no-store, max-age=600"}, None),
        ({"cache-control": 'no-cache="Set-Cookie", max-age=600'}, 600),
        ({"cache-control": "max-age=soon"}, None),
        ({"cache-control": "max-age=-1"}, None),
        ({"cache-control": "max-age=1.5"}, None),
        ({"cache-control": "max-age=\u0663"}, None),
        ({"cache-control": "s-maxage=600"}, None),
        ({"cache-control": ',;=,"', "expires": "Tue, 20 Jan 2026 12:05:00 GMT"}, 300),
        ({"cache-control": "max-age=" + "9" * 50}, FOREVER.total_seconds()),
        ({}, None),
    ],
)
def test_case_7_11_cache_control(headers: dict[str, str], seconds: float | None) -> None:
    assert freshness_left(headers, NOW) == (None if seconds is None else timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"expires": "0"}, None),
        ({"expires": "-1"}, None),
        ({"expires": "Thu, 01 Jan 1970 00:00:00 GMT"}, None),
        ({"expires": "Tue, 20 Jan 2026 11:59:59 GMT"}, None),
        ({"expires": "Tue, 20 Jan 2026 13:00:00 GMT"}, 3600),
        ({"expires": "Tuesday, 20-Jan-26 13:00:00 GMT"}, 3600),
        ({"expires": "Tue Jan 20 13:00:00 2026"}, 3600),
        ({"expires": "Tue, 20 Jan 2026 13:00:00 GMT", "date": "Tue, 20 Jan 2026 12:50:00 GMT"}, 600),
        ({"expires": "Tue, 20 Jan 2026 13:00:00 GMT", "date": "whenever"}, 3600),
        ({"expires": "Tue, 20 Jan 2026 13:00:00 GMT", "age": "600"}, 3000),
        ({"expires": "Tue, 20 Jan 2026 13:00:00 GMT", "cache-control": "max-age=60"}, 60),
        ({"expires": "Fri, 31 Dec 9999 23:59:59 GMT"}, FOREVER.total_seconds()),
    ],
)
def test_case_7_12_expires(headers: dict[str, str], seconds: float | None) -> None:
    assert freshness_left(headers, NOW) == (None if seconds is None else timedelta(seconds=seconds))


@given(st.integers(min_value=0, max_value=10**12))
def test_retry_after_in_seconds_is_that_long(seconds: int) -> None:
    assert retry_after(f" {seconds} ", NOW) == min(timedelta(seconds=seconds), FOREVER)


@given(st.integers(min_value=86_400 * 400, max_value=3_092_601_600))
def test_the_three_forms_of_a_date_mean_the_same(epoch: int) -> None:
    moment = datetime.fromtimestamp(epoch, UTC)
    forms = ("%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y")
    assert {http_date(moment.strftime(form)) for form in forms} == {moment}


@given(st.text(max_size=80), st.text(max_size=80))
def test_no_header_however_odd_raises_or_gives_a_negative_time(one: str, other: str) -> None:
    pause = retry_after(one, NOW)
    left = freshness_left({"cache-control": one, "expires": other, "age": other, "date": one}, NOW)
    assert pause is None or timedelta() <= pause <= FOREVER
    assert left is None or timedelta() < left <= FOREVER
