"""Processes that write of spikes at once on PostgreSQL wait for each other in one order, so that none is ended for a circle.

Each test stops them where the circle would close, as a busy machine does by chance.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import Connection, select, text

from aggregator.core.digests.letter import DueDigest, Envelope
from aggregator.core.model.digests import SourceReport
from aggregator.core.model.subscriptions import Schedule, SubscriberSpec
from aggregator.core.model.trends import DueSpike, Spike
from aggregator.store import attention, digests, feeds, spike_checks, spikes, subscribers, topics
from aggregator.store.database import Store
from aggregator.store.schema import digest, spike
from aggregator.store.spike_checks import EVERY
from tests.factories import NOW, make_feed, make_subscriber, make_topic
from tests.patience import until

TODAY = NOW.date()
DAYS = (TODAY - timedelta(days=1), TODAY)
LATER = NOW + 2 * EVERY
ALERTS, MORNING = 1, 2
WAITERS = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")


def wishing(*, wished: bool = True) -> SubscriberSpec:
    """One person with an immediate and a timed subscription."""
    one = make_subscriber()
    timed = replace(one.subscriptions[0], spikes=wished)
    return replace(one, subscriptions=(replace(timed, slug="alerts", schedule=Schedule(immediate=True)), timed))


def risen(*places: int, counted: int = 12) -> list[Spike]:
    return [Spike(day=DAYS[place], counted=counted, expected=2.6, chance=1e-4, entries=()) for place in places]


@pytest.fixture
def store(make_ready_database: Callable[[], str]) -> Iterator[Store]:
    """Two days wait for both subscriptions, the later one noted first."""
    one = Store(make_ready_database())
    one.write(feeds.save, [make_feed()], now=NOW)
    one.write(topics.save, [make_topic()], now=NOW)
    one.write(subscribers.save, [wishing()], {"desk": "p"}, now=NOW - timedelta(days=7))
    one.write(spike_checks.note, "narcotics", risen(1), now=NOW - 2 * EVERY)
    one.write(spike_checks.note, "narcotics", risen(0, 1), now=NOW)
    yield one
    one.close()


def await_waiting(store: Store, begun: Sequence[Future[object]]) -> None:
    """Until each of these waits for a lock, or one of them has ended."""

    def waiting() -> bool:
        return bool(store.read(lambda connection: connection.execute(WAITERS).scalar_one()) == len(begun))

    asyncio.run(until(lambda: waiting() or any(one.done() for one in begun)))


def claimed(connection: Connection, found: tuple[DueSpike, ...]) -> None:
    """What waits for the alerts goes into a digest."""
    assert spikes.claim(connection, found, made(connection))


def made(connection: Connection) -> int:
    values = {"subscription_id": ALERTS, "slot_at": NOW, "subject": "", "item_count": 0, "story_count": 0}
    row = digest.insert().values(**values, created_at=NOW).returning(digest.c.id)
    return int(connection.execute(row).scalar_one())


def other_work(store: Store, name: str) -> Callable[[Connection], object]:
    """What another process does with both rows of the alerts while a look is written."""
    found = store.read(spikes.waiting, ALERTS)
    if name == "makes a digest":
        return lambda connection: claimed(connection, found)
    if name == "leaves them to a digest":
        return lambda connection: attention.give_to_digests(connection, ALERTS, 1, now=LATER)
    number = store.write(made)
    store.write(spikes.claim, found, number)
    return lambda connection: spikes.release(connection, number, reason=None)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize("held", [0, 1])
@pytest.mark.parametrize("work", ["makes a digest", "leaves them to a digest", "calls a digest off"])
def test_a_look_and_what_becomes_of_a_spike_never_wait_for_each_other(
    store: Store, work: str, held: int, order: tuple[int, int]
) -> None:
    other = other_work(store, work)
    looks = partial(spike_checks.note, topic_id="narcotics", found=risen(*order, counted=30), now=LATER)
    rows = select(spike).where(spike.c.subscription_id == ALERTS).order_by(spike.c.day)

    def hold(connection: Connection) -> None:
        """Until both wait, for this row or for each other."""
        connection.execute(rows.where(spike.c.day == DAYS[held]).with_for_update())
        begun.append(threads.submit(store.write, looks))
        await_waiting(store, begun)
        begun.append(threads.submit(store.write, other))
        await_waiting(store, begun)

    with ThreadPoolExecutor(2) as threads:
        begun: list[Future[object]] = []
        store.write(hold)
        for one in begun:
            one.result()
    (yesterday, today) = store.read(lambda connection: connection.execute(rows).all())
    assert (yesterday.digest_id, yesterday.reason) == (today.digest_id, today.reason)


def test_a_digest_and_a_change_of_the_file_never_wait_for_each_other(store: Store) -> None:
    (desk,) = store.read(subscribers.members)
    found = store.read(spikes.waiting, MORNING)
    due = DueDigest(
        owner=desk.subscriber,
        of=desk.subscriptions[1],
        slot_at=NOW,
        since=NOW,
        items=(),
        sources=SourceReport(),
        spikes=found,
    )

    def seal(_: int) -> Envelope:
        """The file takes the wish back while a digest that tells it is being written."""
        begun.append(threads.submit(store.write, subscribers.save, [wishing(wished=False)], {}, now=LATER))
        await_waiting(store, begun)
        return Envelope(message_id="<1@x>", sender="a@x", recipient="b@x", channel="mail", message=b"x")

    with ThreadPoolExecutor(1) as threads:
        begun: list[Future[object]] = []
        number = store.write(digests.freeze, due, subject="", stories=0, seal=seal, now=NOW)
        for one in begun:
            one.result()
    assert number is not None
    fates = select(spike.c.digest_id, spike.c.reason).order_by(spike.c.subscription_id)
    told = store.read(lambda connection: [tuple(row) for row in connection.execute(fates)])
    assert told == [(None, spikes.UNWISHED)] * 2 + [(number, None)] * 2
