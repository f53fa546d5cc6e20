"""The first river through a real database and a loopback server: feeds become entries, once."""

import asyncio
from pathlib import Path

import pytest
import structlog.testing

from aggregator.core.errors import UsageError
from aggregator.core.model.plans import Outcome
from aggregator.store import entries, feeds, health
from tests.servers import reply
from tests.world import listed, rss, run, served, world


def test_new_entries_are_stored_once_and_a_second_check_stores_none(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            body = rss(("2", "Fentanyl seized"), ("1", "Weather"))
            url = w.server.on("/a", served(body, etag='"1"'), reply(status=304))
            await w.follow(listed([("wire", url)]))
            first = await w.app.refresher.check()
            assert [(r.feed_id, r.outcome, r.new, r.matched) for r in first] == [("wire", Outcome.FETCHED, 2, 1)]
            w.clock.forward(hours=25)
            second = await w.app.refresher.check()
            assert [(r.outcome, r.new) for r in second] == [(Outcome.NOT_MODIFIED, 0)]
            assert w.server.asked[1].header("If-None-Match") == b'"1"'
            assert [entry.key for entry in await w.app.store.reading(entries.latest)] == ["id:2", "id:1"]

    run(go)


def test_a_feed_is_not_asked_again_before_it_is_due(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            await w.follow(listed([("wire", w.server.on("/a", served(rss(("1", "x")))))]))
            await w.app.refresher.check()
            assert await w.app.refresher.check() == ()
            assert len(w.server.asked) == 1

    run(go)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        pytest.param(served(b"<html><body>Sign in</body></html>"), "html", id="a web page instead of a feed"),
        pytest.param(served(b""), "empty", id="an empty body"),
        pytest.param(served(b"x" * 20_000_000), "too_large", id="a 20 MB body"),
        pytest.param(served(b"<rss version='2.0'><channel><title>cut</tit"), "parse", id="malformed beyond repair"),
        pytest.param(reply(status=500), "server", id="a server in trouble"),
        pytest.param(reply(status=404), "client", id="a page that is not there"),
    ],
)
def test_a_bad_feed_ends_in_its_typed_error_and_the_others_go_on(tmp_path: Path, answer: bytes, kind: str) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            bad, good = w.server.on("/bad", answer), w.server.on("/good", served(rss(("1", "x"))))
            await w.follow(listed([("bad", bad), ("good", good)]))
            results = {result.feed_id: result for result in await w.app.refresher.check()}
            assert (results["bad"].outcome, results["bad"].error_kind) == (Outcome.FAILED, kind)
            assert results["good"].new == 1
            states = {one.feed.id: one.state for one in await w.app.store.reading(feeds.followed)}
            assert states["bad"].error_kind == kind
            assert states["bad"].next_check_at > w.clock()

    run(go)


