"""Durations, times, days and zones as people write them, and references that are filled in."""

from datetime import time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.feedlist import expand, fill, units
from aggregator.feedlist.references import MissingSecret


@given(st.integers(0, 10**8))
def test_a_duration_written_is_read_back(seconds: int) -> None:
    span = timedelta(seconds=seconds)
    assert units.duration(units.duration_text(span)) == span if seconds < 10**6 or seconds % 86400 == 0 else True


@pytest.mark.parametrize(
    ("text", "seconds"), [("30m", 1800), ("48h", 172800), ("7d", 604800), ("1h30m", 5400), (0, 0), ("0", 0)]
)
def test_durations_are_read(text: object, seconds: int) -> None:
    assert units.duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "30", 30, "1.5h", "h", "-1h", "1 h", None, False, [], "9999999999h"])
def test_what_is_no_duration_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="expected a duration"):
        units.duration(text)


@given(st.times().map(lambda moment: moment.replace(second=0, microsecond=0, tzinfo=None)))
def test_every_minute_of_the_day_can_be_written(moment: time) -> None:
    assert units.clock(f"{moment:%H:%M}") == moment


@pytest.mark.parametrize("text", ["24:00", "7:30", "07:60", "07:30:00", 730, None, "०७:३०"])
def test_what_is_no_time_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="expected a time"):
        units.clock(text)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("daily", set(range(7))),
        ("Weekdays", {0, 1, 2, 3, 4}),
        ("weekends", {5, 6}),
        ("fri", {4}),
        (["mon", "THURSDAY", "thu"], {0, 3}),
    ],
)
def test_days_are_read(written: object, read: set[int]) -> None:
    assert units.days(written) == read


@pytest.mark.parametrize("written", ["", "m", "someday", [], ["daily"], [1], 1, None, ["mondays"]])
def test_what_is_no_day_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match="expected"):
        units.days(written)


@pytest.mark.parametrize("name", ["Asia", "Mars/Olympus", "../etc/passwd", "", "/etc/passwd", "Asia/Kolkatta"])
def test_what_is_no_zone_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="expected an IANA time zone"):
        units.zone(name)


def test_the_nearest_name_ignores_case_and_may_be_none() -> None:
    assert units.nearest("TEIR", ["url", "tier", "tags"]) == "tier"
    assert units.nearest("x", []) == ""
    assert units.nearest("nice", ["strict"], cutoff=0.5) == ""


def test_references_are_filled_in_once_and_only_from_what_is_set() -> None:
    lookup = {"AGGREGATOR_A": "${AGGREGATOR_B}", "AGGREGATOR_B": "b", "HOME": "/root"}
    assert expand("x-${AGGREGATOR_A}-${AGGREGATOR_B}", lookup) == "x-${AGGREGATOR_B}-b"
    assert expand("no reference $A {B}", lookup) == "no reference $A {B}"
    assert expand("${AGGREGATOR_C}", lookup) == MissingSecret("AGGREGATOR_C")
    assert expand("${HOME}", lookup) == MissingSecret("HOME")


def test_headers_are_filled_in_or_the_first_missing_name_is_told() -> None:
    headers = (("Accept", "*/*"), ("X-Key", "k ${AGGREGATOR_K}"))
    assert fill(headers, {"AGGREGATOR_K": "tulip"}) == (("Accept", "*/*"), ("X-Key", "k tulip"))
    missing = fill(headers, {"AGGREGATOR_K": ""})
    assert str(missing) == "AGGREGATOR_K is not set"
