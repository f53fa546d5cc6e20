"""Leases of mails that take their time: at the end of the service, and while the database is away."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from aggregator.core.digests.letter import Postmaster
from aggregator.core.errors import StoreError
from aggregator.core.model.subscriptions import SendResult, Sent
from aggregator.dispatch import DRAIN, Dispatcher, Opener, Sender
from aggregator.store import deliveries
from aggregator.store.database import Store
from tests.world import World, listed, rss, run, served, world


@dataclass
class Slow:
    """A channel that has taken the message and answers when it is let."""

    taken: asyncio.Event = field(default_factory=asyncio.Event)
    answers: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(
        self, *, sender: str, recipient: str | None, message: bytes, before_data: Callable[[], Awaitable[None]]
    ) -> SendResult:
        del sender, recipient, message
        await before_data()
        self.taken.set()
        await self.answers.wait()
        return Sent(response="250 ok")

    async def check(self) -> SendResult:
        return Sent(response="250 ok")

    async def aclose(self) -> None:
        """Nothing is held open."""

    def describe(self) -> str:
        return "slow"


class Faltering(Store):
    """A database that is away when a lease is to be kept for the first time."""

    away = False
    kept: asyncio.Event

    async def writing(self, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if work is deliveries.extend and not self.away:
            self.away = True
            raise StoreError("the database failed: it is away")
        done = await super().writing(work, *args, **kwargs)
        if work is deliveries.extend:
            self.kept.set()
        return done


async def with_news(w: World) -> None:
    """One match, and the time of its digest."""
    url = w.server.on("/a", served(rss(("1", "Weather"))), served(rss(("2", "Fentanyl seized"), ("1", "Weather"))))
    await w.follow(listed([("wire", url)]))
    await w.app.refresher.check()
    w.clock.forward(hours=25)
    await w.app.refresher.check()


def dispatcher(w: World, store: Store, channel: Slow, *, lease: timedelta) -> Dispatcher:
    postmaster = Postmaster(sender="news@example.org", domain="example.org", secret=b"x" * 32)
    return Dispatcher(
        Opener(store=store, postmaster=postmaster, clock=w.clock),
        Sender(store=store, transports={"mail": channel}, clock=w.clock, token=lambda: "one", lease=lease),
    )


def test_a_mail_that_is_waited_for_at_the_end_cannot_be_taken_over_meanwhile(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            await with_news(w)
            store, channel, lease = w.app.store, Slow(), timedelta(seconds=2)
            one = dispatcher(w, store, channel, lease=lease)
            round_ = asyncio.create_task(one.run())
            await channel.taken.wait()
            round_.cancel()
            await asyncio.wait([round_])
            later = w.clock() + timedelta(seconds=DRAIN - 1)
            assert await store.writing(deliveries.claim, now=later, lease="two", lasts=lease) == ()
            channel.answers.set()
            await one.drain()
            assert await store.reading(deliveries.counts) == {"sent": 1}

    run(go)


def test_a_lease_is_kept_on_though_the_database_was_away_for_a_moment(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            await with_news(w)
            store, channel = Faltering(w.app.settings.database), Slow()
            store.kept = asyncio.Event()
            round_ = asyncio.create_task(dispatcher(w, store, channel, lease=timedelta(seconds=0.1)).run())
            await store.kept.wait()
            channel.answers.set()
            await round_
            store.close()
            assert await w.app.store.reading(deliveries.counts) == {"sent": 1}

    run(go)
