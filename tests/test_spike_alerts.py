"""Unusual days through the whole river: a burst is told once, to whom wishes it, and no backlog, new feed or recovery is."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select

from aggregator.core.digests.letter import Postmaster
from aggregator.core.errors import StoreError
from aggregator.core.model.subscriptions import Phase
from aggregator.dispatch import Opener, spikes
from aggregator.store import audit, digests, optouts, spike_checks, spike_proof, subscribers
from aggregator.store.database import Connection, Store
from aggregator.store.schema import feed_day, spike_check
from aggregator.store.spike_proof import SpikeBalance
from tests.factories import NOW
from tests.history import at, came, days_before, learned
from tests.servers import reply
from tests.world import World, rss, run, served, world

WORDS = """
feeds:
{feeds}
topics:
  - {{id: narcotics, name: Narcotics policy, keywords: [fentanyl], alert_at: {alert_at}}}
{topics}subscribers:
  - id: desk
    email: desk@example.org
    timezone: Asia/Kolkata
    subscriptions:
      - {{id: morning, topics: [{names}], {wish}}}
"""
AT_ONCE = "immediate: true, spikes: true"
PLACES = (
    "port",
    "airport",
    "border",
    "harbour",
    "station",
    "market",
    "depot",
    "bridge",
    "ferry",
    "school",
    "mill",
    "inn",
)
THINGS = ("two vans", "old crates", "a lorry", "wine barrels", "a fridge", "toy bears", "car tyres", "a piano", "boxes")


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str | None:
    if request.param == "sqlite":
        return None
    make: Callable[[], str] = request.getfixturevalue("make_ready_database")
    return make()


def mails(w: World) -> list[EmailMessage]:
    return [message_from_bytes(mail, policy=policy.default) for mail in w.mail.sent]


def words(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return " ".join(str(part.get_content()).split())


def seized(*numbers: int) -> bytes:
    """A document of entries that tell a story each."""
    told = ((f"s{n}", f"Fentanyl in {THINGS[n % 9]} near the {PLACES[n % 12]} of town {n}") for n in numbers)
    return served(rss(*told, ("0", "Weather")))


def settled(connection: Connection, feed: str, w: World) -> None:
    """The feed was read on each of the eighty days before today."""
    days = days_before(w.clock().date(), 81)[:-1]
    rows = [{"feed_id": feed, "day": day, "checks": 24, "ok": 24, "new": 1, "gaps": 0} for day in days]
    connection.execute(insert(feed_day), rows)


async def followed(
    w: World, *answers: bytes, wish: str = AT_ONCE, alert_at: int = 1, more: str = "", more_topics: tuple[str, ...] = ()
) -> None:
    """A feed with a story a day for eighty days, whose next documents are these, and the readers' wishes."""
    wire = w.server.on("/a", served(rss(("0", "Weather"))), *answers, reply(status=304))
    feeds = f"  - {{id: wire, url: '{wire}'}}\n{more}"
    topics = "".join(f"  - {{id: {name}, keywords: [fentanyl], alert_at: {alert_at}}}\n" for name in more_topics)
    names = ", ".join(("narcotics", *more_topics))
    await w.follow(WORDS.format(feeds=feeds, topics=topics, names=names, alert_at=alert_at, wish=wish))
    await w.app.refresher.check()
    w.clock.forward(minutes=6)
    await w.app.replayer.run()
    store, days = w.app.store, days_before(w.clock().date(), 81)
    await store.writing(settled, "wire", w)
    learned(store, "wire", baseline_at=at(days[0]))
    came(store, "wire", [at(day, 5) for day in days[1:-1]], title="Old news {n}")


async def goes_on(w: World, **by: float) -> None:
    """The next document comes, and what is due is mailed."""
    w.clock.forward(**(by or {"hours": 3, "minutes": 30}))
    await w.app.refresher.check()
    await w.app.dispatcher.run()


async def balance(w: World) -> SpikeBalance:
    """Of the spikes; what was matched since the feeds are really read closes as well."""
    assert (await w.app.store.reading(audit.audit, since=NOW)).total.closes
    return await w.app.store.reading(spike_proof.prove)


async def came_since(w: World) -> int:
    """How many matches the feeds brought."""
    return (await w.app.store.reading(audit.audit, since=NOW)).total.matches_due


