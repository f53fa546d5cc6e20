"""A stream that comes in any parcels gives the stories that it gives at once; and two processes that join find each other."""

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest

from aggregator.core.stories.group import in_order
from aggregator.core.stories.shelf import Item
from aggregator.core.stories.signature import signature
from aggregator.store import feeds, migrate, stories, topics
from aggregator.store.database import Store
from tests.factories import NOW, make_feed, make_topic
from tests.store.test_stories import MEETING, TEXT, arrive, grouped, told

FEEDS = ["un", "wire", "daily", "post", "herald"]
SAID = [
    "Customs officers seize {n} kg of precursor at {place} port",
    "Police in {place} hold {n} men over fentanyl pills",
    "Minister opens working group on drug policy in {place}",
    "{place} court hears fentanyl case against {n} traders after raid",
]
WORDINGS = ["{}", "{} - The Post", "{}, officials say", "{} today", "Watch: {}"]
STOCK = "Our editors choose the most telling pictures and reports from around the whole world for you each day."


def stream(seed: int, length: int) -> Iterator[dict[str, Any]]:
    """Reports of few events by five feeds within five days, in order."""
    chance = random.Random(seed)
    at = NOW
    for _ in range(length):
        at += timedelta(minutes=chance.randint(1, 240))
        title = chance.choice(SAID).format(
            n=chance.choice((14, 40)), place=chance.choice(("Mundra", "Kochi", "Vienna"))
        )
        text = " ".join(
            chance.sample([TEXT, STOCK, "It was the third such case this year, a spokesman said there."], 2)
        )
        yield told(
            chance.choice(WORDINGS).format(title),
            text if chance.random() < 0.6 else "",
            feed=chance.choice(FEEDS),
            at=at,
            topics=("narcotics",),
        )


@pytest.fixture
def followed(store: Store) -> Store:
    _follow(store)
    return store


def _follow(store: Store) -> None:
    store.write(feeds.save, [make_feed(name) for name in FEEDS], now=NOW)
    store.write(topics.save, [make_topic()], now=NOW)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_stream_in_parcels_is_grouped_as_the_whole_would_be(followed: Store, seed: int) -> None:
    entries = list(stream(seed, 70))
    chance, ids, left = random.Random(seed), list[int](), entries
    while left:
        size = chance.choice((1, 1, 2, 5, 20))
        ids += arrive(followed, *left[:size])
        left = left[size:]
    told_at_once = in_order(
        [
            Item(
                id=number,
                feed_id=one["feed"],
                at=one["at"],
                signed=signature(one["title"], one["text"], "en"),
                topics=frozenset({"narcotics"}),
            )
            for number, one in zip(ids, entries, strict=True)
        ]
    )
    assert grouped(followed) == sorted(sorted(members) for members in told_at_once.values())
    assert 1 < max(map(len, grouped(followed))) < len(entries)


def test_two_processes_that_give_stories_at_once_find_each_other(make_database: Callable[[], str]) -> None:
    database = make_database()
    migrate.upgrade(database, now=NOW)
    ones = [Store(database), Store(database)]
    _follow(ones[0])
    ids = [
        arrive(ones[0], *(told(f"{MEETING} {n}", feed=feed) for n in range(8)), signed=False) for feed in ("un", "wire")
    ]
    meet = Barrier(2)

    def join(store: Store, mine: list[int]) -> None:
        meet.wait(timeout=30)
        for order in (mine[:4], mine[4:]):
            store.write(stories.adopt, order, now=NOW)

    with ThreadPoolExecutor(2) as threads:
        for done in [threads.submit(join, store, mine) for store, mine in zip(ones, ids, strict=True)]:
            done.result(timeout=60)
    found = grouped(ones[0])
    for store in ones:
        store.close()
    assert found == sorted([one, other] for one, other in zip(*ids, strict=True))
