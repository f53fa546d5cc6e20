"""A gap, walked back: the station asks older pages of real servers and stores what is new, or stops where it should."""

import asyncio
from pathlib import Path

import pytest

from aggregator.store import entries, feeds, health
from aggregator.store.politeness import politeness
from tests.factories import NOW
from tests.servers import reply
from tests.world import World, listed, rss, run, served, world

WORDPRESS = "<generator>https://wordpress.org/?v=6.9</generator>"


def dated(*numbers: int, extra: str = "") -> bytes:
    """A document whose items came out an hour apart, the number being the hour."""
    items = "".join(
        f"<item><guid isPermaLink='false'>{n}</guid><title>Fentanyl {n}</title>"
        f"<pubDate>Mon, {19 + n // 24} Jan 2026 {n % 24:02}:00:00 GMT</pubDate></item>"
        for n in numbers
    )
    return f"<?xml version='1.0'?><rss version='2.0'><channel><title>W</title>{extra}{items}</channel></rss>".encode()


def link(rel: str, url: str) -> str:
    return f"<link xmlns='http://www.w3.org/2005/Atom' rel='{rel}' href='{url}'/>"


async def missed(w: World, first: bytes, second: bytes) -> None:
    """Follow /feed and let a gap come: `first` is known, `second` is what the next check finds."""
    url = w.server.on("/feed", served(first, etag='"1"'), served(second, etag='"2"'))
    await w.follow(listed([("wire", url)]))
    await w.app.refresher.check()
    w.clock.forward(hours=25)


async def stored(w: World) -> list[str]:
    return sorted(entry.key for entry in await w.app.store.reading(entries.latest))


async def gaps(w: World) -> list[tuple[str, str]]:
    return [(event.kind, event.detail) for event in await w.app.store.reading(feeds.events, feed_id="wire")]


def targets(w: World) -> list[str]:
    return [asked.target for asked in w.server.asked]


