"""What people asked for holds from that moment, on both databases: nothing more is due to them, and the sum still closes."""

from datetime import timedelta

import pytest

from aggregator.core.digests.bounces import HARD, Bounce
from aggregator.core.model.subscriptions import SubscriberState
from aggregator.store import bounces, deliveries, optouts, subscribers
from aggregator.store.database import Store
from aggregator.store.schema import correction, spike
from tests.factories import NOW, make_subscriber
from tests.readers import TOPICS, balance, claim, desk, freeze, match_one, morning, populate, rows

DAY = timedelta(days=1)
SPIKE = {"counted": 9, "expected": 1.0, "chance": 1e-6, "entries": [], "at": NOW}


@pytest.fixture
def read_by_desk(store: Store) -> Store:
    populate(store)
    return store


def ids(store: Store) -> tuple[int, int]:
    member = desk(store)
    return member.subscriber.id, member.subscriptions[0].id


def state_of(store: Store) -> SubscriberState:
    return desk(store).subscriber.state


def test_a_topic_that_was_left_is_told_no_more_and_the_other_is(read_by_desk: Store) -> None:
    store = read_by_desk
    _, subscription_id = ids(store)
    match_one(store, "1", *TOPICS)
    store.write(optouts.leave, subscription_id, TOPICS[0], now=NOW)
    store.write(optouts.leave, subscription_id, TOPICS[0], now=NOW)
    assert rows(store) == [("suppressed", "opted_out"), ("pending", None)]
    match_one(store, "2", *TOPICS)
    assert [row[0] for row in rows(store)] == ["suppressed", "pending", "pending"]
    assert desk(store).subscriptions[0].told == TOPICS[1:]
    assert balance(store).matches_due == 3


def test_a_subscription_that_was_left_cancels_the_mail_that_is_queued(read_by_desk: Store) -> None:
    store = read_by_desk
    _, subscription_id = ids(store)
    match_one(store, "1")
    freeze(store)
    store.write(optouts.leave, subscription_id, now=NOW)
    assert not store.write(deliveries.begin, claim(store), now=NOW)
    assert rows(store) == [("suppressed", "opted_out")]
    assert store.read(deliveries.counts) == {"cancelled": 1}
    match_one(store, "2")
    assert len(rows(store)) == 1
    assert balance(store).suppressed_by == {"opted_out": 1}


def test_a_topic_that_was_left_cancels_the_mail_that_tells_of_nothing_else(read_by_desk: Store) -> None:
    store = read_by_desk
    _, subscription_id = ids(store)
    match_one(store, "1")
    freeze(store)
    store.write(optouts.leave, subscription_id, TOPICS[0], now=NOW)
    assert not store.write(deliveries.begin, claim(store), now=NOW)
    assert rows(store) == [("suppressed", "opted_out")]
    assert store.read(deliveries.counts) == {"cancelled": 1}
    assert balance(store).suppressed_by == {"opted_out": 1}


def test_a_topic_that_was_left_keeps_no_mail_that_tells_of_another(read_by_desk: Store) -> None:
    store = read_by_desk
    _, subscription_id = ids(store)
    match_one(store, "1", *TOPICS)
    freeze(store)
    store.write(optouts.leave, subscription_id, TOPICS[0], now=NOW)
    assert store.write(deliveries.begin, claim(store), now=NOW)
    assert [row[0] for row in rows(store)] == ["pending", "pending"]


@pytest.mark.parametrize("kind", ["nothing", "correction"])
def test_a_mail_that_tells_no_match_or_corrects_another_is_wanted_as_long_as_its_subscription(
    read_by_desk: Store, kind: str
) -> None:
    store = read_by_desk
    _, subscription_id = ids(store)
    if kind == "correction":
        match_one(store, "1")
    digest_id = freeze(store)
    if kind == "correction":
        row = {"subscription_id": subscription_id, "entry_id": 1, "revision": 1, "kind": "changed", "at": NOW}
        store.write(lambda c: c.execute(correction.insert().values(**row, digest_id=digest_id)))
    for topic in TOPICS:
        store.write(optouts.leave, subscription_id, topic, now=NOW)
    assert store.write(deliveries.begin, claim(store), now=NOW)


