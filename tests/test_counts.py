"""What a round costs, in counts that no machine changes: bodies and bytes parsed, entries, statements, connections."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, event

from aggregator.app import App
from aggregator.core.digests.letter import Postmaster
from aggregator.core.model.entries import ReadDone, ReadJob, ReadResult
from aggregator.core.model.plans import Outcome
from aggregator.core.model.subscriptions import Schedule
from aggregator.dispatch import Opener
from aggregator.store import entries, group, subscribers
from aggregator.store.database import Store
from tests.databases import make_ready
from tests.factories import NOW, make_feed, make_subscriber
from tests.farm import ENTRIES, Farm
from tests.history import came, follow, learned
from tests.servers import reply
from tests.world import listed, rss, run, served, world

FEEDS = 80


@dataclass(slots=True)
class Read:
    """The jobs that an App's workers were given, and how many entries they read in them."""

    jobs: list[ReadJob] = field(default_factory=list)
    entries: int = 0

    def forget(self) -> None:
        self.jobs.clear()
        self.entries = 0


@dataclass(slots=True)
class Statements:
    """Statements of each transaction that was committed, in order."""

    open: dict[int, int] = field(default_factory=dict)
    committed: list[int] = field(default_factory=list)


def counted(app: App, monkeypatch: pytest.MonkeyPatch) -> Read:
    """Count what `app`'s workers read from now on."""
    seen, read = Read(), app.workers.read

    async def counting(jobs: Sequence[ReadJob]) -> tuple[ReadResult, ...]:
        seen.jobs += jobs
        results = await read(jobs)
        seen.entries += sum(len(result.entries) for result in results if isinstance(result, ReadDone))
        return results

    monkeypatch.setattr(app.workers, "read", counting)
    return seen


@contextmanager
def statements(store: Store) -> Iterator[Statements]:
    seen = Statements()

    def executed(connection: Connection, *_: object) -> None:
        seen.open[id(connection)] = seen.open.get(id(connection), 0) + 1

    def committed(connection: Connection) -> None:
        seen.committed.append(seen.open.pop(id(connection), 0))

    hooks = (("after_cursor_execute", executed), ("commit", committed))
    for name, hook in hooks:
        event.listen(store._engine, name, hook)
    try:
        yield seen
    finally:
        for name, hook in hooks:
            event.remove(store._engine, name, hook)


def bodies(*titles: str, built: str = "") -> bytes:
    extra = f"<lastBuildDate>{built}</lastBuildDate>" if built else ""
    return rss(*((str(n), title) for n, title in enumerate(titles)), extra=extra)


@pytest.mark.parametrize(
    ("second", "outcome"),
    [
        pytest.param(reply(status=304), Outcome.NOT_MODIFIED, id="a 304"),
        pytest.param(served(bodies("a", "b", "c"), etag='"1"'), Outcome.FETCHED, id="a 200 with the same bytes"),
    ],
)
def test_an_unchanged_feed_hands_no_byte_to_the_parser(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, second: bytes, outcome: Outcome
) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            url = w.server.on("/a", served(bodies("a", "b", "c"), etag='"1"'), second)
            await w.follow(listed([("wire", url)]))
            read = counted(w.app, monkeypatch)
            await w.app.refresher.check()
            assert (len(read.jobs), read.entries) == (1, 3)
            read.forget()
            w.clock.forward(days=2)
            (result,) = await w.app.refresher.check()
            assert result.outcome is outcome
            assert (read.jobs, read.entries) == ([], 0)

    run(go)


