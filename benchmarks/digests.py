"""What digests cost: composing, rendering and sealing a thousand of them, a round of making them, and how fast they leave.

`python -m benchmarks.digests` (or `make bench-digest`) prints. The news is made up, 2 KB an item; a round is a process of
its own, as the service works: one digest after the other.
"""

import asyncio
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from aggregator import logs
from aggregator.core.digests.letter import DueDigest, Envelope, Postmaster, settled
from aggregator.core.model.digests import DueItem, Rendered, SourceReport
from aggregator.core.model.subscriptions import Empty, Schedule, Subscriber, SubscriberState, Subscription
from aggregator.core.model.topics import Fired, Span
from aggregator.dispatch import Opener, Sender
from aggregator.mail.smtp import SmtpManners, SmtpTransport
from aggregator.store import deliveries, digests, migrate, subscribers, topics
from aggregator.store.database import Connection, Store
from benchmarks.faulty import Relay, serving
from benchmarks.news import News
from benchmarks.publishers import START
from tests.factories import make_feed, make_subscriber, make_topic
from tests.history import came, follow, learned

DIGESTS, ITEMS = 1000, 25
READERS, FEEDS = 1000, 200
MAILS = 300
ALLOWED = 20.0  # seconds for a thousand digests, on two cores
POSTMASTER = Postmaster(
    sender="News <news@example.org>", domain="example.org", secret=b"s" * 32, base_url="https://news.example.org"
)


def items(news: News, *, stories: bool) -> list[DueItem]:
    """Matches of one topic; with `stories` every fifth is of the story before it, else stories are still to be found."""
    found = []
    for number, entry in enumerate(news.entries(DIGESTS)):
        words = tuple(Span(field="text", start=place, end=place + 9) for place in (40, 700, 1500))
        found.append(
            DueItem(
                match_id=number,
                topic_id="policy",
                topic_name="Policy",
                entry_id=number,
                revision=1,
                feed_id=f"f{number % 40}",
                feed_name=f"Feed {number % 40}",
                tier="media",
                title=entry.title,
                text=entry.text,
                link=f"https://wire.example/{number}",
                language="en",
                published=START,
                date_suspect=False,
                first_seen=START + timedelta(minutes=number),
                score=4 + number % 7,
                alert=False,
                fired=(Fired(clause="main", points=4, spans=words),),
                story_id=number - number % 5 // 4 if stories else None,
            )
        )
    return found


def due(found: list[DueItem], number: int) -> DueDigest:
    """A digest of 25 of them to a reader of its own."""
    chosen = [found[(number * 7 + place) % len(found)] for place in range(ITEMS)]
    owner = Subscriber(
        id=number,
        public_id=f"reader{number}",
        slug=f"reader{number}",
        address=f"reader{number}@example.org",
        name=None,
        timezone="Asia/Kolkata",
        state=SubscriberState.ACTIVE,
        listed=True,
        created_at=START,
    )
    of = Subscription(
        id=number,
        subscriber_id=number,
        slug="morning",
        topics=("policy",),
        schedule=Schedule(),
        empty=Empty.SKIP,
        channel="mail",
        created_at=START,
        slot_at=None,
        listed=True,
    )
    at = START + timedelta(days=1)
    watched = (("policy", "Policy"),)
    report = SourceReport(feeds=40, checked=40, checks=900, entries=4000)
    return DueDigest(owner=owner, of=of, slot_at=at, since=START, items=tuple(chosen), sources=report, topics=watched)


def finished(one: DueDigest) -> bytes:
    """All that is done for one digest but for the database."""
    whole = settled(one)
    _, rendered = POSTMASTER.words(whole)
    return POSTMASTER.seal(whole, rendered, digest_id=one.of.id, now=one.slot_at).message


def make(*, stories: bool) -> None:
    """In a process of its own: make a thousand and print what they cost."""
    found = items(News(), stories=stories)
    finished(due(found, 0))
    before, began, busy = peak(), time.perf_counter(), time.process_time()
    sizes = [len(finished(due(found, number))) for number in range(DIGESTS)]
    took, busy = time.perf_counter() - began, time.process_time() - busy
    where = "stories are stored" if stories else "stories are found in the digest"
    print(
        f"{DIGESTS:,} digests of {ITEMS} items, {where}: {took:.1f} s of {ALLOWED:.0f} s, "
        f"{busy:.1f} s of one core, {busy / DIGESTS * 1000:.1f} ms each, {sum(sizes) / DIGESTS / 1024:.0f} KB; {peak() - before:.0f} MiB above the {before:.0f} MiB held before",
        flush=True,
    )