def test_a_day_of_a_topic_that_was_left_is_no_reason_to_send_either(read_by_desk: Store) -> None:
    store = read_by_desk
    _, subscription_id = ids(store)
    digest_id = freeze(store)
    row = {"subscription_id": subscription_id, "topic_id": TOPICS[1], "day": NOW.date(), "digest_id": digest_id}
    store.write(lambda c: c.execute(spike.insert().values(**row, **SPIKE)))
    store.write(optouts.leave, subscription_id, TOPICS[0], now=NOW)
    assert store.read(optouts.left_of_digest, digest_id) == ""
    store.write(optouts.leave, subscription_id, TOPICS[1], now=NOW)
    assert store.read(optouts.left_of_digest, digest_id) == "its topics"


def test_who_unsubscribed_gets_nothing_whatever_the_file_says(read_by_desk: Store) -> None:
    store = read_by_desk
    subscriber_id, _ = ids(store)
    match_one(store, "1")
    freeze(store)
    match_one(store, "2")
    for _ in range(2):
        store.write(optouts.unsubscribe, subscriber_id, detail="by link", now=NOW)
    assert not store.write(deliveries.begin, claim(store), now=NOW)
    assert rows(store) == [("suppressed", "unsubscribed")] * 2
    store.write(subscribers.save, [make_subscriber(subscriptions=(morning(),))], {}, now=NOW)
    assert state_of(store) is SubscriberState.UNSUBSCRIBED
    match_one(store, "3")
    assert len(rows(store)) == 2
    balance(store)


def test_who_is_resumed_finds_what_was_matched_meanwhile_as_past(read_by_desk: Store) -> None:
    store = read_by_desk
    subscriber_id, subscription_id = ids(store)
    store.write(optouts.unsubscribe, subscriber_id, detail="by link", now=NOW)
    match_one(store, "1")
    store.write(optouts.resume, subscriber_id, now=NOW + DAY)
    assert rows(store) == [("suppressed", "unsubscribed")]
    store.write(optouts.leave, subscription_id, TOPICS[0], now=NOW)
    match_one(store, "2")
    store.write(optouts.resume, subscriber_id, now=NOW + DAY)
    assert rows(store)[1] == ("suppressed", "opted_out")
    match_one(store, "3")
    assert rows(store)[2] == ("pending", None)
    assert desk(store).subscriptions[0].left == frozenset()
    balance(store)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> int:
    """How many a pause brings back, made small."""
    monkeypatch.setattr(optouts, "CAUGHT_UP", 4)
    return 4


def test_a_pause_keeps_matches_aside_and_its_end_brings_the_latest_back(read_by_desk: Store, few: int) -> None:
    store = read_by_desk
    subscriber_id, subscription_id = ids(store)
    assert store.write(optouts.pause, subscriber_id, until=NOW + 30 * DAY, detail="by link", now=NOW)
    for number in range(few + 3):
        match_one(store, str(number), now=NOW + DAY)
    assert store.write(optouts.end_pauses, now=NOW + 29 * DAY) == ()
    assert store.write(optouts.end_pauses, now=NOW + 30 * DAY) == ("desk",)
    assert store.write(optouts.end_pauses, now=NOW + 30 * DAY) == ()
    assert rows(store) == [("suppressed", "resume_limit")] * 3 + [("pending", None)] * few
    person = desk(store).subscriber
    assert (person.state, person.paused_until) == (SubscriberState.ACTIVE, None)
    told = store.read(optouts.resumed, person, subscription_id, since=NOW)
    assert told == optouts.Resumed(at=NOW + 30 * DAY, back=few, left_out=3)
    assert store.read(optouts.resumed, person, subscription_id, since=NOW + 31 * DAY) is None
    balance(store)


def test_what_one_pause_left_out_another_does_not_bring_back(read_by_desk: Store, few: int) -> None:
    store = read_by_desk
    subscriber_id, _ = ids(store)
    for at in (NOW, NOW + DAY):
        store.write(optouts.pause, subscriber_id, until=None, detail="by link", now=at)
        for number in range(few + 1):
            match_one(store, f"{at}{number}", now=at)
        assert store.write(optouts.end_pause, subscriber_id, now=at)
        assert not store.write(optouts.end_pause, subscriber_id, now=at)
    assert [row[1] for row in rows(store)].count("resume_limit") == 2


