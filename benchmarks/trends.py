"""How well spikes and silences are found: made-up years of traffic, and made-up feeds that stop.

`python -m benchmarks.trends` prints, for several seeds each, how many of twenty planted bursts are found within a day
and how many days are called a spike without one, beside what one finds who knows the true rate of each day, and beside
the plainer design of a median and its deviation; then how soon a feed that stops is called quiet, and how often one that
does not, beside the shortest wait that hindsight allows.
"""

from bisect import bisect_right
from collections import Counter
from datetime import date, datetime, timedelta
from statistics import fmean, median

from aggregator.core.stories import silence
from aggregator.core.stories.chance import count_tail
from aggregator.core.stories.trends import LEAST_STORIES, RARE, trend
from aggregator.core.stories.watch import WINDOW, day_of, watch
from benchmarks.publishers_rhythm import ARRIVALS, KINDS, LENGTH, Publisher, publisher
from benchmarks.traffic import BURSTS, DAYS, START, WEEK, YEAR, Traffic, traffic

SEEDS, FEEDS = range(6), range(12)
_DAY = timedelta(days=1)
_LOADS = (
    (3, 6.0),
    (3, 8.0),
    (6, 5.0),
    (12, 4.0),
    (20, 4.0),
    (40, 3.0),
)  # stories a day, and a burst's size in usual days


def main() -> None:
    print(f"spikes in a year, {BURSTS} bursts planted, {len(SEEDS)} years each (asked for: 18 found, 2 false)")
    print(
        "stories a day  burst   found: least, mean   false: most, mean   | true rates known: found   | median: found, false"
    )
    for a_day, times in _LOADS:
        years = [traffic(a_day=a_day, times=times, seed=seed) for seed in SEEDS]
        ours = [_scored(year, _spikes(year)) for year in years]
        best = [_scored(year, _knowing(year, a_day))[0] for year in years]
        plain = [_scored(year, _plain(year)) for year in years]
        found, wrong = [one[0] for one in ours], [one[1] for one in ours]
        others = f"{fmean(one[0] for one in plain):.1f}, {fmean(one[1] for one in plain):.1f}"
        print(
            f"{a_day:>13}  x{times:.0f}   {min(found):>10}, {fmean(found):>4.1f}   {max(wrong):>11}, {fmean(wrong):>4.1f}"
            f"   | {min(best):>17}, {fmean(best):.1f}   | {others:>20}",
            flush=True,
        )
    print(
        f"\nfeeds that stop, {len(FEEDS)} feeds of each kind over {LENGTH} days (asked for: 2.5 expected gaps, 1 false)"
    )
    print(
        "feed                            gaps until told: middle, most   by hindsight   days: middle   false a feed and year"
    )
    for kind in KINDS:
        _silence(kind)


def _scored(year: Traffic, spikes: set[date]) -> tuple[int, int]:
    """How many bursts were found on their day or the next, and how many days were wrongly called one."""
    found = sum(bool({day, day + _DAY} & spikes) for day in year.bursts)
    return found, sum(not {day, day - _DAY} & set(year.bursts) for day in spikes)


def _spikes(year: Traffic) -> set[date]:
    last = START + (DAYS - 1) * _DAY
    return {one.day for one in trend(year.hits, watch(year.days), until=last, days=YEAR).spikes}


def _stories(year: Traffic) -> Counter[date]:
    """Stories by the day on which their first hit was seen."""
    told: set[str] = set()
    stories: Counter[date] = Counter()
    for hit in sorted(year.hits, key=lambda one: one.first_seen):
        if hit.live and hit.story not in told:
            told.add(hit.story)
            stories[day_of(hit.first_seen)] += 1
    return stories


def _knowing(year: Traffic, a_day: float) -> set[date]:
    """What one calls a spike who is told the true rate of each day, which nobody is: no rule finds more at this chance."""
    stories = _stories(year)
    found = set()
    for offset in range(DAYS - YEAR, DAYS):
        day = START + offset * _DAY
        mean = a_day * WEEK[day.weekday()]
        if stories[day] >= LEAST_STORIES and count_tail(stories[day], mean=mean, variance=mean) < RARE:
            found.add(day)
    return found


def _plain(year: Traffic) -> set[date]:
    """The other design: stories a day, over the share of feeds that were read, against the median of the same kind of day."""
    seen = watch(year.days)
    stories = _stories(year)
    found = set()
    for offset in range(DAYS - YEAR, DAYS):
        day = START + offset * _DAY
        known = seen.window(day)
        share = sum(seen.was_read(feed, day) for feed in known) / max(1, len(known))
        alike = [
            day - back * _DAY
            for back in range(1, WINDOW + 1)
            if ((day - back * _DAY).weekday() > 4) == (day.weekday() > 4)
        ]
        counts = [stories[one] for one in alike]
        middle = median(counts)
        spread = 1.4826 * median(abs(one - middle) for one in counts)
        if share and stories[day] / share > middle + 4 * max(spread, 1.0):
            found.add(day)
    return found


def _silence(kind: str) -> None:
    gaps: list[float] = []
    days: list[float] = []
    least: list[float] = []
    false = 0.0
    for seed in FEEDS:
        one = publisher(kind, seed)
        false += _false_alarms(one) / one.years
        least.append(one.wrong_once_a_year)
        for stop in one.stops:
            told, lasted = _until_told(one, stop)
            gaps.append(told)
            days.append(lasted / _DAY)
    print(
        f"{kind:<31} {median(gaps):>17.1f}, {max(gaps):>4.1f}   {median(least):>15.1f}   {median(days):>12.1f}"
        f"   {false / len(FEEDS):>21.2f}",
        flush=True,
    )


def _until_told(one: Publisher, stop: datetime) -> tuple[float, timedelta]:
    """How long a feed that stops is silent before it is called quiet: in gaps that must be expected, and by the clock."""
    past = one.before(stop)
    rhythm = silence.learn(past, one.days(stop))
    if rhythm is None:
        raise ValueError(f"{one.kind}: no rhythm was learned")
    at = past[-1]
    while not silence.is_quiet(rhythm, past[-1], at):
        at += timedelta(hours=1)
    return one.gaps(past[-1], at), at - past[-1]


def _false_alarms(one: Publisher) -> int:
    """How often a feed that goes on is called quiet from its first day on, asked every four hours."""
    alarms, was = 0, False
    at = one.begins
    while at < one.ends:
        place = bisect_right(one.arrivals, at)
        past = one.arrivals[max(0, place - ARRIVALS) : place]
        is_now = at - past[-1] >= silence.SHORTEST and (
            silence.quiet(past, one.days(at), active_at=past[-1], seen_at=at) is not None
        )
        alarms += is_now and not was
        was = is_now
        at += timedelta(hours=4)
    return alarms


if __name__ == "__main__":
    main()
