"""A schedule in the few words that lists and pages have room for."""

from datetime import time

import pytest

from aggregator.core.digests.schedules import when_words
from aggregator.core.model.feeds import Hours
from aggregator.core.model.subscriptions import Schedule

EVERY_HOUR = tuple(map(time, range(24)))
QUIET = Hours(start=time(22), end=time(6))


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        (Schedule(at=(time(7, 30),), days=frozenset(range(5))), "07:30 weekdays"),
        (Schedule(at=(time(7), time(16)), days=frozenset({5, 6})), "07:00 16:00 weekends"),
        (Schedule(at=(time(8),), days=frozenset({0, 3})), "08:00 mon thu"),
        (Schedule(at=EVERY_HOUR), "hourly"),
        (Schedule(at=EVERY_HOUR[8:19], days=frozenset({0})), "hourly 08:00-18:00 mon"),
        (Schedule(at=(*EVERY_HOUR[8:12], time(15)), days=frozenset({0})), "08:00 09:00 10:00 11:00 15:00 mon"),
        (Schedule(immediate=True), "at once"),
        (Schedule(immediate=True, quiet=QUIET), "at once, quiet 22:00-06:00"),
    ],
)
def test_a_schedule_in_words(schedule: Schedule, words: str) -> None:
    assert when_words(schedule) == words
