"""What servers do, through the whole station: each id names its case in the list that tests/test_cases.py keeps."""

import asyncio
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from aggregator import __version__
from aggregator.app import build
from aggregator.core.model.feeds import FeedState
from aggregator.core.model.plans import CheckResult, Outcome
from aggregator.engine.service import jobs, spread_overdue
from aggregator.store import entries, feeds
from tests.factories import NOW
from tests.patience import PATIENCE
from tests.servers import Asked, reply
from tests.world import World, listed, rss, run, served, world

GOOD = rss(("2", "Fentanyl seized"), ("1", "Weather"))


async def state(w: World, feed_id: str = "wire") -> FeedState:
    return {one.feed.id: one.state for one in await w.app.store.reading(feeds.followed)}[feed_id]


async def later(w: World, **by: float) -> CheckResult:
    w.clock.forward(**by)
    (result,) = await w.app.refresher.check()
    return result


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (served(b"<html><title>Sign in</title><link rel=alternate type=application/rss+xml href=/f></html>"), "html"),
        (served(b"<html><title>Just a moment...</title></html>"), "bot_wall"),
        (served(b'{"error": "quota", "status": 200}'), "not_a_feed"),
        (served(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), "not_a_feed"),
        (served(b" \r\n "), "empty"),
        (reply(status=204, length=None), "empty"),
        (reply(b"<rss", status=206), "protocol"),
        (reply(GOOD, headers=[("Content-Encoding", "br")]), "encoding"),
    ],
    ids=[
        "case_7_31 case_6_51 login page", "case_7_31 case_6_51 bot wall", "case_7_31 json error", "case_7_31 picture",
        "case_7_28 blanks", "case_7_28 no content", "case_7_30 part", "case_7_39 brotli",
    ],
)  # fmt: skip
def test_an_answer_that_is_no_document_costs_nothing_that_was_known(tmp_path: Path, answer: bytes, kind: str) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            await w.follow(listed([("wire", w.server.on("/a", served(GOOD, etag='"1"'), answer, served(GOOD)))]))
            await w.app.refresher.check()
            assert (await later(w, hours=25)).error_kind == kind
            after = await state(w)
            assert (after.etag, after.failures, len(after.spans)) == (b'"1"', 1, 2)
            assert await w.app.store.reading(entries.count) == 2
            again = await later(w, hours=49)
            assert (again.error_kind, again.new, (await state(w)).failures) == (None, 0, 0)
            assert w.server.asked[2].header("If-None-Match") == b'"1"'

    run(go)


