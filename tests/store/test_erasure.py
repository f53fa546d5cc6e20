"""All that is stored of a person is told whole, and taken out but for numbers, on both databases."""

from datetime import timedelta

import pytest
from sqlalchemy import Connection, func, select

from aggregator.core.digests.bounces import HARD, Bounce
from aggregator.core.digests.fate import Fate
from aggregator.core.model.subscriptions import Phase, SubscriberState
from aggregator.store import bounces, deliveries, erasure, holders, optouts, subscribers
from aggregator.store.database import Store
from aggregator.store.schema import digest, ledger, review
from tests.factories import NOW, make_subscriber
from tests.readers import TOPICS, balance, claim, desk, freeze, match_one, morning, populate

HOUR = timedelta(hours=1)
HOOK = "https://hooks.example/secret"


@pytest.fixture
def lived(store: Store) -> Store:
    """`desk` was sent a digest, judged a match, left a topic, bounced once, and has another digest waiting."""
    populate(store)
    people = [
        make_subscriber(name="Dana", subscriptions=(morning(), morning(slug="hook", channel="webhook", target=HOOK)))
    ]
    store.write(subscribers.save, people, {}, now=NOW)
    who, which = desk(store).subscriber.id, desk(store).subscriptions[0].id
    match_one(store, "1")
    freeze(store)
    sent = Fate(phase=Phase.SENT, detail="250 queued for desk@example.org")
    assert store.write(deliveries.record, claim(store), sent, now=NOW)
    store.write(holders.judge, "public-desk", 1, relevant=False, now=NOW)
    store.write(optouts.leave, which, TOPICS[1], now=NOW)
    gone = Bounce(weight=HARD, code="5.1.1", detail="desk@example.org is unknown")
    store.write(bounces.record, who, gone, source="smtp", now=NOW)
    match_one(store, "2")
    freeze(store, now=NOW + HOUR)
    return store


def test_an_export_holds_every_row_and_the_words_of_each_mail(lived: Store) -> None:
    whole = lived.read(erasure.export, desk(lived).subscriber.id)
    assert whole["subscriber"]["address"] == "desk@example.org"
    assert [one["slug"] for one in whole["subscriptions"]] == ["morning", "hook"]
    assert [one["message"] for one in whole["deliveries"]] == ["Subject: x", "Subject: x"]
    assert [one["topic_id"] for one in whole["left"]] == [TOPICS[1]]
    assert (len(whole["bounces"]), len(whole["reviews"]), len(whole["digests"])) == (1, 1, 2)
    assert {one["state"] for one in whole["matches"]} == {"delivered", "pending"}


def test_erasing_takes_out_the_person_and_keeps_the_numbers(lived: Store) -> None:
    def counted(connection: Connection) -> tuple[int, int, int]:
        told = [
            connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (ledger, digest, review)
        ]
        return told[0], told[1], told[2]

    who, before = desk(lived).subscriber.id, lived.read(counted)
    for _ in range(2):
        lived.write(erasure.erase, who, now=NOW + HOUR)
    whole = lived.read(erasure.export, who)
    for secret in ("desk@example.org", "Dana", HOOK, "Subject: x"):
        assert secret not in str(whole)
    assert lived.read(counted) == before
    assert lived.read(deliveries.counts) == {"sent": 1, "cancelled": 1}
    assert lived.write(deliveries.claim, now=NOW + HOUR, lease="x", lasts=HOUR) == ()
    assert balance(lived).suppressed_by["erased"] == 3
    lived.write(subscribers.save, [make_subscriber(name="Dana", subscriptions=(morning(),))], {}, now=NOW)
    assert (desk(lived).subscriber.address, desk(lived).subscriber.name) == (None, None)
    assert desk(lived).subscriber.state is SubscriberState.ERASED
    assert lived.read(holders.sent_digest, "public-desk", 1) is None
    assert lived.read(holders.judged, "public-desk", 1) is None


def test_a_try_that_is_under_way_while_somebody_is_erased_gives_nothing_and_records_nothing(lived: Store) -> None:
    (one,) = lived.write(deliveries.claim, now=NOW + HOUR, lease="x", lasts=HOUR)
    assert lived.write(deliveries.begin, one, now=NOW + HOUR)
    lived.write(erasure.erase, desk(lived).subscriber.id, now=NOW + HOUR)
    assert not lived.write(deliveries.entered_data, one)
    assert not lived.write(deliveries.record, one, Fate(phase=Phase.SENT, detail="250"), now=NOW + HOUR)
    balance(lived)


def test_a_link_leads_to_its_own_persons_things_only(lived: Store) -> None:
    assert lived.read(holders.holder, "public-desk", desk(lived).subscriptions[0].id) is not None
    assert lived.read(holders.holder, "public-desk", 99) is None
    assert lived.read(holders.holder, "nobody", desk(lived).subscriptions[0].id) is None
    assert lived.read(holders.sent_digest, "public-desk", 1) == b"Subject: x"
    assert lived.read(holders.sent_digest, "nobody", 1) is None
    assert lived.read(holders.judged, "nobody", 1) is None
    judged = lived.read(holders.judged, "public-desk", 1)
    assert judged is not None
    assert (judged.relevant, judged.title) == (False, "Customs seize fentanyl")
