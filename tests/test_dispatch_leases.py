"""Leases of mails that take their time: at the end of the service, and while the database is away."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from aggregator.core.digests.letter import Postmaster
from aggregator.core.errors import StoreError
from aggregator.core.model.subscriptions import Phase, SendResult, Sent
from aggregator.dispatch import DRAIN, Dispatcher, Opener, Sender
from aggregator.store import deliveries
from aggregator.store.database import Connection, Store
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


def test_a_receiver_that_does_not_answer_holds_up_its_own_channel_alone(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            await with_news(w)
            w.clock.forward(days=1)
            slow, mail = Slow(), w.mail
            sender = Sender(
                store=w.app.store,
                transports={"mail": slow, "outbox": mail},
                clock=w.clock,
                token=iter(map(str, range(99))).__next__,
                lease=timedelta(seconds=0.2),
            )
            (first,) = await w.app.dispatcher.open_due()
            assert await sender.send_due(patience=0.05) == {}
            await slow.taken.wait()
            await w.app.store.writing(copied, first, "outbox")
            await w.app.store.writing(copied, first, "mail")
            w.clock.forward(minutes=5)
            assert list((await sender.send_due(patience=60)).values()) == [Phase.SENT]
            assert len(mail.sent) == 1
            slow.answers.set()
            await sender.drain()
            assert await w.app.store.reading(phases) == ["sent", "sent", "queued"]
            assert list((await sender.send_due(patience=60)).values()) == [Phase.SENT]

    run(go)


def copied(connection: Connection, digest_id: int, channel: str) -> None:
    """One more delivery of a digest, by a channel."""
    columns = "digest_id, subscriber_id, sender, recipient, message, attempts, ambiguous, next_try_at, created_at"
    connection.exec_driver_sql(
        f"INSERT INTO delivery (message_id, channel, phase, {columns}) "
        f"SELECT '<{channel}@copy>', '{channel}', 'queued', {columns} FROM delivery WHERE digest_id = {digest_id} LIMIT 1"
    )


def phases(connection: Connection) -> list[str]:
    return [row[0] for row in connection.exec_driver_sql("SELECT phase FROM delivery ORDER BY id")]


def test_what_was_left_to_itself_before_data_is_dropped_at_the_end_and_sent_later(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            await with_news(w)
            w.clock.forward(days=1)
            stuck = Stuck()
            patient = partial(Sender, store=w.app.store, clock=w.clock, lease=timedelta(seconds=60))
            sender = patient(transports={"mail": stuck}, token=lambda: "stuck")
            await w.app.dispatcher.open_due()
            assert await sender.send_due(patience=0.05) == {}
            await sender.drain()
            await stuck.dropped.wait()
            w.clock.forward(minutes=2)
            again = patient(transports={"mail": w.mail}, token=lambda: "again")
            assert list((await again.send_due()).values()) == [Phase.SENT]

    run(go)


@dataclass
class Stuck(Slow):
    """A channel that never comes as far as the message."""

    dropped: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(
        self, *, sender: str, recipient: str | None, message: bytes, before_data: Callable[[], Awaitable[None]]
    ) -> SendResult:
        try:
            await self.answers.wait()
        finally:
            self.dropped.set()
        return Sent(response="250 ok")
