"""Digests that are no mail, from the ledger to a receiver on loopback: signed, repeated, given up, and sent again."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from aggregator.core.digests.webhooks import shown_key, webhook_key
from aggregator.core.model.subscriptions import Phase
from aggregator.store import deliveries, retries
from aggregator.store.database import Connection
from tests.core.digests.test_webhooks import accepts
from tests.servers import Asked, Reply, reply
from tests.world import World, listed, rss, run, served, world

SECRET = "the installation's secret"
PLAIN = reply(status=200)


def to(channel: str, target: str) -> Any:
    """Every subscription goes there."""

    def write(connection: Connection) -> None:
        connection.exec_driver_sql(f"UPDATE subscription SET channel = '{channel}', target = '{target}'")

    return write


async def with_a_webhook(w: World, *replies: Reply) -> None:
    """A match that is due to a subscription whose webhook is this server's /hook."""
    old, new = rss(("1", "Weather")), rss(("2", "Fentanyl seized at the port"), ("1", "Weather"))
    await w.follow(listed([("wire", w.server.on("/a", served(old), served(new)))]))
    await w.app.store.writing(to("webhook", w.server.on("/hook", *replies)))
    await w.app.refresher.check()
    w.clock.forward(hours=25)
    await w.app.refresher.check()
    w.clock.forward(days=1)


async def phase(w: World) -> Phase:
    (done,) = (await w.app.dispatcher.run()).deliveries.values()
    return done


def dead(connection: Connection) -> list[tuple[int, str]]:
    rows = connection.exec_driver_sql("SELECT digest_id, detail FROM delivery WHERE phase = 'dead'")
    return [(row[0], row[1]) for row in rows]


async def ledger(w: World) -> list[tuple[str, str | None]]:
    def read(connection: Connection) -> list[tuple[str, str | None]]:
        rows = connection.exec_driver_sql("SELECT state, reason FROM ledger WHERE digest_id IS NOT NULL")
        return [(row[0], row[1]) for row in rows]

    return await w.app.store.reading(read)


def posts(w: World) -> list[Asked]:
    return [asked for asked in w.server.asked if asked.method == "POST"]


def go(tmp_path: Path, work: Any, **environ: str) -> None:
    async def within() -> None:
        async with world(tmp_path, AGGREGATOR_SECRET=SECRET, **environ) as w:
            await work(w)

    run(within)


def test_a_digest_reaches_its_webhook_signed_and_is_delivered(tmp_path: Path) -> None:
    async def work(w: World) -> None:
        await with_a_webhook(w, reply(status=204, length=None))
        assert await phase(w) is Phase.SENT
        (asked,) = posts(w)
        told = json.loads(asked.body)
        assert told["topics"][0]["stories"][0]["matches"][0]["title"] == "Fentanyl seized at the port"
        headers = {name.decode().lower(): value.decode() for name, value in asked.headers}
        assert headers["content-type"] == "application/json"
        key = shown_key(webhook_key(SECRET.encode(), told["subscription"]["id"]))
        assert accepts(key, headers, asked.body, w.clock())
        assert headers["webhook-id"] == told["id"]
        assert await ledger(w) == [("delivered", None)]
        assert w.mail.sent == []

    go(tmp_path, work)


def test_a_receiver_that_fails_is_tried_again_with_the_same_id_and_bytes(tmp_path: Path) -> None:
    async def work(w: World) -> None:
        await with_a_webhook(w, reply(status=500), reply(status=301, headers=[("Location", "/else")]), PLAIN)
        assert await phase(w) is Phase.QUEUED
        assert (await w.app.dispatcher.run()).deliveries == {}
        w.clock.forward(minutes=2)
        assert await phase(w) is Phase.QUEUED
        w.clock.forward(minutes=7)
        assert await phase(w) is Phase.SENT
        first, second, third = posts(w)
        assert first.body == second.body == third.body
        assert len({asked.header("webhook-id") for asked in posts(w)}) == 1
        assert len({asked.header("webhook-signature") for asked in posts(w)}) == 3

    go(tmp_path, work)


