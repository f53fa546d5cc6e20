"""What one check decided is written whole or not at all, and is known to the next check."""

from datetime import timedelta
from typing import Any

import pytest

from aggregator.core.model.plans import EntryPlan, FeedEvent, LedgerPlan, RevisionPlan
from aggregator.core.model.subscriptions import LedgerState
from aggregator.core.model.topics import Origin
from aggregator.store import audience, claims, entries, feeds, health, plans, retention, subscribers, topics
from aggregator.store.database import Store
from tests.factories import (
    NOW,
    make_entry_plan,
    make_evaluation,
    make_feed,
    make_match,
    make_plan,
    make_revision,
    make_state,
    make_subscriber,
    make_topic,
)

FEED = make_feed("un")


@pytest.fixture(autouse=True)
def followed(store: Store) -> None:
    store.write(feeds.save, [FEED], now=NOW)
    store.write(topics.save, [make_topic()], now=NOW)
    store.write(claims.claim, now=NOW, lease="a", lasts=timedelta(seconds=120))


def apply(store: Store, *new: EntryPlan, **decided: Any) -> None:
    assert store.write(plans.apply, [make_plan(FEED, "a", new=new, **decided)], now=NOW)


def test_entries_are_stored_with_their_first_revision_in_the_order_given(store: Store) -> None:
    apply(store, make_entry_plan("id:1"), make_entry_plan("id:2"))
    stored = store.read(entries.latest)
    assert [one.key for one in stored] == ["id:2", "id:1"]
    assert stored[0].revision == make_revision()


def test_everything_of_a_plan_is_written_or_nothing(store: Store) -> None:
    with pytest.raises(Exception, match="database"):
        apply(store, make_entry_plan("id:1"), make_entry_plan("id:1"), state=make_state(FEED, etag=b'"1"'))
    assert store.read(entries.count) == 0
    assert store.read(feeds.followed)[0].state.etag is None


def test_what_is_known_answers_keys_aliases_links_and_tombstones(store: Store) -> None:
    apply(store, make_entry_plan("id:1", link_hash=b"L" * 16, aliases=("link:x",), matches=(make_match(),)))
    asked = {"id:1", "link:x", "id:unseen"}
    known = store.read(entries.known, keys={"un": asked}, links={"un": {b"L" * 16}}, watchers={})["un"]
    assert set(known.entries) == {"id:1", "link:x"}
    assert known.entries["id:1"] == known.entries["link:x"] == known.by_link[b"L" * 16]
    stored = known.entries["id:1"]
    assert stored is not None
    assert stored.matches == {"narcotics"}
    assert known.times == (NOW,)


def test_a_pruned_entry_leaves_a_tombstone_and_a_matched_one_stays(store: Store) -> None:
    apply(store, make_entry_plan("id:1"), make_entry_plan("id:2", matches=(make_match(),)))
    later = NOW + timedelta(days=200)
    assert store.write(retention.prune, before=later, now=later) == 1
    known = store.read(entries.known, keys={"un": {"id:1", "id:2"}}, links={}, watchers={})["un"]
    assert known.entries["id:1"] is None
    assert known.entries["id:2"] is not None


def test_a_revision_becomes_current_and_the_old_one_is_kept(store: Store) -> None:
    apply(store, make_entry_plan("id:1", matches=(make_match(),)))
    entry_id = store.read(entries.latest)[0].id
    second = make_revision(2, title="Customs seize more fentanyl")
    change = RevisionPlan(
        entry_id=entry_id, key="id:1", revision=second, notable=True, evidence=(make_evaluation(score=2.0),)
    )
    apply(store, revised=(change,))
    changed = store.read(entries.one, entry_id)
    assert changed is not None
    assert changed.revision == second
    assert [one.n for one in store.read(entries.revisions, entry_id)] == [1, 2]
    proof = store.read(topics.matches_of, entry_id)[0].evidence
    assert [(one.revision, one.score) for one in proof] == [(1, 1.0), (2, 2.0)]


