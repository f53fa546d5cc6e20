"""Made-up feeds with a rhythm of the week, for what is quiet and what is not.

Some keep time, as press rooms and weeklies do, and now and then leave a day out; the others come by chance, faster on
weekdays than at weekends.
"""

import random
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from itertools import accumulate, pairwise

from aggregator.core.stories.silence import ReadDay
from benchmarks.traffic import poisson

KINDS = (
    "each weekday morning",
    "four to six each weekday",
    "each Tuesday",
    "Tuesdays and Thursdays",
    "thirty a day, ten at weekends",
    "by chance, one in three days",
    "by chance, one a day",
    "by chance, four a day",
)
START = date(2025, 1, 6)
LEARNING, LENGTH = 135, 500  # days
ARRIVALS = 150

_HOUR = timedelta(hours=1)
_TOGETHER = timedelta(minutes=30)


@dataclass(frozen=True, kw_only=True)
class Publisher:
    """One made-up feed: all its arrivals, and instants at which to try what is said when it stops."""

    kind: str
    arrivals: list[datetime]
    by_day: Counter[date]
    week: list[float]  # entries that are usual from Monday 00:00 to each hour of the week
    stops: list[datetime]

    @property
    def begins(self) -> datetime:
        """A day after its first entry."""
        return self.arrivals[0] + timedelta(days=1)

    @property
    def ends(self) -> datetime:
        """The end of its history."""
        return _at(LENGTH, 0)

    @property
    def years(self) -> float:
        """How long its history is."""
        return LENGTH / 365

    def before(self, stop: datetime) -> list[datetime]:
        """Its last arrivals up to an instant."""
        place = bisect_right(self.arrivals, stop)
        return self.arrivals[max(0, place - ARRIVALS) : place]

    def days(self, until: datetime) -> list[ReadDay]:
        """What each day of the eight weeks before brought, since it was followed."""
        days = (until.date() - timedelta(days=back) for back in range(56, 0, -1))
        return [ReadDay(day=day, new=self.by_day[day]) for day in days if day >= START]

    def gaps(self, since: datetime, until: datetime) -> float:
        """A silence in gaps that must be expected: the longest of twenty of this feed's, ten hours at least.

        They are measured in its own week, in which the hours pass as fast as entries come; by its whole history, which
        nobody has while it happens.
        """
        return (self._position(until) - self._position(since)) / self._expected_gap

    @property
    def wrong_once_a_year(self) -> float:
        """The shortest silence, in the same gaps, that this feed itself kept no more than once a year."""
        return self._waits[-1 - LENGTH // 365] / self._expected_gap

    @cached_property
    def _waits(self) -> list[float]:
        moments = [
            self._position(one)
            for one, before in zip(self.arrivals[1:], self.arrivals, strict=False)
            if one - before > _TOGETHER
        ]
        return sorted(after - before for before, after in pairwise(moments))

    @cached_property
    def _expected_gap(self) -> float:
        waits = self._waits
        return max(waits[len(waits) * 19 // 20], len(self.arrivals) * 10 / (LENGTH * 24))

    def _position(self, at: datetime) -> float:
        """How many entries are usual from the start of a week to an instant, weeks included."""
        weeks, hours = divmod((at - _at(0, 0)) / _HOUR, 168)
        hour = int(hours)
        return weeks * self.week[-1] + self.week[hour] + (self.week[hour + 1] - self.week[hour]) * (hours - hour)


def publisher(kind: str, seed: int) -> Publisher:
    """A feed of one of the `KINDS`."""
    rng = random.Random(f"{kind} {seed}")
    arrivals = sorted(_at(day, hour) for day in range(LENGTH) for hour in _hours(kind, rng, day % 7))
    stops = [_at(LEARNING + 10 + 40 * n, rng.uniform(0, 24)) for n in range(9)]
    by_hour = Counter(one.weekday() * 24 + one.hour for one in arrivals)
    week = [0.0, *accumulate(by_hour[hour] * 7 / LENGTH for hour in range(168))]
    by_day = Counter(one.date() for one in arrivals)
    return Publisher(kind=kind, arrivals=arrivals, by_day=by_day, week=week, stops=stops)


def _hours(kind: str, rng: random.Random, weekday: int) -> list[float]:
    """The hours of one day's entries."""
    works = weekday < 5
    kept = rng.random() > 0.03
    if kind == KINDS[0]:
        return [_within(rng.gauss(9, 1.5))] if works and kept else []
    if kind == KINDS[1]:
        return [rng.uniform(7, 18) for _ in range(rng.choice((4, 5, 6)))] if works else []
    if kind == KINDS[2]:
        return [_within(rng.gauss(14, 3))] if weekday == 1 and kept else []
    if kind == KINDS[3]:
        return [rng.uniform(8, 16)] if weekday in {1, 3} and kept else []
    if kind == KINDS[4]:
        return [rng.triangular(4, 22, 12) for _ in range(poisson(rng, 30 if works else 10))]
    mean = {KINDS[5]: 1 / 3, KINDS[6]: 1.0, KINDS[7]: 4.0}[kind]
    return [rng.uniform(0, 24) for _ in range(poisson(rng, mean * (1.2 if works else 0.5)))]


def _within(hour: float) -> float:
    return min(23.9, max(0.0, hour))


def _at(day: int, hour: float) -> datetime:
    return datetime.combine(START, time(), UTC) + timedelta(days=day, hours=hour)