def test_a_receiver_that_took_it_and_hung_up_gets_it_again_and_knows_the_id(tmp_path: Path) -> None:
    async def reset(writer: asyncio.StreamWriter, _: Asked) -> None:
        writer.transport.abort()

    async def work(w: World) -> None:
        await with_a_webhook(w, reset, reset, reset, PLAIN)
        for minutes in (2, 7, 20):
            assert await phase(w) is Phase.QUEUED
            w.clock.forward(minutes=minutes)
        assert await phase(w) is Phase.SENT

    go(tmp_path, work)


def test_a_pause_that_the_receiver_asks_for_is_kept(tmp_path: Path) -> None:
    async def work(w: World) -> None:
        await with_a_webhook(w, reply(status=429, headers=[("Retry-After", "600")]), PLAIN)
        assert await phase(w) is Phase.QUEUED
        w.clock.forward(minutes=9)
        assert (await w.app.dispatcher.run()).deliveries == {}
        w.clock.forward(minutes=4)
        w.app.fetcher.gate = type(w.app.fetcher.gate)(0)
        assert len(posts(w)) == 1

    go(tmp_path, work)


@pytest.mark.parametrize("status", [400, 404, 410])
def test_a_refusal_is_a_dead_letter_until_a_person_sends_it_again(tmp_path: Path, status: int) -> None:
    async def work(w: World) -> None:
        await with_a_webhook(w, reply(b"who are you?", status=status), PLAIN)
        assert await phase(w) is Phase.DEAD
        assert await ledger(w) == [("failed", "rejected")]
        w.clock.forward(days=3)
        assert (await w.app.dispatcher.send_due()) == {}
        ((number, detail),) = await w.app.store.reading(dead)
        assert detail == f'HTTP {status}, it says "who are you?"'
        await w.app.store.writing(to("webhook", w.server.on("/mended", PLAIN)))
        assert await w.app.store.writing(retries.again, number, now=w.clock()) == (Phase.DEAD, True)
        assert await ledger(w) == [("pending", None)]
        assert list((await w.app.dispatcher.send_due()).values()) == [Phase.SENT]
        first, second = posts(w)
        assert (first.body, second.target) == (second.body, "/mended")
        assert await ledger(w) == [("delivered", None)]
        assert await w.app.store.writing(retries.again, number, now=w.clock()) == (Phase.SENT, False)
        assert await w.app.store.writing(retries.again, 4711, now=w.clock()) is None

    go(tmp_path, work)


def test_one_receiver_s_fault_parks_nobody(tmp_path: Path) -> None:
    async def work(w: World) -> None:
        await with_a_webhook(w, reply(status=403))
        assert await phase(w) is Phase.DEAD
        assert await w.app.store.reading(deliveries.parked, now=w.clock()) == {}

    go(tmp_path, work)


def test_while_everything_is_redirected_a_webhook_is_only_written_down(tmp_path: Path) -> None:
    async def work(w: World) -> None:
        await with_a_webhook(w, PLAIN)
        assert await phase(w) is Phase.SENT
        assert posts(w) == []
        (path,) = (tmp_path / "data" / "outbox").glob("webhook-*.json")
        assert json.loads(path.read_bytes())["type"] == "digest"

    go(tmp_path, work, AGGREGATOR_REDIRECT_ALL_TO="trial@example.org")


def test_a_service_that_dies_in_the_middle_of_a_post_sends_it_again(tmp_path: Path) -> None:
    async def work(w: World) -> None:
        await with_a_webhook(w, PLAIN)
        await w.app.dispatcher.open_due()
        lease = timedelta(seconds=120)
        (one,) = await w.app.store.writing(deliveries.claim, now=w.clock(), lease="dead", lasts=lease)
        assert await w.app.store.writing(deliveries.begin, one, now=w.clock())
        assert (await w.app.dispatcher.send_due()) == {}
        w.clock.forward(minutes=3)
        assert list((await w.app.dispatcher.send_due()).values()) == [Phase.SENT]

    go(tmp_path, work)