def test_ledger_rows_are_written_with_the_match(store: Store) -> None:
    store.write(subscribers.save, [make_subscriber()], {"desk": "p"}, now=NOW)
    watcher = store.read(audience.watchers, ["narcotics"])["narcotics"][0]
    rows = (LedgerPlan(subscription_id=watcher.subscription_id, state=LedgerState.PENDING),)
    apply(store, make_entry_plan(matches=(make_match(ledger=rows),)))
    assert store.read(health.totals).ledger == {"pending": 1}


def test_a_new_subscription_knows_the_past_and_is_not_mailed_it(store: Store) -> None:
    apply(store, make_entry_plan(matches=(make_match(),)))
    store.write(subscribers.save, [make_subscriber()], {"desk": "p"}, now=NOW)
    assert store.read(health.totals).ledger == {"suppressed": 1}


def test_a_match_is_never_made_twice(store: Store) -> None:
    apply(store, make_entry_plan(matches=(make_match(),)))
    entry_id = store.read(entries.latest)[0].id
    second = make_revision(2, title="Customs seize fentanyl again")
    again = RevisionPlan(
        entry_id=entry_id,
        key="id:1",
        revision=second,
        notable=True,
        matches=(make_match(origin=Origin.REVISED),),
    )
    apply(store, revised=(again,))
    found = store.read(topics.matches_of, entry_id)
    assert [one.origin for one in found] == [Origin.LIVE]
    assert len(found[0].evidence) == 2


def test_a_feeds_state_comes_back_as_it_was_written(store: Store) -> None:
    state = make_state(FEED, etag=b'W/"\xe9"', spans={b"\x00\xff345678": "id:1", b"abcdefgh": "link:ä"}, failures=2)
    apply(store, state=state)
    assert store.read(feeds.followed)[0].state == state


def test_days_and_events_are_counted(store: Store) -> None:
    apply(store, make_entry_plan("id:1"), events=(FeedEvent(kind="gap", detail="3 may be missing"),), gap=True)
    apply(store, make_entry_plan("id:2"))
    day = store.read(feeds.days, "un")[0]
    assert (day.checks, day.ok, day.new, day.gaps) == (2, 2, 2, 1)
    assert store.read(feeds.events)[0].detail == "3 may be missing"
    assert store.read(health.sources, since=NOW).gaps[0].detail == "3 may be missing"


def test_a_feed_that_moved_is_counted_to_its_new_host(store: Store) -> None:
    apply(store, state=make_state(FEED, host="new.example", next_check_at=NOW))
    assert store.read(feeds.followed)[0].state.host == "new.example"


def test_a_changed_topic_is_a_new_version_and_an_equal_one_is_not(store: Store) -> None:
    assert store.write(topics.save, [make_topic()], now=NOW)[0].version == 1
    assert store.write(topics.save, [make_topic(query="heroin")], now=NOW)[0].version == 2
    assert store.read(topics.listed)[0].clauses[0].query == "heroin"


def test_a_subscription_keeps_the_order_of_its_topics(store: Store) -> None:
    store.write(topics.save, [make_topic("b"), make_topic("a")], now=NOW)
    for wanted in (("b", "a", "narcotics"), ("narcotics", "b"), ("a", "b")):
        store.write(subscribers.save, [make_subscriber(topics=wanted)], {"desk": "p"}, now=NOW)
        assert store.read(subscribers.members)[0].subscriptions[0].topics == wanted


def test_what_was_matched_while_someone_was_not_listed_is_past_when_they_come_back(store: Store) -> None:
    desk = make_subscriber()
    store.write(subscribers.save, [desk], {"desk": "p"}, now=NOW)
    store.write(subscribers.save, [], {}, now=NOW)
    apply(store, make_entry_plan(matches=(make_match(),)))
    assert store.read(health.totals).ledger == {}
    store.write(subscribers.save, [desk], {"desk": "p"}, now=NOW)
    assert store.read(health.totals).ledger == {"suppressed": 1}
