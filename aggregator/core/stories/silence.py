"""When a feed's entries came, and on which days it was read -> whether it is quieter than it ever is by itself.

Nobody sets a number of days: the rhythm is learned from the feed, by weekday and by the time of the day in UTC.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate, pairwise
from math import sqrt
from statistics import fmean, pvariance

from aggregator.core.stories.chance import pause_tail

LEARNED_FROM = 8  # moments a rhythm is learned from, at least
SHORTEST = timedelta(hours=16)  # no feed is quiet before; a long night is nobody's silence
FALSE_ALARMS = 0.7  # a feed and year, where the rhythm holds
TOGETHER = timedelta(minutes=30)  # entries that come together are one moment
KNOWN_WEEKS = 4  # before, weekdays are not told apart
WEEKEND = timedelta(hours=72)  # no feed is quiet before, until it has been seen for two weekends
SEEN_WEEKENDS = 14  # days

_A_MONDAY = datetime(2024, 1, 1, tzinfo=UTC)
_BLOCK = 4  # hours; a day has six blocks
_WEEKDAY_PRIOR, _BLOCK_PRIOR = 1.0, 2.0  # moments that each part of the week is credited with, so that none is never
_STEADIEST = 25.0
_LEAST = 2.2  # mean gaps; one that is missed now and then is nobody's silence
_LONGER = 1.15  # than the longest pause it is known to make, but for one


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadDay:
    """A UTC day on which a feed was read successfully, and how many new entries that brought."""

    day: date
    new: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """How a feed's moments spread over the week.

    `week` is the weight of the hours from Monday 00:00 UTC to the start of each of its 42 blocks, and to its end; an
    hour weighs 1 in the mean.
    """

    week: tuple[float, ...]
    gap: float  # hours of mean weight between two moments
    shape: float  # of the gaps: 1 is memoryless, more keeps time
    longest: float  # mean gaps; what it paused before, but for one such pause
    shortest: timedelta  # by the clock, what is no silence of this feed
    usual: timedelta  # by the clock, the gap that half of them do not reach
    most: timedelta  # by the clock, the gap that 19 of 20 do not reach


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """A feed that answers and brings nothing: since when, and what was usual."""

    since: datetime
    lasted: timedelta
    usual: timedelta
    most: timedelta

    @property
    def words(self) -> str:
        """`usually an entry every 2 days, none for 9 days`."""
        return f"usually an entry every {spoken(self.usual).removeprefix('1 ')}, none for {spoken(self.lasted)}"


def spoken(length: timedelta) -> str:
    """A length of time for people, rounded to its unit: `40 minutes`, `1 hour`, `9 days`."""
    seconds = length.total_seconds()
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        number = round(seconds / size)
        if seconds >= size * 0.95 and number >= 1:
            return f"{number:,} {unit}" + ("" if number == 1 else "s")
    return "minute"


def quiet(
    arrivals: Sequence[datetime], days: Sequence[ReadDay], *, active_at: datetime | None, seen_at: datetime | None
) -> Quiet | None:
    """Whether a feed is unusually quiet at `seen_at`, its last successful check; None when not, or not to be told.

    `arrivals` are when its last entries came, in any order, `active_at` when it last brought one. It is quiet when so
    long a pause is expected less than `FALSE_ALARMS` times a year from its own rhythm.
    """
    if seen_at is None or not arrivals:
        return None
    newest = max(arrivals)
    since = max(newest, active_at or newest)
    if seen_at - since < SHORTEST:
        return None
    rhythm = learn([at for at in arrivals if at <= seen_at], days)
    if rhythm is None or not is_quiet(rhythm, since, seen_at):
        return None
    return Quiet(since=since, lasted=seen_at - since, usual=rhythm.usual, most=rhythm.most)


def is_quiet(rhythm: Rhythm, since: datetime, until: datetime) -> bool:
    """Whether nothing between two instants is more than the rhythm makes one expect."""
    if until - since < rhythm.shortest:
        return False
    pause = _expected(rhythm.week, since, until) / rhythm.gap
    moments_a_year = 365 * 24 / rhythm.gap
    chance = pause_tail(pause, shape=rhythm.shape)
    return pause > max(rhythm.longest * _LONGER, _LEAST) and chance < FALSE_ALARMS / moments_a_year


def learn(arrivals: Sequence[datetime], days: Sequence[ReadDay]) -> Rhythm | None:
    """The rhythm behind arrivals; None while there are too few."""
    moments = _moments(arrivals)
    if len(moments) < LEARNED_FROM:
        return None
    week = _week(moments, days)
    gaps = [_expected(week, one, other) for one, other in pairwise(moments)]
    mean = fmean(gaps)
    if mean <= 0:
        return None
    relative = sorted(gap / mean for gap in gaps)
    clock = sorted(other - one for one, other in pairwise(moments))
    return Rhythm(
        week=week,
        gap=mean,
        shape=_shape(relative),
        longest=relative[-2],
        shortest=SHORTEST if _known_days(moments, days) >= SEEN_WEEKENDS else WEEKEND,
        usual=clock[len(clock) // 2],
        most=clock[min(len(clock) - 1, len(clock) * 19 // 20)],
    )


def _moments(arrivals: Sequence[datetime]) -> list[datetime]:
    moments: list[datetime] = []
    for at in sorted(one.astimezone(UTC) for one in arrivals):
        if not moments or at - moments[-1] > TOGETHER:
            moments.append(at)
    return moments


def _known_days(moments: Sequence[datetime], days: Sequence[ReadDay]) -> int:
    """For how many days it is known what a feed brings."""
    read = (max(one.day for one in days) - min(one.day for one in days)).days + 1 if days else 0
    return max((moments[-1] - moments[0]).days, read)


def _shape(relative: Sequence[float]) -> float:
    """The gamma shape of gaps whose mean is 1, less what chance alone makes of so few."""
    spread = max(pvariance(relative, 1.0), 1 / _STEADIEST)
    error = sqrt(2 / len(relative))
    return 1 / (spread * (1 + error))


def _week(moments: Sequence[datetime], days: Sequence[ReadDay]) -> tuple[float, ...]:
    weekdays = _weekday_weights(moments, days)
    counts = [0.0] * (24 // _BLOCK)
    for at in moments:
        counts[at.hour // _BLOCK] += 1
    blocks = _spread(counts, [1.0] * len(counts), _BLOCK_PRIOR)
    return _cumulative(weekdays, blocks)


def _weekday_weights(moments: Sequence[datetime], days: Sequence[ReadDay]) -> list[float]:
    counts, lengths = [0.0] * 7, [0.0] * 7
    span = (moments[-1] - moments[0]).days
    if len(days) >= KNOWN_WEEKS * 7 and len(days) > span:
        # A busy feed's last arrivals are of a few days; what each day brought tells more of its weeks.
        usual = sorted(one.new for one in days)[len(days) // 2]
        for one in days:
            counts[one.day.weekday()] += min(one.new, 5 * max(usual, 1))
            lengths[one.day.weekday()] += 1
    elif span >= KNOWN_WEEKS * 7:
        for at in moments:
            counts[at.weekday()] += 1
        lengths = [1.0] * 7
    else:
        return [1.0] * 7
    return _spread(counts, lengths, _WEEKDAY_PRIOR)


def _spread(counts: Sequence[float], lengths: Sequence[float], prior: float) -> list[float]:
    """Weights of parts that lasted `lengths`, with the mean 1, each credited with `prior` events of the mean rate."""
    total, length = sum(counts), sum(lengths)
    if not total or not all(lengths):
        return [1.0] * len(counts)
    rate = total / length
    raw = [(count + prior) / (rate * one + prior) for count, one in zip(counts, lengths, strict=True)]
    mean = fmean(raw)
    return [one / mean for one in raw]


def _cumulative(weekdays: Sequence[float], blocks: Sequence[float]) -> tuple[float, ...]:
    """The weight of the hours from Monday 00:00 to the start of each block of the week, and to its end."""
    hours = [weekday * block * _BLOCK for weekday in weekdays for block in blocks]
    return (0.0, *accumulate(hours))


def _expected(week: Sequence[float], since: datetime, until: datetime) -> float:
    """Hours of mean weight between two instants."""
    return max(0.0, _position(week, until) - _position(week, since))


def _position(week: Sequence[float], at: datetime) -> float:
    weeks, rest = divmod(at.astimezone(UTC) - _A_MONDAY, timedelta(weeks=1))
    block, within = divmod(rest.total_seconds() / 3600, _BLOCK)
    begun = week[int(block)]
    return weeks * week[-1] + begun + (week[int(block) + 1] - begun) * within / _BLOCK
