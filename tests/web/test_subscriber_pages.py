"""A reader's own pages: looking changes nothing, a form acts at once, and a link that is not ours tells nothing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import update

from aggregator.app import installation_secrets
from aggregator.core.digests.tokens import Keyring, Purpose, view_until
from aggregator.core.model.subscriptions import SubscriberState, Subscription
from aggregator.store import deliveries, holders, optouts, subscribers
from aggregator.store.schema import subscription
from aggregator.web.app import make_web
from aggregator.web.standing import BY_LINK
from tests.factories import NOW, make_subscriber
from tests.readers import TOPICS, balance, claim, desk, freeze, match_one, morning, populate, rows
from tests.world import World, run, world

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@dataclass(slots=True, kw_only=True)
class Visit:
    """A browser at the pages of a world in which `desk` watches two topics."""

    w: World
    client: httpx.AsyncClient
    keys: Keyring

    def link(self, purpose: Purpose = Purpose.UNSUBSCRIBE, number: int | None = None) -> str:
        which = desk(self.w.app.store).subscriptions[0].id if number is None else number
        until = view_until(NOW.date()) if purpose is Purpose.VIEW else None
        token = self.keys.sign(purpose, "public-desk", which, until=until)
        return f"/{ {'unsubscribe': 'u', 'view': 'd', 'review': 'r'}[purpose.value] }/{token}"

    async def act(self, **fields: str) -> httpx.Response:
        return await self.client.post(self.link(), data=fields)

    def state(self) -> SubscriberState:
        return desk(self.w.app.store).subscriber.state

    @property
    def of(self) -> Subscription:
        return desk(self.w.app.store).subscriptions[0]


@asynccontextmanager
async def visiting(folder: Path, **environ: str) -> AsyncIterator[Visit]:
    async with world(folder, **environ) as w:
        populate(w.app.store)
        transport = httpx.ASGITransport(app=make_web(w.app))
        async with httpx.AsyncClient(transport=transport, base_url="http://pages.example") as client:
            yield Visit(w=w, client=client, keys=Keyring(installation_secrets(w.app.settings)))


def test_looking_changes_nothing_however_often_a_scanner_looks(tmp_path: Path) -> None:
    async def go() -> None:
        async with visiting(tmp_path) as v:
            match_one(v.w.app.store, "1")
            links = [v.link(), v.link(Purpose.REVIEW, 1), v.link(Purpose.VIEW, freeze(v.w.app.store))]
            before = desk(v.w.app.store)
            for url in links * 2:
                assert (await v.client.get(url)).status_code == 200
                assert (await v.client.head(url)).status_code == 200
                await v.client.options(url)
            assert desk(v.w.app.store) == before
            assert rows(v.w.app.store) == [("pending", None)]
            judged = v.w.app.store.read(holders.judged, "public-desk", 1)
            assert judged is not None
            assert judged.relevant is None

    run(go)


@pytest.mark.parametrize("form", ["urlencoded", "multipart"])
def test_one_click_unsubscribes_with_one_request_and_is_the_same_when_it_comes_again(tmp_path: Path, form: str) -> None:
    async def go() -> None:
        async with visiting(tmp_path) as v:
            match_one(v.w.app.store, "1")
            freeze(v.w.app.store)
            for _ in range(2):
                if form == "multipart":
                    answer = await v.client.post(v.link(), files={"List-Unsubscribe": (None, "One-Click")})
                else:
                    answer = await v.client.post(v.link(), data=ONE_CLICK)
                assert (answer.status_code, answer.text) == (200, "You are unsubscribed.\n")
                assert "set-cookie" not in answer.headers
            assert v.of.is_left
            assert not v.w.app.store.write(deliveries.begin, claim(v.w.app.store), now=NOW)
            assert balance(v.w.app.store).suppressed_by == {"opted_out": 1}
            assert "it is not mailed to you any more" in (await v.client.get(v.link())).text

    run(go)


def test_a_reader_leaves_one_topic_and_keeps_the_other(tmp_path: Path) -> None:
    async def go() -> None:
        async with visiting(tmp_path) as v:
            page = (await v.client.get(v.link())).text
            assert "Stop Narcotics" in page
            answer = await v.act(act="topic", topic=TOPICS[0])
            assert "tells you nothing more on Narcotics" in answer.text
            assert v.of.told == TOPICS[1:]
            assert "Stop Narcotics" not in answer.text
            await v.act(act="topic", topic="another's")
            assert v.of.left == {TOPICS[0]}

    run(go)


def test_a_reader_pauses_and_goes_on_and_asks_for_one_a_week_and_takes_it_back(tmp_path: Path) -> None:
    async def go() -> None:
        async with visiting(tmp_path) as v:
            assert "paused until 26 February 2026" in (await v.act(act="pause")).text
            assert v.state() is SubscriberState.PAUSED
            assert "get mail again" in (await v.act(act="unpause")).text
            assert v.state() is SubscriberState.ACTIVE
            assert "once a week" in (await v.act(act="weekly")).text
            assert v.of.in_force.days == {0}
            assert "as it was set up" in (await v.act(act="unweekly")).text
            assert len(v.of.in_force.days) == 7

    run(go)


def test_what_somebody_else_did_is_not_undone_with_a_link(tmp_path: Path) -> None:
    async def go() -> None:
        async with visiting(tmp_path) as v:
            store, who = v.w.app.store, desk(v.w.app.store).subscriber.id
            store.write(optouts.pause, who, until=None, detail="by the operator", now=NOW)
            assert "again now" not in (await v.act(act="unpause")).text
            await v.act(act="pause")
            assert (v.state(), desk(store).subscriber.paused_until) == (SubscriberState.PAUSED, None)
            await v.act(act="everything")
            for wish in ("unpause", "pause", "weekly", "unweekly", "resume", "subscribe"):
                await v.act(act=wish)
                assert v.state() is SubscriberState.UNSUBSCRIBED
            assert desk(store).subscriber.state_detail == BY_LINK

    run(go)


def test_a_link_that_is_not_ours_is_answered_as_one_that_never_was(tmp_path: Path) -> None:
    async def go() -> None:
        async with visiting(tmp_path) as v:
            good = v.link()
            stranger = v.keys.sign(Purpose.UNSUBSCRIBE, "somebody-else", 1)
            other = Keyring((b"another installation",)).sign(Purpose.UNSUBSCRIBE, "public-desk", v.of.id)
            wrong = [good[:-1], f"{good}x", f"/u/{stranger}", f"/u/{other}", "/u/x", "/d/x", "/r/x", "/nothing"]
            wrong += [f"/d{good[2:]}", f"/r{good[2:]}", f"/u{v.link(Purpose.REVIEW, 1)[2:]}"]
            answers = [await v.client.get(url) for url in wrong]
            answers += [await v.client.post(url, data=ONE_CLICK) for url in wrong if url[:3] in {"/u/", "/r/"}]
            assert {(one.status_code, one.text) for one in answers} == {(404, answers[0].text)}
            assert "This link does not work" in answers[0].text
            assert not v.of.is_left

    run(go)


def test_a_form_that_says_nothing_we_offered_does_nothing(tmp_path: Path) -> None:
    async def go() -> None:
        async with visiting(tmp_path) as v:
            before = desk(v.w.app.store)
            for body in (b"", b"\xff\x00=", b"act=", b"act=drop&act=table", b"&" * 4000, b"List-Unsubscribe=Maybe"):
                for kind in ("application/x-www-form-urlencoded", "multipart/form-data", "text/\xe9", ""):
                    headers = {b"content-type": kind.encode("latin-1")}
                    answer = await v.client.post(v.link(), content=body, headers=headers)
                    assert answer.status_code == 200
            assert desk(v.w.app.store) == before
            assert (await v.client.post(v.link(), content=b"x" * 20_000)).status_code == 413

    run(go)


def test_every_answer_has_its_headers_and_gives_nothing_to_others(tmp_path: Path) -> None:
    async def go() -> None:
        async with visiting(tmp_path, AGGREGATOR_BASE_URL="https://news.example.org") as v:
            match_one(v.w.app.store, "1")
            frozen = v.link(Purpose.VIEW, freeze(v.w.app.store))
            for answer in (
                await v.client.get(v.link()),
                await v.client.get("/u/x"),
                await v.client.put(v.link()),
                await v.client.get("/robots.txt"),
                await v.client.get(frozen),
                await v.client.post(v.link(), content=b"x" * 20_000),
            ):
                headers = answer.headers
                assert "default-src 'none'" in headers["content-security-policy"]
                assert "script" not in headers["content-security-policy"]
                assert "frame-ancestors 'none'" in headers["content-security-policy"]
                assert headers["referrer-policy"] == "no-referrer"
                assert headers["x-content-type-options"] == "nosniff"
                assert headers["cache-control"] == "no-store"
                assert "max-age" in headers["strict-transport-security"]
                assert "set-cookie" not in headers
            for path in ("/docs", "/redoc", "/openapi.json"):
                assert (await v.client.get(path)).status_code == 404

    run(go)


def test_a_digest_is_shown_as_it_was_sent_until_its_link_ends(tmp_path: Path) -> None:
    async def go() -> None:
        async with visiting(tmp_path) as v:
            match_one(v.w.app.store, "1")
            url = v.link(Purpose.VIEW, freeze(v.w.app.store))
            page = (await v.client.get(url)).text
            assert "Only this link leads here, until 27 April 2026" in page
            v.w.clock.now = NOW + timedelta(days=91)
            assert (await v.client.get(url)).status_code == 404

    run(go)


def test_a_match_is_judged_once_for_each_change_of_mind(tmp_path: Path) -> None:
    async def go() -> None:
        async with visiting(tmp_path) as v:
            match_one(v.w.app.store, "1")
            url = v.link(Purpose.REVIEW, 1)
            assert "Customs seize fentanyl" in (await v.client.get(url)).text
            for verdict in ("noise", "noise", "relevant"):
                assert verdict in (await v.client.post(url, data={"verdict": verdict})).text
            assert (await v.client.post(url, data={"verdict": "x"})).status_code == 200
            found = v.w.app.store.read(holders.judged, "public-desk", 1)
            assert found is not None
            assert found.relevant is True

    run(go)


def test_who_the_file_dropped_can_still_unsubscribe_and_is_remembered(tmp_path: Path) -> None:
    async def go() -> None:
        async with visiting(tmp_path) as v:
            url = v.link()
            v.w.app.store.write(subscribers.save, [], {}, now=NOW)
            assert (await v.client.get(url)).status_code == 200
            assert (await v.client.post(url, data=ONE_CLICK)).status_code == 200
            v.w.app.store.write(subscribers.save, [make_subscriber(subscriptions=(morning(),))], {}, now=NOW)
            assert v.of.is_left

    run(go)


def test_while_the_database_is_away_nothing_is_said_to_be_done(tmp_path: Path) -> None:
    async def go() -> None:
        async with visiting(tmp_path) as v:
            url = v.link()
            v.w.app.store._engine.dispose()
            (tmp_path / "data" / "aggregator.db").rename(tmp_path / "elsewhere.db")
            (tmp_path / "data" / "aggregator.db").mkdir()
            for answer in (await v.client.get(url), await v.client.post(url, data=ONE_CLICK)):
                assert answer.status_code == 503
                assert "Nothing was changed" in answer.text

    run(go)


def test_the_page_says_where_unusual_days_are_told_too(tmp_path: Path) -> None:
    async def go() -> None:
        async with visiting(tmp_path) as v:
            assert "far more stories" not in (await v.client.get(v.link())).text
            wished = update(subscription).values(spikes_since=NOW)
            v.w.app.store.write(lambda connection: connection.execute(wished))
            told = "also days on which one of them has far more stories than usual."
            assert told in " ".join((await v.client.get(v.link())).text.split())

    run(go)
