"""Nothing is lost and nothing doubled when the program is killed in the middle: real processes, real signals."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.farm import ENTRIES, Farm
from tests.house import House
from tests.patience import PATIENCE

FEEDS = int(os.environ.get("CRASH_FEEDS", "200"))  # 1,000 on a quiet machine, when a release is made
LEASE = 10.0  # longer than a busy machine may keep a living process from extending it: a lost lease is a strike


@pytest.fixture(scope="module")
def farm() -> Iterator[Farm]:
    with Farm(feeds=FEEDS, hosts=100) as serving:
        yield serving


def holds_everything_once(house: House, farm: Farm) -> None:
    stored = house.ask("SELECT e.feed_id, e.key, r.title FROM entry e JOIN revision r ON r.entry_id = e.id AND r.n = 1")
    assert len(stored) == FEEDS * ENTRIES
    assert set(stored) == farm.expected()
    assert house.ask("SELECT count(*) FROM revision") == [(FEEDS * ENTRIES,)]
    assert house.ask("SELECT count(*), count(DISTINCT entry_id) FROM match") == [(FEEDS, FEEDS)]
    assert house.ask("SELECT count(*) FROM evidence") == [(FEEDS,)]
    assert house.ask("SELECT state, count(*) FROM ledger GROUP BY state") == [("suppressed", FEEDS)]


@pytest.fixture(params=["sqlite", "postgresql"])
def house(request: pytest.FixtureRequest, tmp_path: Path, farm: Farm) -> House:
    database = request.getfixturevalue("make_database")() if request.param == "postgresql" else None
    return House(tmp_path, farm, database)


def test_a_poll_stores_every_entry_once_and_a_second_poll_stores_none(house: House, farm: Farm) -> None:
    house.run("poll")
    holds_everything_once(house, farm)
    house.environ["AGGREGATOR_CLOCK"] = "2099-01-01T00:00:00Z"
    house.run("poll")
    holds_everything_once(house, farm)


def test_case_7_52_a_poll_killed_in_the_middle_and_begun_again_ends_in_the_same_database(
    house: House, farm: Farm
) -> None:
    farm.silent_from = FEEDS // 2
    try:
        process = house.start("poll")
        house.wait(lambda: house.entries() > 0)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    finally:
        farm.silent_from = FEEDS
    assert house.entries() < FEEDS * ENTRIES
    house.later(hours=1)
    for _ in range(2):
        house.run("poll")
    holds_everything_once(house, farm)
    assert house.ask("SELECT count(*) FROM host WHERE lease IS NOT NULL") == [(0,)]


def test_two_workers_share_the_work_and_a_killed_one_is_made_up_for(
    tmp_path: Path, farm: Farm, make_database: Callable[[], str]
) -> None:
    house = House(
        tmp_path,
        farm,
        make_database(),
        AGGREGATOR_ENGINE="procrastinate",
        AGGREGATOR_TICK="1s",
        AGGREGATOR_LEASE=f"{LEASE}s",
    )
    house.run("db", "upgrade")
    house.run("apply")
    workers = [house.start("worker"), house.start("worker")]
    try:
        house.wait(lambda: house.entries() > 0)
        workers[0].send_signal(signal.SIGKILL)
        house.wait(lambda: house.entries() == FEEDS * ENTRIES)
        workers[1].send_signal(signal.SIGTERM)
        assert workers[1].wait(PATIENCE) == 0
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()
    holds_everything_once(house, farm)
