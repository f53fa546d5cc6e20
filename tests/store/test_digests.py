"""What is due becomes a digest once, with its bytes frozen and its rows claimed."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from aggregator.core.digests.fate import Fate
from aggregator.core.digests.letter import DueDigest, Envelope
from aggregator.core.model.digests import DueItem, SourceReport
from aggregator.core.model.plans import LedgerPlan
from aggregator.core.model.subscriptions import LedgerState, Phase, SubscriberState
from aggregator.store import (
    attention,
    audience,
    claims,
    deliveries,
    digests,
    feeds,
    frozen,
    health,
    plans,
    subscribers,
    topics,
)
from aggregator.store.database import Store
from aggregator.store.subscribers import Member
from tests.factories import NOW, make_entry_plan, make_feed, make_match, make_plan, make_subscriber, make_topic

FEED = make_feed("un", name="United Nations")
LASTS = timedelta(seconds=120)


@pytest.fixture
def desk(store: Store) -> Member:
    """A subscriber with one pending match."""
    store.write(feeds.save, [FEED], now=NOW)
    store.write(topics.save, [make_topic()], now=NOW)
    store.write(subscribers.save, [make_subscriber()], {"desk": "p"}, now=NOW)
    store.write(claims.claim, now=NOW, lease="a", lasts=LASTS)
    match_one(store, "id:1")
    return store.read(subscribers.members)[0]


def match_one(store: Store, key: str) -> None:
    watcher = store.read(audience.watchers, ["narcotics"])["narcotics"][0]
    due = LedgerPlan(subscription_id=watcher.subscription_id, state=LedgerState.PENDING)
    new = make_entry_plan(key, matches=(make_match(ledger=(due,)),))
    store.write(plans.apply, [make_plan(FEED, "a", new=(new,))], now=NOW)


def freeze(store: Store, desk: Member, *, slot_at: datetime = NOW, channel: str = "mail") -> int | None:
    items = store.read(digests.due_items, desk.subscriptions[0].id, archive=False)
    due = due_digest(desk, items, slot_at)
    return store.write(digests.freeze, due, subject="1 new", stories=1, seal=sealed(channel), now=NOW)


def due_digest(desk: Member, items: tuple[DueItem, ...], slot_at: datetime) -> DueDigest:
    return DueDigest(
        owner=desk.subscriber,
        of=desk.subscriptions[0],
        slot_at=slot_at,
        since=NOW,
        items=items,
        sources=SourceReport(),
    )


def sealed(channel: str) -> Callable[[int], Envelope]:
    return lambda id_: Envelope(
        message_id=f"<{id_}@x>",
        sender="a@x",
        recipient="desk@example.org",
        channel=channel,
        message=b"Subject: x\r\n\r\ny",
    )


def test_a_pending_match_comes_with_all_a_digest_tells(store: Store, desk: Member) -> None:
    item = store.read(digests.due_items, desk.subscriptions[0].id, archive=False)[0]
    assert (item.feed_name, item.topic_name, item.title) == ("United Nations", "Narcotics", "Customs seize fentanyl")
    assert item.fired[0].spans[0].start == 14
    assert item.alert


def test_a_digest_claims_its_rows_and_freezes_its_bytes(store: Store, desk: Member) -> None:
    assert freeze(store, desk) is not None
    assert store.read(digests.due_items, desk.subscriptions[0].id, archive=False) == ()
    assert not store.read(attention.with_pending, [desk.subscriptions[0].id])
    waiting = store.write(deliveries.claim, now=NOW, lease="x", lasts=LASTS)
    assert waiting[0].message == b"Subject: x\r\n\r\ny"


def test_a_slot_makes_one_digest(store: Store, desk: Member) -> None:
    assert freeze(store, desk) is not None
    match_one(store, "id:2")
    assert freeze(store, desk) is None
    assert store.read(attention.with_pending, [desk.subscriptions[0].id])


def test_a_digest_whose_rows_were_taken_meanwhile_writes_nothing(store: Store, desk: Member) -> None:
    stale = store.read(digests.due_items, desk.subscriptions[0].id, archive=False)
    freeze(store, desk)
    due = due_digest(desk, stale, NOW + timedelta(days=1))
    again = store.write(digests.freeze, due, subject="again", stories=1, seal=sealed("mail"), now=NOW)
    assert again is None
    assert [one.subject for one in store.read(frozen.latest)] == ["1 new"]


def test_the_digests_of_one_person_are_found_behind_those_of_others(store: Store, desk: Member) -> None:
    freeze(store, desk)
    own = desk.subscriber.id
    assert [one.subject for one in store.read(frozen.latest, limit=1, subscriber_id=own)] == ["1 new"]
    assert store.read(frozen.latest, subscriber_id=own + 1) == ()


def test_a_first_digest_may_carry_what_was_there_before(store: Store, desk: Member) -> None:
    store.write(subscribers.save, [make_subscriber(), make_subscriber("late")], {"late": "q"}, now=NOW)
    late = store.read(subscribers.members)[1]
    items = store.read(digests.due_items, late.subscriptions[0].id, archive=True)
    assert [item.archive for item in items] == [True]
    assert store.read(digests.due_items, late.subscriptions[0].id, archive=False) == ()


def test_what_was_sent_is_delivered_in_the_ledger(store: Store, desk: Member) -> None:
    freeze(store, desk)
    one = store.write(deliveries.claim, now=NOW, lease="x", lasts=LASTS)[0]
    assert store.write(deliveries.begin, one, now=NOW)
    assert store.write(deliveries.entered_data, one)
    assert store.write(deliveries.record, one, Fate(phase=Phase.SENT, detail="250 ok"), now=NOW)
    assert store.read(health.totals).ledger == {"delivered": 1}
    assert store.write(deliveries.claim, now=NOW + timedelta(days=9), lease="y", lasts=LASTS) == ()


def test_a_delivery_that_another_process_took_over_cannot_be_recorded(store: Store, desk: Member) -> None:
    freeze(store, desk)
    old = store.write(deliveries.claim, now=NOW, lease="x", lasts=LASTS)[0]
    assert store.write(deliveries.claim, now=NOW + LASTS * 2, lease="y", lasts=LASTS)
    assert not store.write(deliveries.entered_data, old)
    assert not store.write(deliveries.record, old, Fate(phase=Phase.SENT, detail="250 ok"), now=NOW)


def test_a_subscriber_who_left_gets_nothing_and_the_ledger_says_why(store: Store, desk: Member) -> None:
    freeze(store, desk)
    state = SubscriberState.UNSUBSCRIBED
    store.write(subscribers.set_state, desk.subscriber.id, state, detail=None, now=NOW)
    one = store.write(deliveries.claim, now=NOW, lease="x", lasts=LASTS)[0]
    assert not store.write(deliveries.begin, one, now=NOW)
    assert store.read(health.totals).ledger == {"suppressed": 1}
    assert store.read(deliveries.counts) == {"cancelled": 1}


def test_a_dead_delivery_is_a_failed_row(store: Store, desk: Member) -> None:
    freeze(store, desk)
    one = store.write(deliveries.claim, now=NOW, lease="x", lasts=LASTS)[0]
    store.write(deliveries.record, one, Fate(phase=Phase.DEAD, detail="550 no such user"), now=NOW)
    assert store.read(health.totals).ledger == {"failed": 1}


def test_a_parked_channel_rests_and_others_go_on(store: Store, desk: Member) -> None:
    freeze(store, desk)
    one = store.write(deliveries.claim, now=NOW, lease="x", lasts=LASTS)[0]
    until = NOW + timedelta(minutes=15)
    fate = Fate(phase=Phase.QUEUED, detail="535 denied", next_try_at=NOW, park_until=until)
    store.write(deliveries.record, one, fate, now=NOW)
    assert store.read(deliveries.parked, now=NOW) == {"mail": "535 denied"}
    match_one(store, "id:2")
    freeze(store, desk, slot_at=until, channel="outbox")
    found = store.write(deliveries.claim, now=NOW, lease="y", lasts=LASTS)
    assert [one.channel for one in found] == ["outbox"]
    later = store.write(deliveries.claim, now=until, lease="z", lasts=LASTS)
    assert "mail" in {one.channel for one in later}


def test_a_delivery_found_past_data_says_so(store: Store, desk: Member) -> None:
    freeze(store, desk)
    one = store.write(deliveries.claim, now=NOW, lease="x", lasts=LASTS)[0]
    store.write(deliveries.entered_data, one)
    store.write(deliveries.release, lease="x")
    assert store.write(deliveries.claim, now=NOW, lease="y", lasts=LASTS) == ()
    found = store.write(deliveries.claim, now=NOW + LASTS, lease="y", lasts=LASTS)
    assert [one.phase for one in found] == [Phase.DATA]


def test_an_alert_already_sent_is_known_to_the_digest(store: Store, desk: Member) -> None:
    match_id = store.read(digests.due_items, desk.subscriptions[0].id, archive=False)[0].match_id
    assert match_id > 0
    assert store.read(digests.due_items, desk.subscriptions[0].id, archive=False)[0].alerted_at is None