def test_a_burst_is_told_at_once_with_its_stories_and_not_again_as_the_day_grows(
    tmp_path: Path, database: str | None
) -> None:
    async def go() -> None:
        async with world(tmp_path, database=database) as w:
            await followed(w, seized(*range(1, 13)), seized(*range(1, 20)), alert_at=9)
            await goes_on(w)
            (mail,) = mails(w)
            told = words(mail)
            assert mail["Subject"] == ("[Narcotics policy] 1 unusual day: 12 stories on Tue 27 Jan, usually about 1")
            assert "Unusual day: Narcotics policy" in told
            assert "12 stories so far on Tue 27 Jan (UTC); usually about 1. By chance alone" in told
            assert "so many come on less than one day in a million." in told
            assert "Fentanyl in wine barrels near the port of town 12 (wire) https://wire.example/s12 " in told
            assert told.count("https://wire.example/s") == 8
            assert "- and 4 more" in told
            assert "its alert level or a topic has an unusual day, at most 6 times" in told
            await goes_on(w)
            await goes_on(w, hours=20)
            await goes_on(w, hours=20)
            assert len(mails(w)) == 1
            assert await balance(w) == SpikeBalance(delivered=1)

    run(go)


def test_what_is_due_at_once_beside_a_burst_shares_its_mail_and_is_not_listed_twice(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            await followed(w, seized(*range(1, 13)))
            await goes_on(w)
            (mail,) = mails(w)
            assert str(mail["Subject"]).startswith("[Narcotics policy] 12 new, 1 unusual day: Fentanyl in")
            assert words(mail).count("https://wire.example/s1 ") == 1
            assert "All are told below." in words(mail)
            assert mail["References"] is None

    run(go)


def test_a_timed_digest_tells_a_day_once_with_what_became_of_it(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            await followed(w, seized(*range(1, 13)), seized(*range(1, 20)), wish='at: "07:00", spikes: true')
            await goes_on(w)
            await goes_on(w)
            assert mails(w) == []
            (rendered, _) = await w.app.dispatcher.preview("desk")
            assert "19 stories so far on Tue 27 Jan" in rendered.text
            before = w.clock()
            for _ in range(3):
                await goes_on(w, hours=16)
            (mail,) = mails(w)
            assert "19 stories on Tue 27 Jan (UTC); usually about 1." in words(mail)
            assert await balance(w) == SpikeBalance(delivered=1)
            (again, _) = await w.app.dispatcher.preview("desk", as_of=before)
            assert "1 unusual day" in again.subject

    run(go)


def test_quiet_hours_hold_a_spike_as_they_hold_any_alert(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            await followed(w, seized(*range(1, 13)), wish=f'{AT_ONCE}, quiet: "15:00-19:00"', alert_at=9)
            await goes_on(w)
            assert mails(w) == []
            assert (await balance(w)).pending == 1
            await goes_on(w)
            assert len(mails(w)) == 1

    run(go)


def test_who_does_not_wish_spikes_is_told_none(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            await followed(w, seized(*range(1, 13)), wish="immediate: true", alert_at=9)
            await goes_on(w)
            assert mails(w) == []
            assert await balance(w) == SpikeBalance()

    run(go)


def test_a_new_feed_makes_no_spike_with_its_archive_nor_with_its_first_days(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            fresh = w.server.on("/new", seized(*range(50, 70)), seized(*range(50, 90)), reply(status=304))
            await followed(w, alert_at=9, more=f"  - {{id: fresh, url: '{fresh}', backlog: 48h}}\n")
            await goes_on(w)
            await goes_on(w, hours=24)
            assert await came_since(w) == 40
            assert mails(w) == []
            assert await balance(w) == SpikeBalance()

    run(go)


def test_a_feed_that_comes_back_with_what_it_missed_makes_no_spike(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            await followed(w, *[reply(status=500)] * 3, seized(*range(1, 20)), alert_at=9)
            for _ in range(4):
                await goes_on(w, hours=26)
            assert await came_since(w) == 19
            assert mails(w) == []
            assert await balance(w) == SpikeBalance()

    run(go)


def test_a_burst_that_nobody_looked_at_for_two_days_is_no_news(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            await followed(w, seized(*range(1, 13)), alert_at=9)
            w.clock.forward(hours=3, minutes=30)
            await w.app.refresher.check()
            await goes_on(w, hours=48)
            assert mails(w) == []
            assert await balance(w) == SpikeBalance()

    run(go)


class Failing(Store):
    """A database that goes away in the middle of one kind of write, so that it is taken back, as in a crash."""

    def __init__(self, database: str, work: Callable[..., Any]) -> None:
        super().__init__(database)
        self._work = work

    async def writing(self, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        def cut_off(connection: Connection, *inner: Any, **named: Any) -> Any:
            work(connection, *inner, **named)
            raise StoreError("the database failed: it is away")

        return await super().writing(cut_off if work is self._work else work, *args, **kwargs)


@pytest.mark.parametrize("where", ["note", "freeze"])
def test_a_crash_before_a_spike_is_written_or_claimed_loses_and_doubles_nothing(tmp_path: Path, where: str) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            await followed(w, seized(*range(1, 13)), alert_at=9)
            w.clock.forward(hours=3, minutes=30)
            await w.app.refresher.check()
            store = Failing(w.app.settings.database, spike_checks.note if where == "note" else digests.freeze)
            postmaster = Postmaster(sender="news@example.org", domain="example.org", secret=b"x" * 32)
            assert await Opener(store=store, postmaster=postmaster, clock=w.clock).open_due() == ()
            store.close()
            w.clock.forward(minutes=1)
            await w.app.dispatcher.run()
            assert len(mails(w)) == 1
            assert await balance(w) == SpikeBalance(delivered=1)

    run(go)


def test_a_round_that_has_looked_for_a_minute_makes_its_digests_and_the_next_goes_on(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            await followed(w, seized(*range(1, 13)), alert_at=9, more_topics=("second", "third"))
            w.clock.forward(hours=3, minutes=30)
            await w.app.refresher.check()

            def slow() -> datetime:
                """A clock on which each look takes most of a minute."""
                w.clock.forward(seconds=25)
                return w.clock()

            for looked in (["narcotics", "second"], ["narcotics", "second", "third"]):
                await spikes.look(w.app.store, clock=slow)
                assert await w.app.store.reading(judged) == looked

    run(go)


def judged(connection: Connection) -> list[str]:
    return list(connection.execute(select(spike_check.c.topic_id).order_by(spike_check.c.topic_id)).scalars())


def test_two_processes_that_make_digests_at_once_tell_a_spike_once(tmp_path: Path, database: str | None) -> None:
    async def go() -> None:
        async with world(tmp_path, database=database) as w:
            await followed(w, seized(*range(1, 13)), alert_at=9)
            w.clock.forward(hours=3, minutes=30)
            await w.app.refresher.check()
            other = Store(w.app.settings.database)
            postmaster = Postmaster(sender="news@example.org", domain="example.org", secret=b"x" * 32)
            twin = Opener(store=other, postmaster=postmaster, clock=w.clock)
            made = await asyncio.gather(w.app.dispatcher.open_due(), twin.open_due())
            assert sum(map(len, made)) == 1
            other.close()
            await w.app.dispatcher.run()
            assert len(mails(w)) == 1
            assert await balance(w) == SpikeBalance(delivered=1)

    run(go)


def test_a_spike_whose_mail_was_called_off_waits_for_the_end_of_a_pause_and_ends_with_the_reader(
    tmp_path: Path, database: str | None
) -> None:
    async def go() -> None:
        async with world(tmp_path, database=database) as w:
            await followed(w, seized(*range(1, 13)), alert_at=9)
            w.clock.forward(hours=3, minutes=30)
            await w.app.refresher.check()
            store = w.app.store
            (desk,) = await store.reading(subscribers.members)
            me = desk.subscriber.id
            await w.app.dispatcher.open_due()
            await store.writing(optouts.pause, me, until=None, detail="", now=w.clock())
            assert list((await w.app.dispatcher.send_due()).values()) == [Phase.CANCELLED]
            assert await balance(w) == SpikeBalance(pending=1)
            await store.writing(optouts.end_pause, me, now=w.clock())
            w.clock.forward(minutes=20)
            await w.app.dispatcher.open_due()
            await store.writing(optouts.unsubscribe, me, detail="", now=w.clock())
            assert list((await w.app.dispatcher.send_due()).values()) == [Phase.CANCELLED]
            assert mails(w) == []
            assert await balance(w) == SpikeBalance(suppressed=1, suppressed_by={"unsubscribed": 1})

    run(go)
