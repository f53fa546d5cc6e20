"""What other digest makers got wrong, tried on this one. Each test is named after the defect in our list of theirs."""

import zlib
from collections import Counter
from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path

from sqlalchemy import Connection, select

from aggregator.core.model.subscriptions import SendFailed, SendFailure
from aggregator.store import audit, health
from aggregator.store.schema import delivery
from tests.servers import reply
from tests.world import World, listed, rss, run, served, world

OLD, NEWS = ("1", "Weather"), ("2", "Fentanyl seized at the port")
BUSY = SendFailed(failure=SendFailure.RETRY, detail="451 busy")
NIGHT = """
  - id: night
    email: night@example.org
    timezone: Asia/Kolkata
    subscriptions:
      - {id: morning, topics: [narcotics], at: "12:30"}
"""
ALERTS = """      - {id: alerts, topics: [narcotics], immediate: true}
"""


async def imported(w: World, *items: tuple[str, str], more: str = "", extra: str = "") -> None:
    """A first check, which is no news, of a feed that says `items` at its second."""
    url = w.server.on("/a", served(rss(OLD)), served(rss(*items, OLD, extra=extra)))
    await w.follow(listed([("wire", url)], more=more))
    await w.app.refresher.check()
    w.clock.forward(hours=25)
    await w.app.refresher.check()


def mails_to(w: World) -> Counter[str]:
    """How many mails each person has."""
    return Counter(str(message_from_bytes(mail, policy=policy.default)["To"]).partition("@")[0] for mail in w.mail.sent)


def words(mail: bytes) -> str:
    body = message_from_bytes(mail, policy=policy.default).get_body(("plain",))
    assert body is not None
    return str(body.get_content())


async def ledger(w: World) -> dict[str, int]:
    return dict((await w.app.store.reading(health.totals)).ledger)


