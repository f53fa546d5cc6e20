"""Stories a day by feed, and when feeds were read -> what is to be expected of a day, and how far it may stray by chance.

What is expected is the sum of what each feed that was read usually brings first, in the rhythm of the week; it strays
as a negative binomial does whose spread is that of the window, and wider where the window holds little.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import sqrt

from aggregator.core.stories.watch import NEW_FOR, WINDOW

Counts = Mapping[date, Mapping[str, float]]  # stories by the day they came and the feed that had them first

_DAY = timedelta(days=1)
_WEEK_PARTS = (range(5), range(5, 7))  # the days of each are expected to be alike
_PART_PRIOR = 3.0  # stories of the mean rate that each part of the week is credited with
_WEEKDAY_PRIOR = 8.0  # stories of its part's rate that each weekday is credited with
_KEPT = 0.72  # of the mean square of normal strays is left without their furthest twentieth
_SOME = 0.5  # stories that a window is credited with, so that none so far is not never


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What is expected of one day. `covered` is the share of what usually comes whose feeds were read."""

    expected: float
    variance: float
    covered: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Window:
    """The days before one, oldest first, and what came on each.

    `groups` are the stories of feeds that were read on the same days, by the bits of those days: what is expected asks
    no more of a feed. `any_read` has a bit for each day on which some settled feed was read.
    """

    days: Sequence[date]
    came: Sequence[float]
    groups: Mapping[int, float]
    any_read: int

    @property
    def stories(self) -> float:
        return sum(self.groups.values())

    @property
    def read_days(self) -> list[int]:
        return [at for at in range(WINDOW) if self.any_read >> at & 1]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rates:
    """What a window teaches: stories a mean day for each group of feeds, and the weights of weekdays."""

    groups: Mapping[int, float]
    week: Sequence[float]
    some: float

    def expected(self, window: _Window, at: int) -> float:
        """What the feeds that were read on the window's day `at` bring on such a day."""
        rate = sum(rate for bits, rate in self.groups.items() if bits >> at & 1)
        return self.week[window.days[at].weekday()] * (self.some + rate)


def baseline(counts: Counts, settled: Mapping[str, int], day: date) -> Baseline | None:
    """What is expected of `day` by the window before it; None where no settled feed was read, or too few days were.

    `settled` is the watch's window of that day, `counts` are those of its feeds alone.
    """
    window = _window(counts, settled, day)
    if not window.any_read >> WINDOW & 1 or len(window.read_days) < NEW_FOR:
        return None
    rates = _rates(window)
    expected = rates.expected(window, WINDOW)
    usual = rates.week[day.weekday()] * (rates.some + sum(rates.groups.values()))
    read = sum(bits >> WINDOW & 1 for bits in settled.values())
    unsure = expected * expected / (window.stories + 1)
    return Baseline(
        expected=expected,
        variance=expected * _spread(window, rates) + unsure,
        covered=min(1.0, expected / usual) if window.stories else read / len(settled),
    )


def _window(counts: Counts, settled: Mapping[str, int], day: date) -> _Window:
    days = [day - back * _DAY for back in range(WINDOW, -1, -1)]
    totals: dict[str, float] = defaultdict(float)
    for one in days[:-1]:
        for feed_id, number in counts.get(one, {}).items():
            totals[feed_id] += number
    groups: dict[int, float] = defaultdict(float)
    for feed_id, number in totals.items():
        groups[settled[feed_id]] += number
    any_read = 0
    for bits in settled.values():
        any_read |= bits
    came = [sum(counts.get(one, {}).values()) for one in days]
    return _Window(days=days, came=came, groups=groups, any_read=any_read)


def _rates(window: _Window) -> _Rates:
    week = _weekdays(window)
    weights = [week[day.weekday()] for day in window.days[:-1]]
    groups = {
        bits: stories / sum(weight for at, weight in enumerate(weights) if bits >> at & 1)
        for bits, stories in window.groups.items()
    }
    return _Rates(groups=groups, week=week, some=_SOME / (len(window.read_days) + 1))


def _weekdays(window: _Window) -> list[float]:
    """The weight of each weekday; their mean is 1. A day counts by the share of what usually comes that was covered.

    A few weeks tell little of one weekday, and more of workdays and of weekends: each day starts from those like it.
    """
    stories = window.stories
    if not stories:
        return [1.0] * 7
    came, covered = [0.0] * 7, [0.0] * 7
    for at in window.read_days:
        weekday = window.days[at].weekday()
        came[weekday] += window.came[at]
        covered[weekday] += sum(number for bits, number in window.groups.items() if bits >> at & 1) / stories
    usual = [stories / sum(covered) * days for days in covered]
    raw = [0.0] * 7
    for part in _WEEK_PARTS:
        alike = (sum(came[at] for at in part) + _PART_PRIOR) / (sum(usual[at] for at in part) + _PART_PRIOR)
        for at in part:
            raw[at] = (came[at] + _WEEKDAY_PRIOR * alike) / (usual[at] + _WEEKDAY_PRIOR)
    mean = sum(raw) / 7
    return [one / mean for one in raw]


def _spread(window: _Window, rates: _Rates) -> float:
    """How much wider than Poisson's the window's counts lie, less what chance alone makes of so few days.

    The furthest twentieth is left out: bursts that were too small to be told must not make a louder one look usual.
    """
    strays = []
    for at in window.read_days:
        expected = rates.expected(window, at)
        strays.append((window.came[at] - expected) ** 2 / expected)
    kept = sorted(strays)[: len(strays) - len(strays) // 20]
    dispersion = sum(kept) / len(kept) / (_KEPT if len(kept) < len(strays) else 1.0)
    error = sqrt(2 / len(kept))
    return max(1.0, dispersion / (1 + error))
