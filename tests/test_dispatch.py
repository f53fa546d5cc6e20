"""The second river through a real database: pending matches become one mail at the slot, whatever was in between."""

from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from aggregator.core.errors import UsageError
from aggregator.core.model.subscriptions import Phase, SendFailed, SendFailure
from aggregator.store import deliveries, health
from tests.servers import reply
from tests.world import World, listed, rss, run, served, world


async def with_one_match(w: World, *, more: str = "") -> None:
    """Two checks: the first import is baseline, the second brings one live match."""
    old, new = rss(("1", "Weather")), rss(("2", "Fentanyl seized at the port"), ("1", "Weather"))
    await w.follow(listed([("wire", w.server.on("/a", served(old), served(new)))], more=more))
    await w.app.refresher.check()
    w.clock.forward(hours=25)
    await w.app.refresher.check()


def subject_of(message: bytes) -> str:
    return str(message_from_bytes(message, policy=policy.default)["Subject"])


def test_a_pending_match_is_mailed_once_at_the_slot(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            await with_one_match(w)
            await w.app.dispatcher.run()
            assert len(w.mail.sent) == 1
            assert "Fentanyl seized at the port" in subject_of(w.mail.sent[0])
            w.clock.forward(days=1)
            await w.app.dispatcher.run()
            assert len(w.mail.sent) == 1
            assert (await w.app.store.reading(health.totals)).ledger == {"delivered": 1}

    run(go)


def test_a_first_import_is_not_mailed_as_news_but_a_first_digest_shows_the_archive(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            url = w.server.on("/a", served(rss(("1", "Fentanyl seized"))), reply(status=304))
            await w.follow(listed([("wire", url)]))
            await w.app.refresher.check()
            w.clock.forward(days=1)
            await w.app.dispatcher.run()
            (mail,) = w.mail.sent
            text = message_from_bytes(mail, policy=policy.default).get_body(("plain",))
            assert text is not None
            assert "archive" in text.get_content()
            w.clock.forward(days=1)
            await w.app.dispatcher.run()
            assert len(w.mail.sent) == 1

    run(go)


def test_an_outage_of_days_ends_in_one_digest_with_everything(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            await with_one_match(w)
            w.clock.forward(days=9)
            done = await w.app.dispatcher.run()
            assert len(done.digests) == len(w.mail.sent) == 1

    run(go)


def test_nothing_new_makes_no_mail_unless_silence_is_to_be_told(tmp_path: Path) -> None:
    telling = """
  - id: watch
    email: watch@example.org
    subscriptions:
      - {id: morning, topics: [narcotics], at: "07:00", empty: all_clear}
"""

    async def go() -> None:
        async with world(tmp_path) as w:
            url = w.server.on("/a", served(rss(("1", "Weather"))))
            await w.follow(listed([("wire", url)], more=telling))
            await w.app.refresher.check()
            w.clock.forward(days=1)
            await w.app.dispatcher.run()
            (mail,) = w.mail.sent
            assert b"To: watch@example.org" in mail

    run(go)


def test_a_mail_that_is_not_accepted_waits_and_is_the_same_when_it_goes(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            await with_one_match(w)
            w.mail.answers = [SendFailed(failure=SendFailure.RETRY, detail="451 busy")]
            first = await w.app.dispatcher.run()
            assert set(first.deliveries.values()) == {Phase.QUEUED}
            assert (await w.app.store.reading(health.totals)).ledger == {"pending": 1}
            w.clock.forward(minutes=2)
            second = await w.app.dispatcher.run()
            assert set(second.deliveries) == set(first.deliveries)
            assert len(w.mail.sent) == 1

    run(go)


def test_an_ambiguous_end_is_tried_once_more_after_half_an_hour_and_then_parked(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            await with_one_match(w)
            w.mail.answers = [SendFailed(failure=SendFailure.AMBIGUOUS, detail="connection lost")] * 2
            assert set((await w.app.dispatcher.run()).deliveries.values()) == {Phase.UNKNOWN}
            w.clock.forward(minutes=29)
            assert (await w.app.dispatcher.run()).deliveries == {}
            w.clock.forward(minutes=2)
            assert set((await w.app.dispatcher.run()).deliveries.values()) == {Phase.PARKED}
            w.clock.forward(days=3)
            assert (await w.app.dispatcher.run()).deliveries == {}

    run(go)


def test_a_wrong_password_parks_the_relay_and_loses_no_mail(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            await with_one_match(w)
            w.mail.answers = [SendFailed(failure=SendFailure.CONFIG, detail="535 authentication failed")]
            await w.app.dispatcher.run()
            parked = await w.app.store.reading(deliveries.parked, now=w.clock())
            assert parked == {"mail": "535 authentication failed"}
            w.clock.forward(minutes=16)
            await w.app.dispatcher.run()
            assert len(w.mail.sent) == 1

    run(go)


def test_an_immediate_subscription_hears_at_once_and_bursts_share_a_mail(tmp_path: Path) -> None:
    alerts = """      - {id: alerts, topics: [narcotics], immediate: true}
"""

    async def go() -> None:
        async with world(tmp_path) as w:
            await with_one_match(w, more=alerts)
            await w.app.dispatcher.run()
            subjects = [subject_of(mail) for mail in w.mail.sent]
            assert len(subjects) == 2  # the digest of 12:30 and the alert
            third = rss(("3", "Fentanyl again"), ("2", "Fentanyl seized at the port"))
            w.server.on("/a", served(third))
            w.clock.forward(minutes=10)
            await w.app.refresher.check(only=["wire"])
            await w.app.dispatcher.run()
            assert len(w.mail.sent) == 2
            w.clock.forward(minutes=10)
            await w.app.dispatcher.run()
            assert len(w.mail.sent) == 3

    run(go)


def test_a_preview_writes_nothing_and_marks_the_words_that_matched(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            await with_one_match(w)
            rendered, message = await w.app.dispatcher.preview("desk")
            assert "*Fentanyl* seized at the port" in rendered.text
            assert b"Message-ID" in message
            before = await w.app.dispatcher.preview("desk", as_of=w.clock() - timedelta(hours=3))
            assert "Fentanyl" not in before[0].text
            await w.app.dispatcher.run()
            assert len(w.mail.sent) == 1

    run(go)


def test_the_words_of_a_preview_and_its_mail_name_the_same_page(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path, AGGREGATOR_BASE_URL="https://digests.example.org") as w:
            await with_one_match(w)
            rendered, message = await w.app.dispatcher.preview("desk")
            archive = str(message_from_bytes(message, policy=policy.default)["List-Archive"]).strip("<>")
            assert archive in rendered.text
            assert archive in rendered.html

    run(go)


def test_a_preview_of_nobody_says_so(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            await with_one_match(w)
            with pytest.raises(UsageError, match="no such subscriber"):
                await w.app.dispatcher.preview("nobody")

    run(go)
