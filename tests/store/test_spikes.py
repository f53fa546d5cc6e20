"""Spikes that are due to readers: whom a look at a topic's days tells, once, and what ends before it is told."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, select, update

from aggregator.core.model.subscriptions import WHOLE, Schedule, SubscriberSpec
from aggregator.core.model.topics import Origin
from aggregator.core.model.trends import Spike
from aggregator.store import attention, erasure, optouts, spike_checks, spikes, subscribers, topics, trends
from aggregator.store.database import Store
from aggregator.store.schema import digest, spike, subscription_topic, topic_version
from aggregator.store.spike_checks import EVERY, MARGIN
from tests.factories import make_feed, make_subscriber, make_topic
from tests.history import at, came, checked, days_before, follow, told

TODAY = date(2026, 1, 27)
YESTERDAY = TODAY - timedelta(days=1)
NOON = at(TODAY, 12)
LAST_WEEK = at(TODAY - timedelta(days=7))
DAYS = days_before(TODAY, 80)
Row = tuple[str, date, int, int | None, str | None]


def wishing(slug: str = "desk", *, topics: tuple[str, ...] = ("narcotics",), immediate: bool = True) -> SubscriberSpec:
    one = make_subscriber(slug, topics=topics)
    schedule = Schedule(immediate=True) if immediate else one.subscriptions[0].schedule
    return replace(one, subscriptions=(replace(one.subscriptions[0], spikes=True, schedule=schedule),))


def save(store: Store, *people: SubscriberSpec, now: datetime = LAST_WEEK) -> None:
    store.write(subscribers.save, people, {one.slug: one.slug for one in people}, now=now)


def prepared(store: Store, *people: SubscriberSpec) -> None:
    follow(store, [make_feed()], since=at(DAYS[0]))
    replayed(store)
    save(store, *(people or [wishing()]))


def replayed(store: Store, after: int | None = None) -> None:
    """Topics are tried on the archive up to an entry, or on all of it."""
    reached = update(topic_version).values(replay_after=after)
    store.write(lambda connection: connection.execute(reached))


def risen(day: date = TODAY, *, counted: int = 12, entries: Sequence[int] = ()) -> Spike:
    return Spike(day=day, counted=counted, expected=2.6, chance=1e-4, entries=tuple(entries))


def noted(store: Store, *found: Spike, now: datetime = NOON) -> bool:
    return store.write(spike_checks.note, "narcotics", found, now=now)


def subscriptions(store: Store, slug: str) -> list[int]:
    members = store.read(subscribers.members)
    return [of.id for one in members if one.subscriber.slug == slug for of in one.subscriptions]


def rows(store: Store, slug: str | None = None) -> list[Row]:
    columns = (spike.c.topic_id, spike.c.day, spike.c.counted, spike.c.digest_id, spike.c.reason)
    query = select(*columns).order_by(spike.c.subscription_id, spike.c.topic_id, spike.c.day)
    query = query.where(spike.c.subscription_id.in_(subscriptions(store, slug))) if slug else query
    return [tuple(row) for row in store.read(lambda connection: connection.execute(query).all())]


def made(store: Store, of: int = 1, *, now: datetime = NOON) -> int:
    """A digest of a subscription, that has claimed what waits for it."""
    values = {"subscription_id": of, "slot_at": now, "subject": "", "item_count": 0, "story_count": 0}

    def work(connection: Connection) -> int:
        row = connection.execute(digest.insert().values(**values, created_at=now).returning(digest.c.id))
        number: int = row.scalar_one()
        assert spikes.claim(connection, spikes.waiting(connection, of), number)
        return number

    return store.write(work)


def due(store: Store, now: datetime = NOON) -> tuple[str, ...]:
    return store.read(spike_checks.due, now=now)


def test_a_spike_is_one_row_for_each_who_wishes_it_however_often_it_is_found(store: Store) -> None:
    prepared(store, wishing("desk"), wishing("board", immediate=False), make_subscriber("plain"))
    assert noted(store, risen())
    assert noted(store, risen(counted=15), now=NOON + 2 * EVERY)
    assert rows(store) == [("narcotics", TODAY, 15, None, None)] * 2


def test_a_day_that_grows_after_it_was_told_is_not_told_again(store: Store) -> None:
    prepared(store)
    noted(store, risen())
    number = made(store)
    noted(store, risen(counted=40), now=NOON + 2 * EVERY)
    assert rows(store) == [("narcotics", TODAY, 12, number, None)]
    assert store.read(spikes.waiting, 1) == ()
    assert store.read(spikes.with_waiting, [1]) == frozenset()


def test_a_day_that_turned_out_to_be_none_is_not_told_later(store: Store) -> None:
    prepared(store)
    noted(store, risen(), risen(YESTERDAY))
    noted(store, risen(YESTERDAY), now=NOON + 2 * EVERY)
    assert [row[1] for row in rows(store)] == [YESTERDAY]


def test_of_two_processes_that_look_at_once_one_writes(store: Store) -> None:
    prepared(store)
    assert noted(store, risen(counted=12))
    assert not noted(store, risen(counted=9))
    assert not noted(store, now=NOON + EVERY - timedelta(seconds=1))
    assert [row[2] for row in rows(store)] == [12]


def test_days_before_the_one_that_is_over_are_no_news(store: Store) -> None:
    prepared(store)
    noted(store, risen(YESTERDAY - timedelta(days=1)), risen(YESTERDAY), risen(TODAY), risen(TODAY + timedelta(days=1)))
    assert [row[1] for row in rows(store)] == [YESTERDAY, TODAY]


def test_of_a_day_that_was_over_when_a_reader_began_to_wish_it_nothing_is_told(store: Store) -> None:
    """Who subscribed, wished spikes, added the topic, ended a pause, came back or was listed again, each at two moments."""
    store.write(topics.save, [make_topic("other")], now=LAST_WEEK)
    ways = ("subscribed", "wished", "added", "unpaused", "resumed", "listed")
    before = {
        f"{way}{n}": {"wished": make_subscriber(f"wished{n}"), "added": wishing(f"added{n}", topics=("other",))}.get(
            way, wishing(f"{way}{n}")
        )
        for way in ways
        for n in (1, 2)
    }
    listed = {slug: one for slug, one in before.items() if not slug.startswith("subscribed")}
    prepared(store, *listed.values())
    numbers = {one.subscriber.slug: one.subscriber.id for one in store.read(subscribers.members)}
    listed = {slug: one for slug, one in listed.items() if not slug.startswith("listed")}
    save(store, *listed.values())
    for n in (1, 2):
        store.write(optouts.pause, numbers[f"unpaused{n}"], until=None, detail="", now=LAST_WEEK)
        (of,) = subscriptions(store, f"resumed{n}")
        store.write(optouts.leave, of, "narcotics", now=LAST_WEEK)
    for n, began in ((1, at(YESTERDAY, 23.9)), (2, at(TODAY, 0))):
        listed |= {f"{way}{n}": wishing(f"{way}{n}") for way in ways}
        listed[f"added{n}"] = wishing(f"added{n}", topics=("other", "narcotics"))
        save(store, *listed.values(), now=began)
        store.write(optouts.end_pause, numbers[f"unpaused{n}"], now=began)
        store.write(optouts.resume, numbers[f"resumed{n}"], now=began)
    listed["added1"] = wishing("added1", topics=("narcotics", "other"))  # another order is no new wish
    save(store, *listed.values(), now=NOON)
    noted(store, risen(YESTERDAY), risen(TODAY))
    told_ = {slug: [row[1] for row in rows(store, slug)] for slug in before}
    assert told_ == {f"{way}{n}": [YESTERDAY, TODAY] if n == 1 else [TODAY] for way in ways for n in (1, 2)}


ENDS = {
    "paused": None,
    "left": "opted_out",
    "left_whole": "opted_out",
    "unsubscribed": "unsubscribed",
    "erased": "erased",
    "unwished": "unwished",
}


def end_each(store: Store, *, now: datetime = NOON) -> None:
    """Let every reader do what their name says."""
    numbers = {one.subscriber.slug: one.subscriber.id for one in store.read(subscribers.members)}
    store.write(optouts.pause, numbers["paused"], until=None, detail="", now=now)
    for slug, topic_id in (("left", "narcotics"), ("left_whole", WHOLE)):
        (of,) = subscriptions(store, slug)
        store.write(optouts.leave, of, topic_id, now=now)
    store.write(optouts.unsubscribe, numbers["unsubscribed"], detail="", now=now)
    store.write(erasure.erase, numbers["erased"], now=now)
    save(store, *(make_subscriber(slug) if slug == "unwished" else wishing(slug) for slug in ENDS), now=now)


def test_who_wants_no_mail_or_no_spikes_is_told_nothing_and_costs_no_look(store: Store) -> None:
    prepared(store, *map(wishing, ENDS))
    came(store, "wire", [at(TODAY, 11)])
    assert due(store) == ("narcotics",)
    end_each(store)
    assert due(store) == ()
    noted(store, risen())
    assert rows(store) == []


def test_whom_the_files_dropped_is_told_nothing_and_costs_no_look(store: Store) -> None:
    prepared(store)
    came(store, "wire", [at(TODAY, 11)])
    save(store, now=NOON)
    assert due(store) == ()
    noted(store, risen())
    assert rows(store) == []


def test_what_waits_goes_with_the_wish_and_outlasts_a_pause(store: Store) -> None:
    prepared(store, *map(wishing, ENDS))
    noted(store, risen())
    end_each(store)
    assert {slug: rows(store, slug)[0][4] for slug in ENDS} == ENDS
    # Whatever is found later, what was left out stays so.
    for one in store.read(subscribers.members):
        store.write(optouts.resume, one.subscriber.id, now=NOON + EVERY)
    save(store, *map(wishing, ENDS), now=NOON + EVERY)
    noted(store, risen(counted=30), now=NOON + 3 * EVERY)
    assert {slug: row[2:] for slug in ENDS for row in rows(store, slug)} == {
        slug: (30 if reason is None else 12, None, reason) for slug, reason in ENDS.items()
    }


def test_a_topic_that_is_left_or_taken_out_ends_alone(store: Store) -> None:
    store.write(topics.save, [make_topic("other"), make_topic("third")], now=LAST_WEEK)
    prepared(store, wishing(topics=("narcotics", "other", "third")))
    noted(store, risen())
    for name in ("other", "third"):
        store.write(spike_checks.note, name, [risen()], now=NOON)
    store.write(optouts.leave, 1, "narcotics", now=NOON)
    save(store, wishing(topics=("narcotics", "third")), now=NOON)
    reasons = {row[0]: row[4] for row in rows(store)}
    assert reasons == {"narcotics": "opted_out", "other": "unwished", "third": None}


def test_a_topic_is_looked_at_once_an_hour_and_only_when_something_new_came(store: Store) -> None:
    prepared(store)
    assert due(store) == ()
    came(store, "wire", [at(TODAY, 11.9)])
    assert due(store) == ("narcotics",)
    noted(store)
    assert due(store, NOON + EVERY - timedelta(seconds=1)) == ()
    # What was being written during the look is looked at once more.
    assert due(store, NOON + EVERY) == ("narcotics",)
    noted(store, now=NOON + EVERY)
    assert due(store, NOON + 3 * EVERY) == ()
    came(store, "wire", [NOON + EVERY])
    assert due(store, NOON + 3 * EVERY) == ("narcotics",)


def test_what_a_replay_finds_and_what_was_there_before_calls_for_no_look(store: Store) -> None:
    prepared(store)
    came(store, "wire", [at(TODAY, 11)], origin=Origin.BASELINE)
    came(store, "wire", [at(TODAY, 11)], origin=Origin.REPLAY)
    assert due(store) == ()


def test_a_topic_that_is_still_tried_on_the_archive_waits_for_its_end(store: Store) -> None:
    prepared(store)
    came(store, "wire", [at(TODAY, 11)])
    replayed(store, after=4)
    assert due(store) == ()
    replayed(store)
    assert due(store) == ("narcotics",)


def test_what_waits_to_be_told_is_looked_at_again_while_its_day_is_news(store: Store) -> None:
    prepared(store)
    noted(store, risen())
    assert due(store, NOON + EVERY + MARGIN) == ("narcotics",)
    assert due(store, NOON + timedelta(days=2)) == ()


def test_topics_are_looked_at_in_turn(store: Store) -> None:
    names = tuple(f"t{n}" for n in range(5))
    store.write(topics.save, [make_topic(name) for name in names], now=LAST_WEEK)
    prepared(store, wishing(topics=names))
    came(store, "wire", [at(TODAY, 11.9)], topics=names)
    assert due(store) == names
    for minutes, name in ((0, "t3"), (1, "t1")):
        store.write(spike_checks.note, name, [], now=NOON + timedelta(minutes=minutes))
    assert due(store) == ("t0", "t2", "t4")
    assert due(store, NOON + 2 * EVERY) == ("t0", "t2", "t4", "t3", "t1")


def test_a_topic_that_was_watched_before_that_was_kept_counts_as_watched_always(store: Store) -> None:
    prepared(store)
    before = update(subscription_topic).values(added_at=None)
    store.write(lambda connection: connection.execute(before))
    noted(store, risen(YESTERDAY))
    assert len(rows(store)) == 1


def test_past_a_days_alerts_a_spike_is_left_to_a_digest_that_tells_it_and_else_waits(store: Store) -> None:
    store.write(topics.save, [make_topic("other")], now=LAST_WEEK)
    alerts = wishing(topics=("narcotics", "other")).subscriptions[0]
    timed = replace(wishing(immediate=False).subscriptions[0], slug="evening")
    prepared(store, replace(wishing(), subscriptions=(alerts, timed)))
    noted(store, risen())
    store.write(spike_checks.note, "other", [risen()], now=NOON)
    assert store.write(attention.give_to_digests, 1, 1, now=NOON) == 1
    assert [(row[0], row[4]) for row in rows(store)] == [
        ("narcotics", "alert_limit"),
        ("other", None),
        ("narcotics", None),
    ]
    assert store.write(attention.give_to_digests, 1, 1, now=NOON) == 0


def test_a_clock_that_was_far_ahead_does_not_stop_the_looks(store: Store) -> None:
    prepared(store)
    came(store, "wire", [at(TODAY, 11)])
    noted(store, now=NOON + timedelta(days=400))
    assert due(store) == ("narcotics",)
    assert noted(store, risen())
    assert len(rows(store)) == 1


def test_a_spike_is_told_with_the_first_of_its_stories_in_the_words_they_have_now(store: Store) -> None:
    prepared(store)
    ids = came(store, "wire", [at(TODAY, 10 + n / 100) for n in range(3)], title="Raid {n} " + "x" * 900)
    (untitled,) = came(store, "wire", [at(TODAY, 11)], title=" ", text="Officers said that")
    story = told(store, ids[:1])
    noted(store, risen(entries=[*ids, untitled, 999]))
    (found,) = store.read(spikes.waiting, 1)
    assert (found.topic_name, found.day, found.counted, found.expected) == ("Narcotics", TODAY, 12, 2.6)
    assert [one.entry_id for one in found.stories] == [*ids, untitled]
    assert [one.story_id for one in found.stories] == [story, None, None, None]
    assert found.stories[0].title.startswith("Raid 0")
    assert len(found.stories[0].title) == 300
    assert found.stories[3].title == "Officers said that"


def test_what_a_digest_would_have_told_is_known_afterwards(store: Store) -> None:
    prepared(store)
    noted(store, risen())
    made(store, now=NOON + EVERY)
    assert len(store.read(spikes.waiting, 1, as_of=NOON + timedelta(minutes=30))) == 1
    assert store.read(spikes.waiting, 1, as_of=NOON - timedelta(minutes=1)) == ()
    assert store.read(spikes.waiting, 1, as_of=NOON + 2 * EVERY) == ()


def test_a_burst_is_found_by_a_look_at_real_days_and_a_usual_day_is_not(store: Store) -> None:
    days = days_before(TODAY, 100)
    follow(store, [make_feed()], since=at(days[0], 0))
    replayed(store)
    checked(store, "wire", days)
    came(store, "wire", [at(day, hour) for day in days[1:] for hour in (3, 4)])
    save(store, wishing(), now=at(days[1]))

    def looked(now: datetime) -> list[tuple[date, int]]:
        found = store.read(trends.read_trend, "narcotics", until=now.date(), days=2)
        assert noted(store, *found.spikes, now=now)
        return [(row[1], row[2]) for row in rows(store)]

    assert looked(NOON) == []
    came(store, "wire", [at(TODAY, 12.5 + n / 10) for n in range(12)], title="Raid {n}")
    assert due(store, NOON + 2 * EVERY) == ("narcotics",)
    assert looked(NOON + 2 * EVERY) == [(TODAY, 14)]
