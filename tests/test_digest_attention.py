"""Attention is spent once, through the whole river: six alerts a day, known stories, floods, corrections, the operator."""

from collections.abc import Callable
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from aggregator.core.model.subscriptions import SendFailed, SendFailure
from aggregator.store import audit, frozen, health
from aggregator.store.database import Store
from tests.servers import reply
from tests.world import World, listed, rss, run, served, world

ALERTS = "      - {id: alerts, topics: [narcotics], immediate: true}\n"
PLACES = ("port", "airport", "border", "harbour", "station", "market", "depot", "bridge", "ferry", "school")
THINGS = (
    "two vans",
    "old crates",
    "a lorry",
    "wine barrels",
    "a fridge",
    "toy bears",
    "car tyres",
    "a piano",
    "boxes",
    "ice",
)


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


def story_of(told: str) -> str:
    return told.partition("(1 story)")[2].partition("Sources")[0]


def seized(n: int) -> tuple[str, str]:
    return str(n), f"Fentanyl in {THINGS[n % 10]} near the {PLACES[(n * 7 + n // 10) % 10]} of town {n}"


async def follow(w: World, *bodies: bytes, more: str = "") -> None:
    """A feed whose first document is baseline and which then shows each of the others, the last one for good."""
    answers = [served(rss(("0", "Weather"))), *map(served, bodies), reply(status=304)]
    await w.follow(listed([("wire", w.server.on("/a", *answers))], more=more))
    await w.app.refresher.check()


async def goes_on(w: World) -> None:
    """The next document comes, and what is due is mailed."""
    w.clock.forward(hours=3, minutes=30)
    await w.app.refresher.check()
    await w.app.dispatcher.run()


def test_a_seventh_alert_of_a_day_waits_for_the_digest_which_says_so(tmp_path: Path, database: str | None) -> None:
    async def go() -> None:
        async with world(tmp_path, database=database) as w:
            bodies = [rss(*(seized(n) for n in range(last, 0, -1))) for last in range(1, 10)]
            await follow(w, *bodies, more=ALERTS)
            w.clock.forward(hours=12)  # past the digest of the day, in the evening in Kolkata
            await w.app.dispatcher.run()
            midnight = w.clock.now.replace(hour=18, minute=30)
            w.clock.now = midnight + timedelta(minutes=1)
            alerts = 0
            while w.clock.now < midnight + timedelta(hours=11):
                await w.app.refresher.check()
                await w.app.dispatcher.run()
                w.clock.forward(minutes=70)
            alerts = sum("alerts" in str(mail["List-Id"]) for mail in mails(w))
            w.clock.forward(hours=3)
            await w.app.dispatcher.run()
            digest = next(mail for mail in mails(w)[::-1] if "morning" in str(mail["List-Id"]))
            assert alerts == 6
            assert "not sent at once: at most 6 a day." in words(digest)
            assert (await w.app.store.reading(audit.audit)).total.closes
            assert (await w.app.store.reading(audit.audit)).total.suppressed_by["alert_limit"] > 0

    run(go)


