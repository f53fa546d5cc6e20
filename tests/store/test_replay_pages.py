"""Replays and reviews as they are stored, on either database."""

from dataclasses import replace
from datetime import timedelta

import pytest

from aggregator.core.model.plans import EntryPlan
from aggregator.core.model.topics import Origin
from aggregator.store import claims, feeds, plans, replay, reviews, topics
from aggregator.store.database import Store
from aggregator.store.replay import Replayed
from tests.factories import NOW, make_entry_plan, make_evaluation, make_feed, make_match, make_plan, make_topic

FEED = make_feed("un", tags=("official",), language="en")
LATER = NOW + timedelta(hours=1)


@pytest.fixture(autouse=True)
def followed(store: Store) -> None:
    store.write(feeds.save, [FEED], now=NOW)
    store.write(topics.save, [make_topic()], now=NOW)
    store.write(claims.claim, now=NOW, lease="a", lasts=timedelta(seconds=120))


def fill(store: Store, *new: EntryPlan) -> tuple[int, ...]:
    assert store.write(plans.apply, [make_plan(FEED, "a", new=new)], now=NOW)
    return tuple(one.id for one in store.read(replay.page))


def test_entries_come_in_pages_as_topics_see_them(store: Store) -> None:
    ids = fill(store, make_entry_plan("1"), make_entry_plan("2"), make_entry_plan("3"))
    first, second = store.read(replay.page, limit=2)
    assert (first.id, second.id) == ids[:2]
    assert (first.facts.tags, first.facts.language, first.revision.n) == (("official",), "en", 1)
    assert [one.id for one in store.read(replay.page, after=second.id, limit=2)] == [ids[2]]
    assert store.read(replay.extent, since=NOW) == (3, ids[0] - 1, NOW)
    assert (store.read(replay.extent, since=LATER)[0], store.read(replay.newest)) == (0, ids[2])


def test_a_new_a_changed_and_a_returned_topic_are_replayed_and_a_renamed_one_is_not(store: Store) -> None:
    (one,) = store.read(replay.due)
    assert (one.topic.version, one.after, one.since, one.notify) == (1, 0, NOW, False)
    assert store.write(replay.advance, [one], [], upto=None, now=NOW)
    assert store.read(replay.due) == ()
    store.write(topics.save, [make_topic(name="Drugs")], now=LATER)
    assert store.read(replay.due) == ()
    store.write(topics.save, [make_topic(query="opium")], now=LATER, notify=True)
    (changed,) = store.read(replay.due)
    assert (changed.topic.version, changed.since, changed.notify) == (3, LATER, True)
    store.write(replay.advance, [changed], [], upto=None, now=LATER)
    store.write(topics.remove, {"narcotics"}, now=LATER)
    store.write(topics.save, [make_topic(query="opium")], now=LATER)
    assert [again.after for again in store.read(replay.due)] == [0]


def test_a_renamed_topic_goes_on_with_the_replay_it_had(store: Store) -> None:
    (one,) = store.read(replay.due)
    store.write(replay.advance, [one], [], upto=7, now=NOW)
    store.write(topics.save, [make_topic(name="Drugs")], now=LATER)
    assert [(late.topic.version, late.after, late.since) for late in store.read(replay.due)] == [(2, 7, NOW)]


def test_a_replay_that_another_process_took_further_writes_nothing(store: Store) -> None:
    (entry_id,) = fill(store, make_entry_plan("1"))
    (one,) = store.read(replay.due)
    found = [Replayed(entry_id=entry_id, revision=1, found=make_match(origin=Origin.REPLAY))]
    assert store.write(replay.advance, [one], found, upto=entry_id, now=LATER)
    assert not store.write(replay.advance, [one], found, upto=entry_id, now=LATER)
    (match,) = store.read(topics.matches_of, entry_id)
    assert (match.origin, match.first_seen, len(match.evidence)) == (Origin.REPLAY, LATER, 1)
    assert store.read(replay.matched, ["narcotics"], [entry_id]) == {("narcotics", entry_id): frozenset({(1, 1)})}


def test_further_evidence_is_added_to_the_match_that_is_there(store: Store) -> None:
    (entry_id,) = fill(store, make_entry_plan("1", matches=(make_match(),)))
    (one,) = store.read(replay.due)
    again = Replayed(entry_id=entry_id, revision=1, found=make_evaluation(version=2, score=3.0))
    assert store.write(replay.advance, [one], [again], upto=entry_id, now=LATER)
    (match,) = store.read(topics.matches_of, entry_id)
    assert [(proof.topic_version, proof.score) for proof in match.evidence] == [(1, 1.0), (2, 3.0)]
    assert match.origin is Origin.LIVE


def test_a_topic_that_changed_again_is_not_written_for_its_old_version(store: Store) -> None:
    (one,) = store.read(replay.due)
    store.write(topics.save, [replace(one.topic, flag_at=0.5)], now=LATER)
    assert not store.write(replay.advance, [one], [], upto=5, now=LATER)


def test_the_last_verdict_on_a_match_counts(store: Store) -> None:
    first, second = fill(
        store, make_entry_plan("1", matches=(make_match(),)), make_entry_plan("2", matches=(make_match(),))
    )
    for entry_id, relevant in ((first, True), (second, False), (first, False), (second, True)):
        match = store.read(reviews.find_of, entry_id, "narcotics")
        assert match is not None
        store.write(reviews.record, match.id, relevant=relevant, now=NOW)
    assert store.read(reviews.verdicts) == {"narcotics": reviews.Verdicts(relevant=1, noise=1)}
    judged = store.read(reviews.reviewed, "narcotics")
    assert [(entry.id, relevant) for entry, relevant in judged] == [(second, True), (first, False)]
    assert store.read(reviews.reviewed, "narcotics", limit=1)[0][0].id == second