def test_linked_archives_are_walked_back_to_what_was_known_and_their_news_is_stored_and_matched(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            newer = w.server.on("/page2", served(dated(6, 5, extra=link("next", "/page3"))))
            w.server.on("/page3", served(dated(4, 3, 2, extra=link("next", "/page4"))))
            await missed(w, dated(2, 1), dated(8, 7, extra=link("next", newer)))
            (result,) = await w.app.refresher.check()
            assert (result.new, result.matched) == (6, 6)
            assert targets(w) == ["/feed", "/feed", "/page2", "/page3"]
            assert await stored(w) == [f"id:{n}" for n in range(1, 9)]
            assert [kind for kind, _ in await gaps(w)] == ["filled", "gap"]
            # A gap that was closed is no reason to doubt a digest.
            assert (await w.app.store.reading(health.sources, since=NOW)).gaps == ()
            (followed,) = await w.app.store.reading(feeds.followed)
            assert (followed.gap_at, followed.state.gap_rounds) == (w.clock(), 5)

    run(go)


def test_archives_that_only_the_link_header_names_are_walked_too(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:

            def announced(body: bytes, *links: str) -> bytes:
                kind = ("Content-Type", "application/rss+xml")
                return reply(body, headers=[kind, *(("Link", link) for link in links)])

            elsewhere = '<https://other.example/2>; rel="next", </feed>; rel="self"'
            url = w.server.on(
                "/feed",
                served(dated(2, 1)),
                announced(dated(8, 7), elsewhere, '</2025>; rel="prev-archive"; title="2, 5"'),
            )
            w.server.on(
                "/2025", announced(dated(6, 5), '</2024>; rel="PREV-ARCHIVE next"', "</9>; rel=next; anchor=/x")
            )
            w.server.on("/2024", announced(dated(4, 3, 2)))
            await w.follow(listed([("wire", url)]))
            await w.app.refresher.check()
            w.clock.forward(hours=25)
            (result,) = await w.app.refresher.check()
            assert (result.new, targets(w)[2:]) == (6, ["/2025", "/2024"])
            assert [kind for kind, _ in await gaps(w)] == ["filled", "gap"]

    run(go)


def test_wordpress_is_asked_for_its_pages_and_what_may_be_missing_still_is_told_to_the_digest(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            pages = (served(dated(hour, extra=WORDPRESS)) for hour in (60, 58, 57, 56, 55))
            url = w.server.on("/feed", served(dated(2, 1)), *pages)
            await w.follow(listed([("wire", url)]))
            await w.app.refresher.check()
            w.clock.forward(hours=25)
            await w.app.refresher.check()
            assert targets(w)[2:] == [f"/feed?paged={page}" for page in (2, 3, 4, 5)]
            (report,) = (await w.app.store.reading(health.sources, since=NOW)).gaps
            assert "4 older pages brought 4 more: up to about" in report.detail
            assert "items may be missing between 2026-01-19 02:00 and 2026-01-21 07:00 UTC" in report.detail

    run(go)


def test_pages_are_asked_for_without_the_feeds_validators_and_not_again_at_the_next_check(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            page = w.server.on("/page2", served(dated(5, 1)))
            await missed(w, dated(1), dated(9, extra=link("next", page)))
            w.server.on("/feed", served(dated(9, extra=link("next", page)), etag='"2"'), reply(status=304))
            await w.app.refresher.check()
            assert [asked.header("If-None-Match") for asked in w.server.asked] == [None, b'"1"', None]
            w.clock.forward(hours=25)
            await w.app.refresher.check()
            assert targets(w) == ["/feed", "/feed", "/page2", "/feed"]

    run(go)


def test_a_circle_of_pages_ends(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            w.server.on("/a", served(dated(7, extra=link("next", "/b"))))
            w.server.on("/b", served(dated(6, extra=link("next", "/a"))))
            await missed(w, dated(1), dated(9, extra=link("next", "/a")))
            await w.app.refresher.check()
            assert targets(w)[2:] == ["/a", "/b"]

    run(go)


def test_a_page_that_brings_nothing_new_ends_the_walk(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            for n in range(5):
                w.server.on(f"/p{n}", served(dated(9, extra=link("next", f"/p{n + 1}"))))
            await missed(w, dated(1), dated(9, extra=link("next", "/p0")))
            await w.app.refresher.check()
            assert targets(w)[2:] == ["/p0"]

    run(go)


def test_another_origin_is_not_asked_even_when_a_redirect_leads_there(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w, world(tmp_path / "other") as other:
            away = other.server.on("/away", served(dated(5, 1)))
            w.server.on("/page2", reply(status=302, headers=[("Location", away)]))
            await missed(w, dated(1), dated(9, extra=link("prev-archive", away) + link("next", "/page2")))
            (result,) = await w.app.refresher.check()
            assert (result.new, [kind for kind, _ in await gaps(w)]) == (1, ["gap"])

    (tmp_path / "other").mkdir()
    run(go)


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(reply(status=404), id="a page that is not there"),
        pytest.param(served(b"<html><body>log in</body></html>"), id="a web page"),
        pytest.param(served(b"<rss><channel>"), id="half a page"),
    ],
)
def test_a_page_that_cannot_be_read_ends_the_walk_and_never_fails_the_check(tmp_path: Path, broken: bytes) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            w.server.on("/page2", broken)
            await missed(w, dated(1), dated(9, extra=link("next", "/page2")))
            (result,) = await w.app.refresher.check()
            assert (result.outcome, result.error_kind, result.new) == ("fetched", None, 1)

    run(go)


def test_retry_after_ends_the_walk_and_holds_the_host_for_everyone(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            w.server.on("/page2", reply(status=429, headers=[("Retry-After", "90000")]))
            await missed(w, dated(1), dated(9, extra=link("next", "/page2")))
            (result,) = await w.app.refresher.check()
            assert result.new == 1
            held = await w.app.store.reading(feeds.hosts_held, ["wire"], now=w.clock())
            assert held["wire"][0] == "its host asked us to wait"
            (followed,) = await w.app.store.reading(feeds.followed)
            assert (followed.state.next_check_at - w.clock()).total_seconds() >= 90000

    run(go)


def test_a_strict_feed_is_never_asked_for_older_pages(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            w.server.on("/page2", served(dated(5, 1)))
            url = w.server.on("/feed", served(dated(1)), served(dated(9, extra=link("next", "/page2"))))
            await w.follow(f"feeds:\n  - {{id: wire, url: '{url}', politeness: strict}}\n")
            await w.app.refresher.check()
            w.clock.forward(hours=30)
            await w.app.refresher.check()
            assert targets(w) == ["/feed", "/feed"]
            assert [kind for kind, _ in await gaps(w)] == ["gap"]

    run(go)


def test_a_check_that_shares_entries_with_the_last_asks_for_nothing_more(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            await missed(w, dated(2, 1), dated(3, 2, extra=link("next", "/page2")))
            await w.app.refresher.check()
            assert targets(w) == ["/feed", "/feed"]

    run(go)


def test_a_walk_that_is_cut_short_stores_nothing_and_the_feed_stays_due(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            asked = asyncio.Event()

            async def never(_writer: asyncio.StreamWriter, _asked: object) -> None:
                asked.set()
                await asyncio.Event().wait()

            w.server.on("/page2", never)
            await missed(w, dated(1), dated(9, extra=link("next", "/page2")))
            checking = asyncio.create_task(w.app.refresher.check())
            await asked.wait()
            checking.cancel()
            await asyncio.gather(checking, return_exceptions=True)
            assert await stored(w) == ["id:1"]
            assert await w.app.store.reading(health.overdue, now=w.clock()) == 1

    run(go)


def test_requests_are_counted_by_kind_for_feed_and_day(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            page = w.server.on("/page2", served(dated(5, 1)))
            body = dated(9, extra=link("next", page))
            answers = (served(dated(1), etag='"1"'), served(body, etag='"2"'), served(body, etag='"2"'))
            url = w.server.on("/feed", *answers, reply(status=304), reply(status=500))
            await w.follow(listed([("wire", url)]))
            for _ in range(5):
                await w.app.refresher.check()
                w.clock.forward(hours=25)
            counted = await w.app.store.reading(politeness, since=NOW.date())
            assert (counted.checks, counted.changed, counted.same_body, counted.not_modified) == (5, 2, 1, 1)
            assert (counted.failed, counted.unconditional, counted.early, counted.pages) == (1, 1, 0, 1)
            assert counted.share == 0.5

    run(go)


def test_validators_go_back_only_to_the_origin_that_gave_them(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w, world(tmp_path / "other") as other:
            target = other.server.on("/feed", served(rss(("1", "x")), etag='"theirs"'))
            url = w.server.on("/feed", reply(status=302, headers=[("Location", target)]))
            await w.follow(listed([("wire", url)]))
            await w.app.refresher.check()
            w.clock.forward(hours=25)
            await w.app.refresher.check()
            assert [asked.header("If-None-Match") for asked in w.server.asked] == [None, None]
            assert [asked.header("If-None-Match") for asked in other.server.asked] == [None, b'"theirs"']

    (tmp_path / "other").mkdir()
    run(go)