def test_a_round_that_can_alert_nobody_any_more_writes_nothing_new(
    tmp_path: Path, database: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrote: list[str] = []
    write = Store.writing

    async def noted(store: Store, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        wrote.append(work.__name__)
        return await write(store, work, *args, **kwargs)

    async def go() -> None:
        async with world(tmp_path, database=database) as w:
            bodies = [rss(*(seized(n) for n in range(last, 0, -1))) for last in range(1, 15)]
            await follow(w, *bodies, more=ALERTS)
            w.clock.now = w.clock.now.replace(hour=19)  # past midnight in Kolkata
            await w.app.dispatcher.run()
            monkeypatch.setattr(Store, "writing", noted)
            evening = w.clock.now + timedelta(hours=20)
            while "give_to_digests" not in wrote and w.clock.now < evening:
                w.clock.forward(minutes=70)
                await w.app.refresher.check()
                await w.app.dispatcher.run()
            assert sum("alerts" in str(mail["List-Id"]) for mail in mails(w)) == 6
            assert wrote.count("give_to_digests") == 1
            wrote.clear()
            await w.app.dispatcher.run()
            assert wrote == ["claim"]  # of mail that is due

    run(go)


def test_an_alert_says_why_it_came_at_once_and_hangs_on_its_story(tmp_path: Path) -> None:
    text = "Officers of the port said that the drugs lay between frozen fish in a container from overseas on Monday."
    later = "Interpol joins as fentanyl is seized in frozen fish at the old harbour"

    async def go() -> None:
        async with world(tmp_path) as w:
            first = served(rss(("1", "Fentanyl is seized in frozen fish at the old harbour"), extra=""))
            second = served(
                rss(("9", later)).replace(
                    b"</title></item>", f"</title><description>{text}</description></item>".encode()
                )
            )
            one = w.server.on("/a", served(rss(("0", "Weather"))), first, reply(status=304))
            two = w.server.on("/b", served(rss(("0", "Weather"))), reply(status=304), second, reply(status=304))
            await w.follow(listed([("wire", one), ("daily", two)], more=ALERTS))
            await w.app.refresher.check()
            await goes_on(w)
            w.clock.forward(hours=20)
            await goes_on(w)
            told, again = [mail for mail in mails(w) if "alerts" in str(mail["List-Id"])]
            assert "is sent at once when a story reaches its alert level" in words(told)
            assert "is sent on" not in words(told)
            assert str(told["Subject"]).startswith("[narcotics] Alert: ")
            story = str(told["References"])
            assert story.startswith("<story.")
            assert again["References"].split() == [story, told["Message-ID"]]
            assert again["In-Reply-To"] == told["Message-ID"]
            assert str(again["Subject"]).startswith("[narcotics] Developing: ")
            assert "newly named: Interpol" in words(again)

    run(go)


def test_what_is_alerted_and_due_at_one_moment_is_new_in_the_alert_alone(tmp_path: Path, database: str | None) -> None:
    async def go() -> None:
        async with world(tmp_path, database=database) as w:
            await follow(w, rss(("1", "Fentanyl seized")), more=ALERTS)
            w.clock.forward(hours=3, minutes=30)
            await w.app.refresher.check()
            w.clock.forward(hours=20)  # an outage: both are due at the first tick after it
            await w.app.dispatcher.run()
            by_list = {str(mail["List-Id"]).partition(".")[0].strip("<"): mail for mail in mails(w)}
            assert str(by_list["alerts"]["Subject"]) == "[narcotics] Alert: Fentanyl seized"
            assert "Nothing new besides 1 story already alerted" in str(by_list["morning"]["Subject"])
            assert "Already alerted to you" in words(by_list["morning"])
            counts = (await w.app.store.reading(audit.audit)).total
            assert (counts.closes, counts.delivered) == (True, 2)

    run(go)


def test_a_copy_in_another_outlet_is_counted_and_not_told_again(tmp_path: Path, database: str | None) -> None:
    title = "Fentanyl is seized in frozen fish at the old harbour"

    async def go() -> None:
        async with world(tmp_path, database=database) as w:
            one = w.server.on("/a", served(rss(("0", "Weather"))), served(rss(("1", title))), reply(status=304))
            copies = [
                served(rss(("5", title))),
                served(rss(("6", "Precursor chemicals rule is published"), ("5", title))),
            ]
            two = w.server.on("/b", served(rss(("0", "Weather"))), reply(status=304), *copies, reply(status=304))
            await w.follow(listed([("wire", one), ("daily", two)]))
            await w.app.refresher.check()
            await goes_on(w)
            w.clock.forward(hours=20)
            await goes_on(w)  # the copy alone makes no mail
            assert len(mails(w)) == 1
            w.clock.forward(hours=24)
            await goes_on(w)
            assert len(mails(w)) == 2
            assert "rule is published" in words(mails(w)[1])
            assert "1 more article repeats stories you were told, with nothing new." in words(mails(w)[1])
            found = (await w.app.store.reading(audit.audit)).total
            assert found.closes
            assert found.suppressed_by["known_story"] == 1

    run(go)


def test_a_changed_title_makes_a_mail_of_its_own_and_is_told_once(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            await follow(w, rss(("1", "Fentanyl seized: 412 kg")), rss(("1", "Fentanyl seized: 214 kg")))
            await goes_on(w)
            w.clock.forward(hours=20)
            await goes_on(w)
            _, mail = mails(w)
            assert "1 correction" in str(mail["Subject"])
            assert "Fentanyl seized: [-412-] {+214+} kg" in words(mail)
            html = mail.get_body(("html",))
            assert html is not None
            assert "<del" in html.get_content()
            w.clock.forward(hours=24)
            await goes_on(w)
            assert len(mails(w)) == 2

    run(go)


def test_a_topic_that_floods_is_summed_up_and_named_to_the_operator(tmp_path: Path, database: str | None) -> None:
    ops = """
  - id: ops
    email: ops@example.org
    subscriptions:
      - {id: health, operator: true, at: "08:00"}
"""

    async def go() -> None:
        async with world(tmp_path, database=database) as w:
            usual = [rss(*(seized(n) for n in range(last, 0, -1))) for last in range(1, 12)]
            flood = rss(*(seized(n) for n in range(80, 0, -1)))
            await follow(w, *usual, flood, more=ops)
            for _ in usual:
                w.clock.forward(hours=24)
                await w.app.refresher.check()
                await w.app.dispatcher.run()
            w.clock.forward(hours=24)
            await w.app.refresher.check()
            w.clock.forward(hours=24)
            await w.app.dispatcher.run()
            digest = next(mail for mail in mails(w)[::-1] if "morning" in str(mail["List-Id"]))
            assert "matches at once; usually it has 1 a day" in words(digest)
            told = next(mail for mail in mails(w)[::-1] if "health" in str(mail["List-Id"]))
            assert str(told["Subject"]).startswith("[aggregator] 1 new: Topics that were flooded")
            assert (await w.app.store.reading(health.totals)).ledger.get("pending", 0) == 0

    run(go)


def test_the_operator_is_written_to_once_a_day_and_only_of_what_is_new(tmp_path: Path, database: str | None) -> None:
    ops = """
  - id: ops
    email: ops@example.org
    subscriptions:
      - {id: health, operator: true, at: "08:00"}
"""

    async def go() -> None:
        async with world(tmp_path, database=database) as w:
            await follow(w, rss(("1", "Fentanyl seized")), more=ops)
            w.mail.answers = [
                SendFailed(failure=SendFailure.RECIPIENT, detail="550 5.1.1 <desk@example.org>: no such user")
            ]
            await goes_on(w)
            for _ in range(12):
                w.clock.forward(hours=8)
                await w.app.dispatcher.run()
            (told,) = mails(w)
            assert told["To"] == "ops@example.org"
            assert "Mails that were refused (1)" in words(told)
            assert "d***@example.org" in words(told)
            assert "desk@example.org" not in words(told)
            made = await w.app.store.reading(frozen.latest)
            assert [one.kind for one in made] == ["operator", "digest"]
            # Who joins later has read nothing yet, so all that is open is new to them.
            yaml = (w.folder / "feeds.yaml").read_text(encoding="utf-8").replace("id: health", "id: second")
            w.clock.now = w.clock.now.replace(hour=1)
            broken = yaml.replace("/a'", "/gone'")
            await w.follow(broken)
            for _ in range(9):
                w.clock.forward(hours=12)
                await w.app.refresher.check()
            await w.app.dispatcher.run()
            assert "NEW: wire: " in words(mails(w)[-1])

    run(go)


@pytest.mark.parametrize("gap", [0, 1])
def test_a_preview_as_of_the_moment_of_a_digest_says_what_that_one_said(tmp_path: Path, gap: int) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            await follow(
                w, rss(("1", "Fentanyl seized: 412 kg")), rss(("1", "Fentanyl seized: 214 kg"), ("2", "Fentanyl found"))
            )
            w.clock.forward(hours=3, minutes=30)
            await w.app.refresher.check()
            w.clock.forward(minutes=1)
            then = w.clock.now
            w.clock.forward(minutes=gap)
            await w.app.dispatcher.run()
            w.clock.forward(hours=20)
            await goes_on(w)
            remade, _ = await w.app.dispatcher.preview("desk", as_of=then)
            assert "Fentanyl found" not in remade.text
            assert story_of(" ".join(remade.text.split())) == story_of(words(mails(w)[0]))
            assert "412 kg" in story_of(words(mails(w)[0]))

    run(go)


@pytest.mark.parametrize("base", ["https://digests.example.org/", None])
def test_a_digest_has_every_header_that_readers_and_mailboxes_look_for(tmp_path: Path, base: str | None) -> None:
    environ = {"AGGREGATOR_MAIL_FROM": "News <news@example.org>", **({"AGGREGATOR_BASE_URL": base} if base else {})}

    async def go() -> None:
        async with world(tmp_path, **environ) as w:
            await follow(w, rss(("1", "Fentanyl seized")))
            await goes_on(w)
            (mail,) = mails(w)
            for name in ("List-Id", "List-Unsubscribe", "List-Help", "List-Owner", "Feedback-ID", "Date", "Message-ID"):
                assert mail[name], name
            assert (mail["Precedence"], mail["Auto-Submitted"]) == ("bulk", "auto-generated")
            assert mail["X-Auto-Response-Suppress"] == "All"
            assert "mailto:news@example.org?subject=u-v1." in mail["List-Unsubscribe"]
            if base is None:
                assert (mail["List-Unsubscribe-Post"], mail["List-Archive"]) == (None, None)
                return
            assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
            page = str(mail["List-Archive"]).strip("<>")
            assert page.startswith("https://digests.example.org/d/v1.")
            assert page in words(mail)
            assert words(mail).count("https://digests.example.org/u/v1.") == 2
            assert "Was it relevant? https://digests.example.org/r/v1." in words(mail)

    run(go)
