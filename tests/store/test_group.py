"""Group commit: few transactions for many items, and a bad item fails alone."""

import asyncio
from collections.abc import Sequence

import pytest
from sqlalchemy import Connection

from aggregator.store import health
from aggregator.store.database import Store
from aggregator.store.group import GroupCommit
from tests.factories import NOW


def write(connection: Connection, items: Sequence[str]) -> Sequence[str]:
    for item in items:
        health.beat(connection, item, now=NOW)
        if item == "poison":
            raise ValueError("poisoned")
    return [item.upper() for item in items]


def test_a_poisoned_item_cannot_sink_its_neighbours(store: Store) -> None:
    async def go() -> list[str | BaseException]:
        async with GroupCommit(store, write) as commits:
            return await asyncio.gather(
                *(commits.submit(item) for item in ("a", "poison", "b")), return_exceptions=True
            )

    results = asyncio.run(go())
    assert (results[0], results[2]) == ("A", "B")
    assert isinstance(results[1], ValueError)
    assert set(store.read(health.beats)) == {"a", "b"}


def test_many_items_share_few_transactions(store: Store) -> None:
    sizes: list[int] = []

    def count(connection: Connection, items: Sequence[int]) -> Sequence[int]:
        sizes.append(len(items))
        return items

    async def go() -> list[int]:
        async with GroupCommit(store, count) as commits:
            return list(await asyncio.gather(*(commits.submit(n) for n in range(150))))

    assert asyncio.run(go()) == list(range(150))
    assert sizes == [64, 64, 22]


def test_what_was_not_written_when_it_is_left_is_dropped(store: Store) -> None:
    async def go() -> asyncio.Future[str]:
        async with GroupCommit(store, write) as commits:
            return commits.submit("late")

    future = asyncio.run(go())
    assert future.cancelled()
    assert store.read(health.beats) == {}


@pytest.mark.parametrize("write_lock", [True, False])
def test_a_store_gives_back_what_the_work_returns(store: Store, write_lock: bool) -> None:
    run = store.write if write_lock else store.read
    assert run(health.beats) == {}