def peak() -> float:
    """The most MiB that this process held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def queue(connection: Connection, count: int) -> None:
    """So many finished mails in the outbox."""
    topics.save(connection, [make_topic()], now=START)
    people = [make_subscriber(f"reader{number}") for number in range(count)]
    subscribers.save(connection, people, {one.slug: one.slug for one in people}, now=START)
    found = items(News(), stories=True)
    for number, member in enumerate(subscribers.members(connection)):
        (of,) = member.subscriptions
        message = replace(due(found, number), owner=member.subscriber, of=of)
        _, rendered = POSTMASTER.words(message)

        def seal(digest_id: int, whole: DueDigest = message, words: Rendered = rendered) -> Envelope:
            return POSTMASTER.seal(whole, words, digest_id=digest_id, now=START)

        digests.freeze(connection, replace(message, items=()), subject="news", stories=ITEMS, seal=seal, now=START)


def open_together() -> None:
    """A round beside a thousand readers with nothing due, and one in which all of them are told at once."""
    with tempfile.TemporaryDirectory() as folder:
        database = f"sqlite:///{Path(folder) / 'aggregator.db'}"
        migrate.upgrade(database, now=START)
        store = Store(database)
        today = START + timedelta(days=60)
        follow(store, [make_feed(f"f{number}") for number in range(FEEDS)], topic=make_topic(), since=START)
        for number in range(FEEDS):
            seen = [START + timedelta(days=day) for day in range(1, 57)]
            came(store, f"f{number}", seen, topics=("narcotics",) if number == 0 else ())
            learned(store, f"f{number}", succeeded_at=today, checked_at=today, changed_at=seen[-1])
        people = [make_subscriber(f"reader{number}", timezone="UTC") for number in range(READERS)]
        store.write(subscribers.save, people, {one.slug: one.slug for one in people}, now=today)
        one_round(store, today, "nothing due")
        one_round(store, today + timedelta(days=1), "all due, each with its first 20 stories")
        store.close()


def one_round(store: Store, now: datetime, what: str) -> None:
    """Make what is due at an instant, and print what that took."""
    opener = Opener(store=store, postmaster=POSTMASTER, clock=lambda: now)
    began, busy = time.perf_counter(), time.process_time()
    made = asyncio.run(opener.open_due())
    took, busy = time.perf_counter() - began, time.process_time() - busy
    print(
        f"a round beside {READERS:,} readers and {FEEDS} feeds that rest, {what}: "
        f"{len(made):,} digests, {took:.2f} s, {busy:.2f} s of one core",
        flush=True,
    )


async def leave(store: Store, port: int, manners: SmtpManners) -> float:
    """Seconds until the outbox is empty."""
    relay = SmtpTransport("127.0.0.1", port, tls="none", manners=manners)
    tokens = iter(range(10**6))
    sender = Sender(
        store=store,
        transports={"mail": relay},
        clock=lambda: START,
        token=lambda: str(next(tokens)),
        lease=timedelta(minutes=2),
    )
    began = time.perf_counter()
    while await sender.send_due():
        continue
    took = time.perf_counter() - began
    await sender.aclose()
    return took


def send(words: str, manners: SmtpManners) -> None:
    """Send from a fresh database to a relay on loopback, and print how fast."""
    relay = Relay()
    with tempfile.TemporaryDirectory() as folder, serving(relay.converse) as port:
        database = f"sqlite:///{Path(folder) / 'aggregator.db'}"
        migrate.upgrade(database, now=START)
        store = Store(database)
        store.write(queue, MAILS)
        took = asyncio.run(leave(store, port, manners))
        counted = dict(store.read(deliveries.counts))
        store.close()
    assert counted == {"sent": MAILS}
    assert len({mail.message_id for mail in relay.taken}) == len(relay.taken) == MAILS
    print(f"{MAILS} mails to a relay on loopback, {words}: {took:.1f} s, {MAILS / took:.1f} a second", flush=True)


def main() -> None:
    """Each round in a process of its own, so that its memory is its own."""
    if sys.argv[1:]:
        make(stories=sys.argv[1] == "stored")
        return
    logs.configure(style="human", level="warning")
    print(f"{os.cpu_count()} cores", flush=True)
    for how in ("stored", "found"):
        subprocess.run([sys.executable, "-m", "benchmarks.digests", how], check=True)
    open_together()
    send("no pace set", SmtpManners(rate=10_000))
    send("at the pace of the settings", SmtpManners())


if __name__ == "__main__":
    main()