def test_case_7_9_a_document_that_cannot_be_read_is_asked_for_whole_again(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            broken = served(b"<rss version='2.0'><channel><title>cut", etag='"2"')
            await w.follow(listed([("wire", w.server.on("/a", served(GOOD, etag='"1"'), broken, served(GOOD)))]))
            await w.app.refresher.check()
            assert (await later(w, hours=25)).error_kind == "parse"
            await later(w, hours=49)
            assert [asked.header("If-None-Match") for asked in w.server.asked] == [None, b'"1"', b'"1"']

    run(go)


def test_case_7_34_a_body_cut_on_the_wire_brings_neither_entries_nor_validators(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            cut = reply(GOOD, headers=[("ETag", '"1"')], length=len(GOOD) + 9)
            await w.follow(listed([("wire", w.server.on("/a", cut, served(GOOD, etag='"1"')))]))
            (result,) = await w.app.refresher.check()
            assert (result.error_kind, result.new, (await state(w)).etag) == ("truncated", 0, None)
            assert (await later(w, hours=2)).new == 2
            assert w.server.asked[1].header("If-None-Match") is None

    run(go)


def test_case_7_35_a_document_declared_too_short_gives_its_whole_entries_and_comes_again(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            short = reply(GOOD, headers=[("ETag", '"1"')], length=GOOD.index(b"<title>Weather"))
            await w.follow(listed([("wire", w.server.on("/a", short, served(GOOD, etag='"1"')))]))
            (result,) = await w.app.refresher.check()
            assert (result.error_kind, result.new, (await state(w)).etag) == (None, 2, None)
            again = await later(w, hours=25)
            assert (again.new, again.updated, (await state(w)).etag) == (0, 1, b'"1"')

    run(go)


def test_case_7_4_a_304_nobody_asked_for_is_an_error_and_the_next_request_is_whole_too(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            await w.follow(listed([("wire", w.server.on("/a", reply(status=304, length=None), served(GOOD)))]))
            (result,) = await w.app.refresher.check()
            assert result.error_kind == "protocol"
            assert (await later(w, hours=25)).new == 2
            assert w.server.asked[1].header("If-None-Match") is None

    run(go)


def test_case_7_10_after_a_restart_due_feeds_are_spread_and_asked_conditionally_one_at_a_time(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            busy = most = 0

            async def unchanged(writer: asyncio.StreamWriter, _: Asked) -> None:
                nonlocal busy, most
                busy += 1
                most = max(most, busy)
                await asyncio.sleep(0.001)
                busy -= 1
                writer.write(reply(status=304, length=None))
                await writer.drain()

            urls = [(f"f{n}", w.server.on(f"/{n}", served(GOOD, etag=f'"{n}"'), unchanged)) for n in range(50)]
            await w.follow(listed(urls))
            assert len(await w.app.refresher.check()) == 50
            w.clock.forward(days=2)
            back = w.clock()
            async with build(w.app.settings, {}, clock=w.clock, transports={"mail": w.mail}) as again:
                await spread_overdue(again)
                due = sorted(one.state.next_check_at for one in await again.store.reading(feeds.followed))
                assert due[-1] - back >= timedelta(minutes=9)
                assert all(second - first >= timedelta(seconds=11) for first, second in pairwise(due))
                w.clock.forward(minutes=10)
                assert {one.outcome for one in await again.refresher.check()} == {Outcome.NOT_MODIFIED}
            conditions = {asked.target: asked.header("If-None-Match") for asked in w.server.asked[50:]}
            assert conditions == {f"/{n}": f'"{n}"'.encode() for n in range(50)}
            assert most == 1

    run(go)


def test_case_7_16_a_feed_that_moved_for_good_is_asked_where_it_is_after_two_days(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            away = reply(status=301, headers=[("Location", "/new")])
            w.server.on("/new", served(GOOD, etag='"1"'), reply(status=304, length=None))
            await w.follow(listed([("wire", w.server.on("/old", away))]))
            await w.app.refresher.check()
            for _ in range(3):
                await later(w, hours=25)
            assert w.server.paths() == ["/old", "/new"] * 3 + ["/new"]
            assert (await state(w)).url_in_use == w.server.url("/new")
            (event,) = await w.app.store.reading(feeds.events, feed_id="wire")
            assert event.kind == "moved"

    run(go)


def test_case_7_18_a_captive_page_that_redirects_for_good_is_never_kept(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            portal = reply(status=301, headers=[("Location", "/login")])
            w.server.on("/login", served(b"<html><title>Welcome to the hotel</title></html>"))
            url = w.server.on("/a", served(GOOD, etag='"1"'), *[portal] * 4, served(GOOD))
            await w.follow(listed([("wire", url)]))
            await w.app.refresher.check()
            for _ in range(4):
                assert (await later(w, days=4)).error_kind == "html"
            assert (await later(w, days=4)).error_kind is None
            assert (await state(w)).url_in_use is None
            assert await w.app.store.reading(entries.count) == 2

    run(go)


def test_case_7_25_a_feed_that_is_gone_twice_a_day_apart_is_asked_no_more(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            await w.follow(listed([("wire", w.server.on("/a", served(GOOD), reply(status=410)))]))
            await w.app.refresher.check()
            await later(w, hours=25)
            assert not (await state(w)).gone
            await later(w, hours=30)
            assert (await state(w)).gone
            w.clock.forward(days=30)
            assert await w.app.refresher.check() == ()
            assert await w.app.store.reading(entries.count) == 2

    run(go)


def test_case_7_26_after_a_404_a_feed_is_at_its_own_pace_again_at_once(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            await w.follow(listed([("wire", w.server.on("/a", served(GOOD), reply(status=404), served(GOOD)))]))
            paces: list[timedelta] = []
            for pause in (0, 25, 49):
                w.clock.forward(hours=pause)
                (result,) = await w.app.refresher.check()
                assert isinstance(result.next_check_at, datetime)
                paces.append(result.next_check_at - w.clock())
            assert (await state(w)).failures == 0
            assert paces[2] <= timedelta(hours=26)

    run(go)


def test_case_7_29_an_answer_of_changes_only_adds_and_is_no_gap(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            delta = reply(rss(("3", "Precursor chemicals found")), status=226, headers=[("IM", "feed")])
            await w.follow(listed([("wire", w.server.on("/a", served(GOOD), delta, served(GOOD)))]))
            await w.app.refresher.check()
            result = await later(w, hours=25)
            assert (result.outcome, result.new, result.matched) == (Outcome.FETCHED, 1, 1)
            assert await w.app.store.reading(feeds.events, feed_id="wire") == ()
            assert (await later(w, hours=25)).new == 0
            assert await w.app.store.reading(entries.count) == 3

    run(go)


def test_case_7_48_a_clock_that_jumps_a_day_brings_neither_a_burst_nor_silence(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path, AGGREGATOR_CLOCK=NOW.isoformat()) as w:
            await w.follow(listed([("wire", w.server.on("/a", served(GOOD, etag='"1"')))]))
            (refresh,) = (job for job in jobs(w.app) if job.kind == "refresh")
            for jump in (timedelta(), timedelta(days=1), -timedelta(days=1)):
                w.clock.now += jump
                await refresh.run()
                await refresh.run()
            assert len(w.server.asked) == 2
            due = (await state(w)).next_check_at
            assert due - w.clock() <= timedelta(hours=27)
            w.clock.now = due
            await refresh.run()
            assert len(w.server.asked) == 3

    run(go)


def test_case_7_50_ten_clicks_in_a_minute_are_one_request(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            await w.follow(listed([("wire", w.server.on("/a", served(GOOD)))]))
            for _ in range(10):
                await w.app.refresher.check(only=["wire"])
                w.clock.forward(seconds=6)
            assert len(w.server.asked) == 1

    run(go)


def test_case_6_35_one_story_in_two_feeds_is_two_entries(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            urls = [(name, w.server.on(f"/{name}", served(GOOD))) for name in ("one", "two")]
            await w.follow(listed(urls))
            assert [result.new for result in await w.app.refresher.check()] == [2, 2]
            assert await w.app.store.reading(entries.count) == 4

    run(go)


def test_case_7_36_a_plain_body_announced_as_gzip_is_taken_and_asked_for_plainly_once_at_the_next_due_time(
    tmp_path: Path,
) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            wrong = reply(GOOD, headers=[("Content-Encoding", "gzip")], length=GOOD.index(b"<title>Weather"))
            newer = rss(("3", "Fentanyl again"), ("2", "Fentanyl seized"), ("1", "Weather"))
            await w.follow(listed([("wire", w.server.on("/a", wrong, served(GOOD), served(newer)))]))
            (first,) = await w.app.refresher.check()
            assert (first.error_kind, first.new) == (None, 2)
            again = await later(w, hours=25)
            assert (again.new, again.updated) == (0, 1)  # what the wrong length had cut off
            assert (await later(w, hours=25)).new == 1
            packed = [asked.header("Accept-Encoding") for asked in w.server.asked]
            assert packed == [b"gzip, deflate", b"identity", b"gzip, deflate"]

    run(go)


def test_case_7_36_a_body_that_cannot_be_unpacked_comes_in_plainly_at_the_next_due_time(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            damaged = reply(b"\x1f\x8bno gzip at all", headers=[("Content-Encoding", "gzip")])

            async def packed_or_not(writer: asyncio.StreamWriter, asked: Asked) -> None:
                writer.write(served(GOOD) if asked.header("Accept-Encoding") == b"identity" else damaged)
                await writer.drain()

            await w.follow(listed([("wire", w.server.on("/a", packed_or_not))]))
            (first,) = await w.app.refresher.check()
            assert first.error_kind == "encoding"
            assert (await later(w, hours=25)).new == 2

    run(go)


def test_case_7_15_a_503_without_a_word_on_time_ends_the_turn_of_its_host(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            urls = [("a", w.server.on("/a", reply(status=503)))]
            urls += [(name, w.server.on(f"/{name}", served(GOOD))) for name in ("b", "c")]
            await w.follow(listed(urls))
            results = {result.feed_id: result.outcome for result in await w.app.refresher.check()}
            assert results == {"a": Outcome.FAILED, "b": Outcome.SKIPPED, "c": Outcome.SKIPPED}
            assert w.server.paths() == ["/a"]
            assert (await state(w, "b")).next_check_at <= w.clock()
            w.clock.forward(minutes=14)
            assert await w.app.refresher.check() == ()
            (refused,) = await w.app.refresher.check(only=["b"])
            assert (refused.outcome, w.server.paths()) == (Outcome.SKIPPED, ["/a"])
            w.clock.forward(minutes=2)
            # Another process: this one counts its own quarter of an hour on a clock that no test can move.
            async with build(w.app.settings, {}, clock=w.clock, transports={"mail": w.mail}) as again:
                await again.follow()
                assert {result.outcome for result in await again.refresher.check()} == {Outcome.FETCHED}
            assert sorted(w.server.paths()) == ["/a", "/b", "/c"]

    run(go)


def test_a_pause_that_only_this_process_still_keeps_ends_the_round_and_holds_for_all(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            urls = [("a", w.server.on("/a", reply(status=503))), ("b", w.server.on("/b", served(GOOD)))]
            await w.follow(listed(urls))
            await w.app.refresher.check()
            # Over by the store's clock, while the process has counted no quarter of an hour.
            w.clock.forward(minutes=16)
            async with asyncio.timeout(PATIENCE):
                outcomes = {result.feed_id: result.outcome for result in await w.app.refresher.check()}
            assert outcomes == {"b": Outcome.SKIPPED}
            (refused,) = await w.app.refresher.check(only=["b"])
            assert "until" in str(refused.error_detail)
            assert w.server.paths() == ["/a"]

    run(go)


def test_a_redirect_that_asks_for_a_pause_is_followed_when_the_pause_is_over(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            pause = reply(status=302, headers=[("Location", "/there"), ("Retry-After", "7200")])
            w.server.on("/there", served(GOOD))
            await w.follow(listed([("wire", w.server.on("/a", pause))]))
            (first,) = await w.app.refresher.check()
            assert (first.error_kind, first.status, w.server.paths()) == ("rate", 302, ["/a"])
            assert isinstance(first.next_check_at, datetime)
            assert first.next_check_at >= w.clock() + timedelta(hours=2)
            w.clock.forward(minutes=119)
            (refused,) = await w.app.refresher.check(only=["wire"])
            assert (refused.outcome, w.server.paths()) == (Outcome.SKIPPED, ["/a"])
            w.clock.now = first.next_check_at
            async with build(w.app.settings, {}, clock=w.clock, transports={"mail": w.mail}) as again:
                await again.follow()
                (result,) = await again.refresher.check()
            assert (result.outcome, result.new, w.server.paths()) == (Outcome.FETCHED, 2, ["/a", "/a", "/there"])

    run(go)


def test_hosts_read_how_many_people_an_entry_may_reach(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path, AGGREGATOR_BASE_URL="https://watch.example") as w:
            await w.follow(listed([("wire", w.server.on("/a", served(GOOD)))]))
            await w.app.refresher.check()
            said = w.server.asked[0].header("User-Agent")
            assert said == f"Aggregator/{__version__} (+https://watch.example; 1 subscribers)".encode()

    run(go)


def test_case_6_60_a_self_link_elsewhere_is_recorded_and_not_followed(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            elsewhere = "<link xmlns='http://www.w3.org/2005/Atom' rel='self' href='https://elsewhere.example/feed'/>"
            body = rss(("1", "x"), extra=elsewhere)
            await w.follow(listed([("wire", w.server.on("/a", served(body)))]))
            for _ in range(4):
                w.clock.forward(hours=25)
                await w.app.refresher.check()
            assert w.server.paths() == ["/a"] * 4
            learned = await state(w)
            assert (learned.url_in_use, learned.self_link) == (None, "https://elsewhere.example/feed")
            # An address that a person changes is a new one, of which nothing is known.
            await w.follow(listed([("wire", w.server.on("/b", served(body)))]))
            assert (await state(w)).self_link is None

    run(go)