def test_x1_a_day_is_not_ticked_off_by_a_mail_that_failed(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            await imported(w, NEWS)
            w.mail.answers = [BUSY] * 3
            for _ in range(3):
                await w.app.dispatcher.run()
                assert await ledger(w) == {"pending": 1}
                w.clock.forward(hours=3)
            await w.app.dispatcher.run()
            assert len(w.mail.sent) == 1
            assert await ledger(w) == {"delivered": 1}

    run(go)


def test_x1_a_service_that_slept_through_the_hour_of_a_digest_makes_it_later(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            await imported(w, NEWS)
            w.clock.forward(hours=20)
            await w.app.dispatcher.run()
            assert len(w.mail.sent) == 1

    run(go)


def test_x2_the_hour_of_a_digest_is_the_readers_and_stays_so_when_clocks_change(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            people = listed([("wire", w.server.on("/a", served(rss(OLD))))])
            where = people.replace("Asia/Kolkata", "America/New_York").replace(
                'at: "12:30"', 'at: "07:30", empty: all_clear'
            )
            await w.follow(where)
            await w.app.refresher.check()
            w.clock.now = datetime(2026, 3, 6, 20, tzinfo=UTC)
            await w.app.dispatcher.run()
            w.mail.sent.clear()
            made: list[datetime] = []
            while w.clock.now < datetime(2026, 3, 9, 20, tzinfo=UTC):  # the clock is set forward on the 8th
                w.clock.forward(minutes=15)
                await w.app.dispatcher.run()
                made += [w.clock.now] * (len(w.mail.sent) - len(made))
            assert made == [datetime(2026, 3, day, hour, 30, tzinfo=UTC) for day, hour in ((7, 12), (8, 11), (9, 11))]

    run(go)


def test_x3_who_has_the_mail_does_not_get_it_again_because_another_could_not_be_reached(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            await imported(w, NEWS, more=NIGHT)
            w.mail.answers = [BUSY]
            await w.app.dispatcher.run()
            assert len(w.mail.sent) == 1
            w.clock.forward(hours=1)
            await w.app.dispatcher.run()
            assert mails_to(w) == {"desk": 1, "night": 1}

    run(go)


def test_x4_two_digests_of_one_person_both_tell_what_both_watch(tmp_path: Path) -> None:
    second = """      - {id: second, topics: [narcotics], at: "12:35"}
"""

    async def go() -> None:
        async with world(tmp_path) as w:
            await imported(w, NEWS, more=second)
            await w.app.dispatcher.run()
            assert len(w.mail.sent) == 2
            assert all("seized at the port" in words(mail) for mail in w.mail.sent)
            assert await ledger(w) == {"delivered": 2}

    run(go)


def test_x4_what_was_alerted_is_named_in_the_digest_too(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            url = w.server.on("/a", served(rss(OLD)), served(rss(NEWS, OLD)))
            await w.follow(listed([("wire", url)], more=ALERTS))
            await w.app.refresher.check()
            w.clock.now = datetime(2026, 1, 27, 8, tzinfo=UTC)  # the digest was due at seven, with nothing to tell
            await w.app.dispatcher.run()
            w.clock.forward(hours=19)
            await w.app.refresher.check()
            await w.app.dispatcher.run()
            assert len(w.mail.sent) == 1
            w.clock.forward(hours=5)
            await w.app.dispatcher.run()
            assert len(w.mail.sent) == 2
            assert all("seized at the port" in words(mail) for mail in w.mail.sent)
            assert await ledger(w) == {"delivered": 2}

    run(go)


def test_x5_an_outage_of_months_loses_nothing_that_was_stored_before_it(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            await imported(w, NEWS, ("3", "Fentanyl law passed in the senate"))
            w.clock.forward(days=120)
            await w.app.dispatcher.run()
            (mail,) = w.mail.sent
            assert "seized at the port" in words(mail)
            assert "law passed in the senate" in words(mail)

    run(go)


def test_x6_no_queue_is_too_short_for_a_burst_and_none_dies_with_the_process(tmp_path: Path) -> None:
    burst = [(str(number), f"Fentanyl case number {number} of the year") for number in range(10, 410)]

    async def go() -> None:
        async with world(tmp_path) as w:
            await imported(w, *burst, more=ALERTS)
        async with world(tmp_path) as again:  # another process, on what the first one left
            again.clock.now = w.clock.now
            await again.app.dispatcher.run()
            found = await again.app.store.reading(audit.audit)
            assert found.total.closes
            assert found.total.matches_due == 2 * len(burst)
            assert found.total.pending == found.total.failed == 0
            assert found.total.delivered == 2 * len(burst)

    run(go)


def test_x9_a_date_in_the_future_is_news_once(tmp_path: Path) -> None:
    ahead = (
        "<item><guid isPermaLink='false'>9</guid><title>Fentanyl hearing next year</title>"
        "<pubDate>Mon, 01 Feb 2027 10:00:00 GMT</pubDate></item>"
    )

    async def go() -> None:
        async with world(tmp_path) as w:
            await imported(w, extra=ahead)
            for _ in range(5):
                await w.app.dispatcher.run()
                w.clock.forward(days=1)
                await w.app.refresher.check()
            assert len(w.mail.sent) == 1

    run(go)


def test_x14_a_digest_that_was_sent_stays_what_it_was_whatever_its_entries_become(tmp_path: Path) -> None:
    def kept(connection: Connection) -> bytes:
        return zlib.decompress(connection.execute(select(delivery.c.message)).scalar_one())

    async def go() -> None:
        async with world(tmp_path) as w:
            await imported(w, NEWS)
            await w.app.dispatcher.run()
            (mail,) = w.mail.sent
            w.server.on("/a", served(rss(("2", "Correction: flour seized at the port"), OLD)), reply(status=410))
            for _ in range(3):
                w.clock.forward(hours=4)
                await w.app.refresher.check()
            assert await w.app.store.reading(kept) == mail
            assert "Fentanyl* seized at the port" in words(mail)

    run(go)


def test_x14_the_same_entries_are_not_told_again_the_next_day(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            await imported(w, NEWS)
            for _ in range(4):
                await w.app.dispatcher.run()
                w.clock.forward(days=1)
                await w.app.refresher.check()
            assert len(w.mail.sent) == 1

    run(go)


def test_x18_the_backlog_of_a_feed_that_is_added_alerts_nobody(tmp_path: Path) -> None:
    backlog = [(str(number), f"Fentanyl case number {number}") for number in range(10, 310)]

    async def go() -> None:
        async with world(tmp_path) as w:
            feed = w.server.on("/a", served(rss(*backlog)))
            only_alerts = listed([("wire", feed)]).replace('at: "12:30"', "immediate: true")
            await w.follow(only_alerts)
            await w.app.refresher.check()
            for _ in range(3):
                await w.app.dispatcher.run()
                w.clock.forward(hours=9)
                await w.app.refresher.check()
            assert w.mail.sent == []
            assert await ledger(w) == {"suppressed": len(backlog)}

    run(go)