def test_a_mail_that_a_pause_cancelled_is_told_after_it(read_by_desk: Store) -> None:
    store = read_by_desk
    subscriber_id, _ = ids(store)
    match_one(store, "1")
    freeze(store)
    store.write(optouts.pause, subscriber_id, until=None, detail="by the operator", now=NOW)
    assert not store.write(deliveries.begin, claim(store), now=NOW)
    assert rows(store) == [("suppressed", "paused")]
    store.write(optouts.resume, subscriber_id, now=NOW + DAY)
    assert rows(store) == [("pending", None)]
    freeze(store, now=NOW + DAY)
    assert store.write(deliveries.begin, claim(store, now=NOW + DAY), now=NOW + DAY)
    balance(store)


def test_who_leaves_during_a_pause_is_not_told_of_it_later(read_by_desk: Store) -> None:
    store = read_by_desk
    subscriber_id, _ = ids(store)
    store.write(optouts.pause, subscriber_id, until=None, detail="by link", now=NOW)
    match_one(store, "1")
    store.write(optouts.unsubscribe, subscriber_id, detail="by link", now=NOW)
    assert not store.write(optouts.pause, subscriber_id, until=None, detail="by link", now=NOW)
    store.write(optouts.resume, subscriber_id, now=NOW + DAY)
    assert rows(store) == [("suppressed", "unsubscribed")]


def test_weekly_instead_is_the_first_time_on_the_first_day_and_the_file_does_not_undo_it(read_by_desk: Store) -> None:
    store = read_by_desk
    subscriber_id, subscription_id = ids(store)
    store.write(optouts.ask_weekly, subscription_id, weekly=True)
    store.write(subscribers.save, [make_subscriber(subscriptions=(morning(),))], {}, now=NOW)
    assert desk(store).subscriptions[0].in_force.days == frozenset({0})
    assert len(desk(store).subscriptions[0].in_force.at) == 1
    store.write(optouts.resume, subscriber_id, now=NOW)
    assert desk(store).subscriptions[0].in_force.days == frozenset(range(7))


def test_two_days_of_no_such_address_stop_the_mail_and_a_resume_starts_anew(read_by_desk: Store) -> None:
    store = read_by_desk
    subscriber_id, _ = ids(store)
    gone = Bounce(weight=HARD, code="5.1.1", detail="no such user")
    assert not store.write(bounces.record, subscriber_id, gone, source="smtp", now=NOW)
    assert not store.write(bounces.record, subscriber_id, gone, source="smtp", now=NOW)
    assert store.write(bounces.record, subscriber_id, gone, source="report", now=NOW + DAY)
    match_one(store, "1")
    assert rows(store) == [("suppressed", "bounced")]
    (member,) = store.read(subscribers.members)
    told = member.subscriber
    assert (told.state, told.state_at, told.state_detail) == (SubscriberState.BOUNCED, NOW + DAY, "no such user")
    store.write(optouts.resume, subscriber_id, now=NOW + 2 * DAY)
    assert rows(store) == [("pending", None)]
    assert store.read(bounces.of, subscriber_id, now=NOW + 2 * DAY) == ()
    assert not store.write(bounces.record, subscriber_id, gone, source="smtp", now=NOW + 2 * DAY)
    balance(store)


def test_bounces_add_up_within_thirty_days_the_worst_of_each(read_by_desk: Store) -> None:
    store = read_by_desk
    subscriber_id, _ = ids(store)
    soft, hard = Bounce(weight=0.5, code="4.2.2", detail="full"), Bounce(weight=HARD, code="5.0.0", detail="no")
    for day in range(5):
        assert not store.write(bounces.record, subscriber_id, soft, source="smtp", now=NOW + day * DAY)
    late = NOW + 31 * DAY  # the first two are forgotten by then
    assert not store.write(bounces.record, subscriber_id, soft, source="smtp", now=late)
    assert not store.write(bounces.record, subscriber_id, hard, source="report", now=late)
    assert sum(day.weight for day in store.read(bounces.of, subscriber_id, now=late)) == 2.5
    assert store.write(bounces.record, subscriber_id, soft, source="smtp", now=late + DAY) is False
    assert store.write(bounces.record, subscriber_id, hard, source="smtp", now=late + DAY)
