"""Full text on request: the article behind each new entry, fetched, found in its page, matched and stored in one go."""

from pathlib import Path
from typing import Any

import pytest

from aggregator.core.model.entries import Entry
from aggregator.store import entries, feeds
from aggregator.store.politeness import politeness
from tests.factories import NOW
from tests.servers import reply
from tests.world import World, run, world

ARTICLE = (
    "Officers at the port opened two containers on Monday and found what the manifest did not mention.",
    "A laboratory later said that the powder was fentanyl, enough for a city, hidden among ceramic tiles.",
    "The shipper has been asked for papers, and a court will hear the case before the end of the month.",
)


def item(number: int, link: str, *, title: str = "", summary: str = "A short word on it.") -> str:
    title = title or f"Seizure {number}"
    return f"<item><guid isPermaLink='false'>{number}</guid><link>{link}</link><title>{title}</title><description>{summary}</description></item>"


def feed(*items: str) -> bytes:
    body = f"<?xml version='1.0'?><rss version='2.0'><channel><title>Wire</title>{''.join(items)}</channel></rss>"
    return reply(body.encode(), headers=[("Content-Type", "application/rss+xml")])


def page(*sentences: str, kind: str = "text/html; charset=utf-8") -> bytes:
    words = "".join(f"<p>{sentence}</p>" for sentence in sentences)
    html = f"<!doctype html><html><body><nav>Subscribe</nav><article><h1>Port</h1>{words}</article></body></html>"
    return reply(html.encode(), headers=[("Content-Type", kind)])


async def polled_twice(w: World, *answers: bytes, full_text: bool = True) -> Any:
    """Follow /feed, let its first document be the baseline, and check again a day later."""
    url = w.server.on("/feed", *answers)
    flag = "true" if full_text else "false"
    await w.follow(
        f"feeds:\n  - {{id: wire, url: '{url}', full_text: {flag}}}\ntopics:\n  - {{id: narcotics, keywords: [fentanyl]}}\n"
    )
    await w.app.refresher.check()
    w.clock.forward(hours=25)
    (result,) = await w.app.refresher.check()
    return result


async def stored(w: World) -> dict[str, Entry]:
    return {entry.key: entry for entry in await w.app.store.reading(entries.latest)}


def test_the_article_of_a_new_entry_is_matched_and_stored_with_it(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            old, new = item(1, w.server.on("/1", page(*ARTICLE))), item(2, w.server.on("/2", page(*ARTICLE)))
            result = await polled_twice(w, feed(old), feed(new, old))
            assert (result.new, result.matched) == (1, 1)
            found = await stored(w)
            assert found["id:2"].revision.text.splitlines()[0] == "A short word on it."
            assert ARTICLE[1] in found["id:2"].revision.text
            # What the first import brought is archive, and no reason to ask for its pages.
            assert found["id:1"].revision.text == "A short word on it."
            assert w.server.paths() == ["/feed", "/feed", "/2"]
            asked = w.server.asked[-1]
            assert (asked.header("Accept") or b"").startswith(b"text/html")

    run(go)


def test_an_entry_with_its_article_is_not_taken_for_edited_when_it_is_read_again(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            old, new = item(1, "https://x.example/1"), item(2, w.server.on("/2", page(*ARTICLE)))
            again = feed(item(3, "https://x.example/3"), new + " ", old)
            await polled_twice(w, feed(old), feed(new, old), again)
            w.clock.forward(hours=25)
            (result,) = await w.app.refresher.check()
            assert (result.new, result.updated) == (1, 0)
            assert ARTICLE[1] in (await stored(w))["id:2"].revision.text

    run(go)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(reply(status=404), id="no page"),
        pytest.param(page(*ARTICLE, kind="application/pdf"), id="no web page"),
        pytest.param(page(), id="no article in it"),
        pytest.param(reply(b"<html>" + b"x" * 5_000_000, headers=[("Content-Type", "text/html")]), id="too large"),
    ],
)
def test_what_cannot_be_had_leaves_the_summary_and_is_counted(tmp_path: Path, answer: bytes) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            old, new = item(1, "https://x.example/1"), item(2, w.server.on("/2", answer), title="Fentanyl found")
            result = await polled_twice(w, feed(old), feed(new, old))
            assert (result.outcome, result.error_kind, result.new, result.matched) == ("fetched", None, 1, 1)
            assert (await stored(w))["id:2"].revision.text == "A short word on it."
            counted = await w.app.store.reading(politeness, since=NOW.date(), feed_id="wire")
            assert (counted.articles, counted.articles_failed) == (1, 1)

    run(go)


def test_five_articles_a_check_are_enough_and_the_newest_come_first(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            old = item(1, "https://x.example/1")
            new = [item(n, w.server.on(f"/{n}", page(*ARTICLE))) for n in range(9, 1, -1)]
            result = await polled_twice(w, feed(old), feed(*new, old))
            assert (result.new, result.matched) == (8, 5)
            assert w.server.paths()[2:] == ["/9", "/8", "/7", "/6", "/5"]

    run(go)


def test_a_host_that_asks_for_a_pause_is_asked_for_no_more_articles(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            later = reply(status=429, headers=[("Retry-After", "7200")])
            old = item(1, "https://x.example/1")
            new = [item(n, w.server.on(f"/{n}", later)) for n in (3, 2)]
            result = await polled_twice(w, feed(old), feed(*new, old))
            assert (result.new, w.server.paths()[2:]) == (2, ["/3"])
            assert "wire" in await w.app.store.reading(feeds.hosts_held, ["wire"], now=w.clock())

    run(go)


def test_a_feed_that_did_not_ask_for_full_text_costs_no_further_request(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            old, new = item(1, "https://x.example/1"), item(2, w.server.on("/2", page(*ARTICLE)))
            await polled_twice(w, feed(old), feed(new, old), full_text=False)
            assert w.server.paths() == ["/feed", "/feed"]

    run(go)


def test_without_the_extra_the_summary_is_used_and_no_page_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aggregator.app.reads_articles", lambda: False)

    async def go() -> None:
        async with world(tmp_path) as w:
            old, new = item(1, "https://x.example/1"), item(2, w.server.on("/2", page(*ARTICLE)))
            result = await polled_twice(w, feed(old), feed(new, old))
            assert (result.new, result.error_kind) == (1, None)
            assert w.server.paths() == ["/feed", "/feed"]

    run(go)


def test_a_page_that_hangs_the_extraction_is_stopped_and_the_summary_stays(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path, AGGREGATOR_PARSE_TIMEOUT="1s") as w:
            maze = b"<html><body>" + b"<div>" * 300_000
            slow = reply(maze, headers=[("Content-Type", "text/html")])
            old, new = item(1, "https://x.example/1"), item(2, w.server.on("/2", slow))
            result = await polled_twice(w, feed(old), feed(new, old))
            assert (result.error_kind, result.new) == (None, 1)
            assert (await stored(w))["id:2"].revision.text == "A short word on it."

    run(go)
