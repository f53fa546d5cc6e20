"""Stories a day by feed, and when feeds were read -> what is to be expected of a day, and how far it may stray by chance.

What is expected is the sum of what each feed that was read usually brings first, in the rhythm of the week; it strays
as a negative binomial does whose spread is that of the window, and wider where the window holds little.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import sqrt

from aggregator.core.stories.watch import NEW_FOR, WINDOW, Watch

Counts = Mapping[date, Mapping[str, float]]  # stories by the day they came and the feed that had them first

_DAY = timedelta(days=1)
_WEEKDAY_PRIOR = 6.0  # stories of the mean rate that each weekday is credited with
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
    """What the days before say: a rate a mean day for each feed, weights of weekdays, and the spread of their counts."""

    rates: Mapping[str, float]
    week: Sequence[float]
    spread: float  # variance of a day's count, in what was expected
    stories: float
    days: int

    def expected(self, feeds: frozenset[str], day: date) -> float:
        some = _SOME / (self.days + 1)
        return self.week[day.weekday()] * (some + sum(rate for feed, rate in self.rates.items() if feed in feeds))


def baseline(counts: Counts, seen: Watch, settled: frozenset[str], day: date) -> Baseline | None:
    """What is expected of `day` by the window before it; None where no settled feed was read, or too few days were.

    `counts` are those of the `settled` feeds alone.
    """
    read = {at: frozenset(one for one in settled if seen.was_read(one, at)) for at in _days(day)}
    before = {at: feeds for at, feeds in read.items() if at != day and feeds}
    if not read[day] or len(before) < NEW_FOR:
        return None
    window = _window(counts, before)
    expected = window.expected(read[day], day)
    usual = window.expected(settled, day)
    unsure = expected * expected / (window.stories + 1)
    return Baseline(
        expected=expected,
        variance=expected * window.spread + unsure,
        covered=min(1.0, expected / usual) if window.stories else len(read[day]) / len(settled),
    )


def _days(day: date) -> list[date]:
    return [day - back * _DAY for back in range(WINDOW, -1, -1)]


def _window(counts: Counts, read: Mapping[date, frozenset[str]]) -> _Window:
    totals: dict[str, float] = {}
    for day in read:
        for feed_id, number in counts.get(day, {}).items():
            totals[feed_id] = totals.get(feed_id, 0.0) + number
    stories = sum(totals.values())
    week = _weekdays(counts, read, totals, stories)
    rates = {
        feed_id: number / sum(week[day.weekday()] for day, feeds in read.items() if feed_id in feeds)
        for feed_id, number in totals.items()
        if any(feed_id in feeds for feeds in read.values())
    }
    plain = _Window(rates=rates, week=week, spread=1.0, stories=stories, days=len(read))
    return _Window(rates=rates, week=week, spread=_spread(counts, read, plain), stories=stories, days=len(read))


def _weekdays(
    counts: Counts, read: Mapping[date, frozenset[str]], totals: Mapping[str, float], stories: float
) -> list[float]:
    """The weight of each weekday; their mean is 1. A day counts by the share of what usually comes that was covered."""
    if not stories:
        return [1.0] * 7
    came, covered = [0.0] * 7, [0.0] * 7
    for day, feeds in read.items():
        came[day.weekday()] += sum(counts.get(day, {}).values())
        covered[day.weekday()] += sum(number for feed_id, number in totals.items() if feed_id in feeds) / stories
    rate = stories / sum(covered) if sum(covered) else 0.0
    raw = [
        (number + _WEEKDAY_PRIOR) / (rate * days + _WEEKDAY_PRIOR) for number, days in zip(came, covered, strict=True)
    ]
    mean = sum(raw) / 7
    return [one / mean for one in raw]


def _spread(counts: Counts, read: Mapping[date, frozenset[str]], plain: _Window) -> float:
    """How much wider than Poisson's the window's counts lie, less what chance alone makes of so few days.

    The furthest twentieth is left out: bursts that were too small to be told must not make a louder one look usual.
    """
    strays = []
    for day, feeds in read.items():
        expected = plain.expected(feeds, day)
        strays.append((sum(counts.get(day, {}).values()) - expected) ** 2 / expected)
    kept = sorted(strays)[: len(strays) - len(strays) // 20]
    dispersion = sum(kept) / len(kept) / (_KEPT if len(kept) < len(strays) else 1.0)
    error = sqrt(2 / len(kept))
    return max(1.0, dispersion / (1 + error))