def test_an_unreachable_host_ends_in_its_typed_error(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            await w.follow(listed([("gone", "http://127.0.0.1:9/feed")]))
            (result,) = await w.app.refresher.check()
            assert (result.outcome, result.error_kind) == (Outcome.FAILED, "connect")

    run(go)


def test_a_feed_that_hangs_the_parser_costs_itself_its_turn_and_nothing_else(tmp_path: Path) -> None:
    hanging = rss(("1", "x"), extra=f"<author>{'a.' * 100_000}</author>")

    async def go() -> None:
        async with world(tmp_path, AGGREGATOR_PARSE_TIMEOUT="1s") as w:
            bad, good = w.server.on("/bad", served(hanging)), w.server.on("/good", served(rss(("1", "x"))))
            await w.follow(listed([("bad", bad), ("good", good)]))
            results = {result.feed_id: result for result in await w.app.refresher.check()}
            assert results["bad"].error_kind == "parse_timeout"
            assert results["good"].new == 1

    run(go)


def test_a_named_feed_is_checked_though_not_due_but_not_twice_in_five_minutes(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            await w.follow(listed([("wire", w.server.on("/a", served(rss(("1", "x")))))]))
            await w.app.refresher.check()
            w.clock.forward(minutes=4)
            (refused,) = await w.app.refresher.check(only=["wire"])
            assert (refused.outcome, len(w.server.asked)) == (Outcome.SKIPPED, 1)
            assert "five minutes" in str(refused.error_detail)
            w.clock.forward(minutes=2)
            (checked,) = await w.app.refresher.check(only=["wire"])
            assert (checked.outcome, len(w.server.asked)) == (Outcome.FETCHED, 2)

    run(go)


def test_a_name_that_is_not_followed_is_refused(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            await w.follow(listed([("wire", w.server.url("/a"))]))
            with pytest.raises(UsageError, match="no such feed: wrie"):
                await w.app.refresher.check(only=["wrie"])

    run(go)


def test_a_host_that_asks_for_patience_is_asked_nothing_more(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            busy = reply(status=429, headers=[("Retry-After", "7200")])
            urls = [(name, w.server.on(f"/{name}", busy)) for name in ("a", "b", "c")]
            await w.follow(listed(urls))
            results = await w.app.refresher.check()
            assert sorted(result.outcome for result in results) == ["failed", "skipped", "skipped"]
            assert len(w.server.asked) == 1
            w.clock.forward(minutes=119)
            assert await w.app.refresher.check() == ()
            assert len(w.server.asked) == 1

    run(go)


def test_cancelling_stores_nothing_of_what_was_under_way_and_leaves_it_due(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            asked = asyncio.Event()

            async def never(writer: asyncio.StreamWriter, _: object) -> None:
                asked.set()
                await asyncio.Event().wait()

            await w.follow(listed([("slow", w.server.on("/slow", never, served(rss(("1", "x")))))]))
            checking = asyncio.create_task(w.app.refresher.check())
            await asked.wait()
            checking.cancel()
            await asyncio.gather(checking, return_exceptions=True)
            assert await w.app.store.reading(entries.count) == 0
            assert await w.app.store.reading(health.overdue, now=w.clock()) == 1
            (result,) = await w.app.refresher.check()
            assert result.new == 1

    run(go)


def test_case_7_49_two_processes_check_a_feed_once(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            urls = [(f"f{n}", w.server.on(f"/{n}", served(rss((str(n), "x"))))) for n in range(20)]
            await w.follow(listed(urls))
            first, second = await asyncio.gather(w.app.refresher.check(), w.app.refresher.check())
            assert len(first) + len(second) == len(w.server.asked) == 20

    run(go)


def test_a_header_whose_secret_is_missing_is_named_and_nothing_is_asked(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path, AGGREGATOR_UN_KEY="s3cret") as w:
            url = w.server.on("/a", served(rss(("1", "x"))))
            line = f"  - {{id: keyed, url: '{url}', headers: {{X-Key: '${{AGGREGATOR_UN_KEY}}'}}}}"
            await w.follow(listed([]).replace("feeds:\n", f"feeds:\n{line}\n"))
            (result,) = await w.app.refresher.check()
            assert result.new == 1
            assert w.server.asked[0].header("X-Key") == b"s3cret"
            database = (w.folder / "data" / "aggregator.db").read_bytes()
            assert b"s3cret" not in database

    run(go)


def test_a_feed_that_begins_to_fail_and_one_that_recovers_have_a_line_in_the_log_each(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            good, bad = served(rss(("1", "x"))), reply(status=404)
            await w.follow(listed([("wire", w.server.on("/a", good, bad, bad, bad, good, good))]))
            with structlog.testing.capture_logs() as logs:
                for _ in range(6):
                    await w.app.refresher.check()
                    w.clock.forward(days=4)
            told = [{name: line[name] for name in line if name != "next"} for line in logs]
            words = "HTTP 404: there is nothing at this address"
            assert told == [
                {"event": "feed.failing", "log_level": "info", "feed": "wire", "error": "client", "detail": words},
                {"event": "feed.recovered", "log_level": "info", "feed": "wire", "failures": 3},
            ]
            assert str(logs[0]["next"]).startswith("2026-")

    run(go)
