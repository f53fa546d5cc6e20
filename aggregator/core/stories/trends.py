"""Hits and the days on which feeds were read -> stories a day, what was to be expected of each day, and its spikes.

A baseline looks back over eight weeks, knows weekdays, expects nothing of feeds that were not read or are new, and is
not raised by the spikes before.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from aggregator.core.model.trends import Hit, Spike, TopicSilence, Trend, TrendDay
from aggregator.core.stories.baseline import Baseline, baseline
from aggregator.core.stories.chance import count_tail, none_tail
from aggregator.core.stories.watch import NEW_FOR, WINDOW, Watch, day_of

RARE = 0.001  # the chance of a spike's count by the baseline alone: one day in a thousand
LEAST_STORIES = 4
LEAST_TIMES = 1.5  # a spike's count, in what was expected
LASTING = 6  # days; where more than half of them are spikes, it is no burst but a new level
SILENT = 0.001  # the chance of so long a silence of a topic
HEALTHY = 0.8  # share of what usually comes whose feeds were read, for a silence to mean something
LOOKBACK = WINDOW + NEW_FOR  # days before the first one shown that its baseline is made from
SLICES = ("clause", "tier", "feed")

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Arrivals:
    """Stories by day: which feed had each first, and the entry it came with, in the order they came."""

    feeds: Mapping[date, Counter[str]] = field(default_factory=dict)
    entries: Mapping[date, tuple[int, ...]] = field(default_factory=dict)

    def number(self, day: date) -> int:
        return len(self.entries.get(day, ()))


def trend(hits: Iterable[Hit], seen: Watch, *, until: date, days: int, rare: float = RARE, warm: int = WINDOW) -> Trend:
    """The last `days` UTC days up to and with `until`, from the hits of those and of the `LOOKBACK` days before.

    A story counts once, on the day of its first hit. `rare` is the chance below which a count is a spike. The `warm`
    days before are only judged for their spikes not to raise what is expected later.
    """
    listed = sorted(hits, key=lambda hit: (hit.first_seen, hit.entry_id))
    shown = _arrivals(hit for hit in listed if hit.live)
    counting = [hit for hit in listed if seen.counts(hit)]
    by_feeds: dict[frozenset[str], _Arrivals] = {}
    calm: dict[date, float] = {}
    made: list[TrendDay] = []
    spikes: list[Spike] = []
    expectations: list[Baseline | None] = []
    for back in range(days + warm - 1, -1, -1):
        day = until - back * _DAY
        settled = seen.window(day)
        feeds = frozenset(settled)
        if feeds not in by_feeds:
            by_feeds[feeds] = _arrivals(hit for hit in counting if hit.feed_id in feeds)
        came = by_feeds[feeds]
        expected = baseline(_calmed(came.feeds, calm), settled, day)
        one = _judged(day, shown.number(day), came.number(day), expected, rare)
        made.append(one)
        expectations.append(expected)
        if one.spike and expected is not None:
            calm[day] = _calmed_to(expected, rare, made) / one.counted
            spikes.append(_spike(one, came.entries[day]))
    silence = _silence(made, expectations)
    shown_spikes = tuple(one for one in spikes if one.day > until - days * _DAY)
    return Trend(days=tuple(made[-days:]), spikes=shown_spikes, silence=silence)


def slices(hits: Iterable[Hit], by: str) -> Mapping[str, tuple[Hit, ...]]:
    """Hits by clause, tier or feed, the most hits first; one with several clauses is under each of them.

    Raises ValueError for another `by`.
    """
    keys: dict[str, Callable[[Hit], Sequence[str]]] = {
        "clause": lambda hit: hit.clauses,
        "tier": lambda hit: (hit.tier,),
        "feed": lambda hit: (hit.feed_id,),
    }
    if by not in keys:
        raise ValueError(f"trends are cut by {', '.join(SLICES)}, not by {by}")
    found: dict[str, list[Hit]] = defaultdict(list)
    for hit in hits:
        for key in keys[by](hit):
            found[key].append(hit)
    return {key: tuple(own) for key, own in sorted(found.items(), key=lambda pair: (-len(pair[1]), pair[0]))}


def _arrivals(hits: Iterable[Hit]) -> _Arrivals:
    feeds: dict[date, Counter[str]] = defaultdict(Counter)
    entries: dict[date, list[int]] = defaultdict(list)
    told: set[str] = set()
    for hit in hits:
        if hit.story not in told:
            told.add(hit.story)
            day = day_of(hit.first_seen)
            feeds[day][hit.feed_id] += 1
            entries[day].append(hit.entry_id)
    return _Arrivals(feeds=feeds, entries={day: tuple(ids) for day, ids in entries.items()})


def _calmed(feeds: Mapping[date, Counter[str]], calm: Mapping[date, float]) -> Mapping[date, Mapping[str, float]]:
    """The counts, those of earlier spikes scaled down to the largest that would have been none."""
    scaled: dict[date, Mapping[str, float]] = dict(feeds)
    for day, share in calm.items():
        scaled[day] = {feed_id: number * share for feed_id, number in feeds.get(day, {}).items()}
    return scaled


def _judged(day: date, stories: int, counted: int, expected: Baseline | None, rare: float) -> TrendDay:
    if expected is None:
        return TrendDay(day=day, stories=stories, counted=counted, expected=None, covered=0.0)
    chance = count_tail(counted, mean=expected.expected, variance=expected.variance)
    return TrendDay(
        day=day,
        stories=stories,
        counted=counted,
        expected=expected.expected,
        covered=expected.covered,
        chance=chance,
        spike=counted >= max(LEAST_STORIES, LEAST_TIMES * expected.expected) and chance < rare,
    )


def _calmed_to(expected: Baseline, rare: float, days: Sequence[TrendDay]) -> float:
    """What a spike counts as in later baselines: what was expected, so that it does not make the next one look usual.

    Where days stay high it counts as the largest number that is none, so that they become the baseline in the end.
    """
    if sum(one.spike for one in days[-LASTING:]) <= LASTING // 2:
        return expected.expected
    count = max(LEAST_STORIES - 1, int(expected.expected))
    while count_tail(count + 1, mean=expected.expected, variance=expected.variance) >= rare:
        count += 1
    return count


def _spike(one: TrendDay, entries: tuple[int, ...]) -> Spike:
    return Spike(day=one.day, counted=one.counted, expected=one.expected or 0.0, chance=one.chance, entries=entries)


def _silence(days: Sequence[TrendDay], expectations: Sequence[Baseline | None]) -> TopicSilence | None:
    """The silence at the end of the days, when it is longer than chance makes one; the last day may not be over yet."""
    last = max((at for at, one in enumerate(days) if one.stories), default=None)
    if last is None or last >= len(days) - 2:
        return None
    silent = expectations[last + 1 : -1]
    known = [one for one in expectations[:-1] if one is not None and one.covered]
    if not known:
        return None
    week = known[-7:]
    typical = sum(one.expected / one.covered for one in week) / len(week)
    would = sum(one.expected / one.covered if one is not None and one.covered else typical for one in silent)
    chance = none_tail(mean=would, variance=would * max(one.variance / one.expected for one in week))
    if chance >= SILENT:
        return None
    expected = sum(one.expected for one in silent if one is not None)
    return TopicSilence(
        since=days[last].day,
        days=len(silent),
        expected=would,
        chance=chance,
        healthy=expected >= HEALTHY * would,
    )