@pytest.mark.parametrize(
    ("second", "parsed"),
    [
        pytest.param(bodies("a", "b", "c", built="now"), 0, id="only the build date moved"),
        pytest.param(bodies("a", "b", "c", "d", "e", built="now"), 2, id="two are new"),
        pytest.param(bodies("a", "B, corrected", "c", built="now"), 1, id="one was edited"),
        pytest.param(bodies("a", "B, corrected", "c", "d", "e", "f"), 4, id="three are new and one was edited"),
    ],
)
def test_only_new_and_edited_entries_of_a_changed_feed_are_parsed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, second: bytes, parsed: int
) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            url = w.server.on("/a", served(bodies("a", "b", "c", built="then")), served(second))
            await w.follow(listed([("wire", url)]))
            read = counted(w.app, monkeypatch)
            await w.app.refresher.check()
            read.forget()
            w.clock.forward(days=2)
            (result,) = await w.app.refresher.check()
            assert (len(read.jobs), read.entries) == (1, parsed)
            assert result.new + result.updated == parsed

    run(go)


def test_a_cycle_costs_a_transaction_for_many_feeds_and_a_few_statements_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group, "WAIT", 0.5)

    async def go() -> None:
        async with world(tmp_path) as w:
            await w.follow(farm.feed_list())
            for statements_a_feed in (7, 3, 3):
                began = time.monotonic()
                with statements(w.app.store) as seen:
                    results = await w.app.refresher.check()
                assert len(results) == FEEDS
                # A busy machine fills a batch more slowly than it may wait: then there are more of them.
                slow = (time.monotonic() - began) / group.WAIT
                assert len(seen.committed) <= FEEDS / 5 + slow
                assert sum(seen.committed) <= statements_a_feed * FEEDS + 20 * len(seen.committed)
                w.clock.forward(days=2)
            assert await w.app.store.reading(entries.count) == FEEDS * ENTRIES

    with Farm(feeds=FEEDS, hosts=FEEDS) as farm:
        run(go)


def test_every_request_has_one_connection_and_every_connection_one_request(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            followed = [(f"f{n}", w.server.on(f"/{n}", served(bodies("a"), etag='"1"'))) for n in range(10)]
            moved = w.server.on("/old", reply(status=301, headers=[("Location", "/0")]))
            refused = w.server.on("/refused", reply(status=500))
            await w.follow(listed([*followed, ("moved", moved), ("refused", refused)]))
            await w.app.refresher.check()
            w.clock.forward(days=2)
            await w.app.refresher.check()
            assert w.server.connections == len(w.server.asked) == 2 * (10 + 2 + 1)

    run(go)


def opened(folder: Path, *, readers: int, feeds: int, due: bool) -> int:
    """Statements that a round of making digests takes, every other reader being alerted at once."""
    database = f"sqlite:///{folder / f'{readers}-{feeds}-{due}.db'}"
    make_ready(database)
    store = Store(database)
    began = NOW - timedelta(days=60)
    follow(store, [make_feed(f"f{n}") for n in range(feeds)], since=began)
    for n in range(feeds):
        came(store, f"f{n}", [began + timedelta(days=day) for day in range(1, 40)], topics=())
        learned(store, f"f{n}", succeeded_at=NOW, checked_at=NOW, changed_at=began + timedelta(days=39))
    timed = [make_subscriber(f"r{n}", timezone="UTC") for n in range(0, readers, 2)]
    at_once = [make_subscriber(f"r{n}", schedule=Schedule(immediate=True)) for n in range(1, readers, 2)]
    people = [*timed, *at_once]
    store.write(subscribers.save, people, {one.slug: one.slug for one in people}, now=NOW)
    postmaster = Postmaster(sender="a@example.org", domain="example.org", secret=b"s" * 32)
    opener = Opener(store=store, postmaster=postmaster, clock=lambda: NOW + timedelta(hours=due))
    with statements(store) as seen:
        asyncio.run(opener.open_due())
    store.close()
    return sum(seen.committed)


def test_a_round_with_nothing_due_asks_as_much_for_many_readers_as_for_few(tmp_path: Path) -> None:
    assert opened(tmp_path, readers=60, feeds=1, due=False) == opened(tmp_path, readers=4, feeds=1, due=False)


def test_digests_that_are_made_together_ask_each_feed_once(tmp_path: Path) -> None:
    few, many = (
        opened(tmp_path, readers=readers, feeds=12, due=True) - opened(tmp_path, readers=readers, feeds=2, due=True)
        for readers in (4, 20)
    )
    assert few == many > 0
