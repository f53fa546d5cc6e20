"""A made-up year of a topic's traffic: stories carried by several feeds in the rhythm of the week, with all that disturbs it.

Feeds are added on the way and bring their archive with them, feeds fail for days and come back with what they missed,
dated or not, documents drop entries, and now and then the whole service is away. Bursts are planted on known days.
"""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from aggregator.core.model.trends import CheckedDay, Hit

START = date(2025, 1, 6)
WARM_UP = 70  # days before the year, from which the first baseline is learned
YEAR = 365
DAYS = WARM_UP + YEAR
BURSTS = 20
WEEK = (1.15, 1.25, 1.25, 1.2, 1.1, 0.55, 0.5)

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A feed of the made-up world: how much of the news it carries, and how it behaves."""

    feed_id: str
    share: float  # of all stories that it carries
    dated: bool
    added: date
    away: frozenset[date] = frozenset()  # days on which it does not answer


@dataclass(slots=True)
class Traffic:
    """A topic's year: hits, days of feeds, and the days on which bursts were planted."""

    hits: list[Hit] = field(default_factory=list)
    days: list[CheckedDay] = field(default_factory=list)
    bursts: list[date] = field(default_factory=list)


def poisson(rng: random.Random, mean: float) -> int:
    """A Poisson number; large means are summed from small ones."""
    total = 0
    while mean > 20:
        total += poisson(rng, 20.0)
        mean -= 20
    limit, product = math.exp(-mean), rng.random()
    while product > limit:
        total += 1
        product *= rng.random()
    return total


def traffic(*, a_day: float, times: float, seed: int, feeds: int = 12, added: int = 6) -> Traffic:
    """A year with `a_day` stories in the mean, and bursts of about `times` what is usual of their day."""
    rng = random.Random(f"{seed} {a_day} {times}")
    down = frozenset(_stretches(rng, 2, (2, 2)))
    sources = [_source(rng, n, START, down) for n in range(feeds)]
    sources += [_source(rng, feeds + n, START + (WARM_UP + 30 + 45 * n) * _DAY, down) for n in range(added)]
    made = Traffic()
    made.bursts = _burst_days(rng, down)
    number = 0
    for offset in range(DAYS):
        day = START + offset * _DAY
        mean = a_day * WEEK[day.weekday()]
        stories = poisson(rng, mean)
        if day in made.bursts:
            stories += poisson(rng, mean * (times - 1))
        for _ in range(stories):
            number += 1
            made.hits += _carried(rng, f"story {number}", day, sources)
    for source in sources:
        made.days += _days(rng, source)
        made.hits += _archive(source)
    return made


def _source(rng: random.Random, number: int, added: date, down: frozenset[date]) -> Source:
    away = set(down)
    if rng.random() < 0.5:
        away |= set(_stretches(rng, rng.randint(1, 2), (1, 9)))
    return Source(
        feed_id=f"feed-{number:02}",
        share=rng.choice((0.05, 0.1, 0.15, 0.3, 0.5)),
        dated=rng.random() < 0.8,
        added=added,
        away=frozenset(day for day in away if day > added),
    )


def _stretches(rng: random.Random, number: int, length: tuple[int, int]) -> Iterator[date]:
    for _ in range(number):
        start = START + rng.randrange(WARM_UP, DAYS - 10) * _DAY
        yield from (start + n * _DAY for n in range(rng.randint(*length)))


def _burst_days(rng: random.Random, down: frozenset[date]) -> list[date]:
    found: list[date] = []
    while len(found) < BURSTS:
        day = START + rng.randrange(WARM_UP + 2, DAYS - 2) * _DAY
        if day not in down and all(abs((day - other).days) > 5 for other in found):
            found.append(day)
    return sorted(found)


def _carried(rng: random.Random, story: str, day: date, sources: list[Source]) -> Iterator[Hit]:
    """The copies of a story: at least one, each when its feed is next read."""
    there = [one for one in sources if one.added <= day]
    carriers = [one for one in there if rng.random() < one.share] or [rng.choice(there)]
    for source in carriers:
        published = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=rng.uniform(0, 22))
        seen = published + timedelta(hours=rng.uniform(0, 1.5))
        while seen.date() in source.away:
            seen = datetime(seen.year, seen.month, seen.day, 1, tzinfo=UTC) + _DAY
        yield Hit(
            entry_id=rng.getrandbits(40),
            story=story,
            feed_id=source.feed_id,
            tier="media",
            first_seen=seen,
            published=published if source.dated else None,
        )


def _days(rng: random.Random, source: Source) -> Iterator[CheckedDay]:
    day = source.added
    while day < START + DAYS * _DAY:
        ok = 0 if day in source.away else 24
        gaps = int(ok > 0 and rng.random() < 0.005)
        yield CheckedDay(feed_id=source.feed_id, day=day, checks=24, ok=ok, gaps=gaps)
        day += _DAY


def _archive(source: Source) -> Iterator[Hit]:
    """What a feed holds when it is first read: an archive, stored as such."""
    at = datetime(source.added.year, source.added.month, source.added.day, 9, tzinfo=UTC)
    for number in range(40):
        story = f"old {source.feed_id} {number}"
        yield Hit(
            entry_id=number, story=story, feed_id=source.feed_id, tier="media", first_seen=at, live=False, clauses=()
        )
