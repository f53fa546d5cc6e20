"""Titles that want to be headers, the whole way: from a feed through the database to the finished bytes of a digest."""

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from aggregator.app import make_postmaster
from aggregator.core.digests.letter import DueDigest
from aggregator.core.model.digests import DueItem, SourceReport
from aggregator.store import digests, health, subscribers
from aggregator.store.subscribers import Member
from tests.core.digests.test_headers import hostile_strings
from tests.factories import NOW
from tests.servers import reply
from tests.world import World, listed, run, world

TITLES = int(os.environ.get("HOSTILE_TITLES", "300"))  # 11,000 when a release is made
A_FEED = 1000
DULL = "Working group meets"


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        return str(request.getfixturevalue("make_ready_database")())
    return f"sqlite:///{tmp_path / 'aggregator.db'}"


def document(titles: list[str]) -> bytes:
    """A JSON feed: XML cannot even say a NUL or half a surrogate pair."""
    items = [
        {"id": str(n), "url": f"https://wire.example/{n}", "title": title, "content_text": "Fentanyl seized."}
        for n, title in enumerate(titles)
    ]
    told = {"version": "https://jsonfeed.org/version/1.1", "title": "Wire", "items": items}
    return reply(json.dumps(told).encode(), headers=[("Content-Type", "application/feed+json")])


async def followed(w: World, titles: list[str]) -> None:
    """Feeds that are empty at their first check and full of `titles` at their second."""
    parts = [titles[start : start + A_FEED] for start in range(0, len(titles), A_FEED)]
    feeds = [(f"f{n}", w.server.on(f"/{n}", document([]), document(part))) for n, part in enumerate(parts)]
    await w.follow(listed(feeds))
    await w.app.refresher.check()
    w.clock.forward(hours=25)
    await w.app.refresher.check()


def headers(message: bytes) -> list[str]:
    """Names, in order, as the lines say and not as a parser would have them."""
    head, _, _ = message.partition(b"\r\n\r\n")
    assert head.isascii()
    return [line.partition(b":")[0].decode() for line in head.split(b"\r\n") if not line.startswith((b" ", b"\t"))]


def alone(member: Member, item: DueItem) -> DueDigest:
    (of,) = member.subscriptions
    return DueDigest(
        owner=member.subscriber, of=of, slot_at=NOW, since=NOW, items=(item,), sources=SourceReport(feeds=1, checked=1)
    )


def sealed(w: World, member: Member, items: tuple[DueItem, ...], now: datetime) -> Iterator[tuple[str, bytes]]:
    """Each item as the lead of a digest of its own: the title and the finished bytes."""
    postmaster = make_postmaster(w.app.settings)
    for number, item in enumerate(items):
        due = alone(member, item)
        _, rendered = postmaster.words(due)
        yield item.title, postmaster.seal(due, rendered, digest_id=number, now=now).message


def test_no_title_changes_the_headers_of_a_digest_or_loses_one(tmp_path: Path, database: str) -> None:
    titles = hostile_strings(TITLES)

    async def go() -> None:
        async with world(tmp_path, database=database, AGGREGATOR_PARSE_TIMEOUT="60s") as w:
            await followed(w, titles)
            assert (await w.app.store.reading(health.totals)).ledger == {"pending": len(titles)}
            (member,) = await w.app.store.reading(subscribers.members)
            (of,) = member.subscriptions
            items = await w.app.store.reading(digests.due_items, of.id, archive=False, limit=len(titles))
            assert len(items) == len(titles)
            ((_, meant),) = sealed(w, member, (replace(items[0], title=DULL),), w.clock())
            for title, message in sealed(w, member, items, w.clock()):
                found = message_from_bytes(message, policy=policy.default)
                assert headers(message) == headers(meant), ascii(title)
                assert sorted(found.keys()) == sorted(headers(meant)), ascii(title)
                assert [part.get_content_type() for part in found.iter_parts()] == ["text/plain", "text/html"]
                assert max(map(len, message.split(b"\r\n"))) <= 998, ascii(title)

    run(go, at_most=60 + TITLES)


def test_a_digest_full_of_hostile_titles_goes_out_whole(tmp_path: Path, database: str) -> None:
    async def go() -> None:
        async with world(tmp_path, database=database) as w:
            await followed(w, hostile_strings(60))
            await w.app.dispatcher.run()
            (mail,) = w.mail.sent
            assert b"\r\nBcc:" not in mail.partition(b"\r\n\r\n")[0]
            assert (await w.app.store.reading(health.totals)).ledger == {"delivered": 60}
            assert not message_from_bytes(mail, policy=policy.default).defects

    run(go)


def test_hostile_names_of_feeds_and_people_change_no_header(tmp_path: Path) -> None:
    names = hostile_strings(40)

    async def go() -> None:
        async with world(tmp_path) as w:
            url = w.server.on("/0", document([]), document([DULL]))
            await w.follow(listed([("wire", url)]))
            await w.app.refresher.check()
            w.clock.forward(hours=25)
            await w.app.refresher.check()
            (member,) = await w.app.store.reading(subscribers.members)
            (of,) = member.subscriptions
            (item,) = await w.app.store.reading(digests.due_items, of.id, archive=False)
            ((_, meant),) = sealed(w, member, (item,), w.clock())
            for name in names:
                person = replace(member, subscriber=replace(member.subscriber, name=name))
                ((_, message),) = sealed(w, person, (replace(item, feed_name=name, topic_name=name),), w.clock())
                assert headers(message) == headers(meant), ascii(name)

    run(go)
