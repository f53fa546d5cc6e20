"""What a feed list changes in what is stored: named field by field, and nothing when it was applied before."""

from dataclasses import replace
from datetime import time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.model.feeds import Feed, Hours, Tier
from aggregator.core.model.subscriptions import Schedule, SubscriberSpec, SubscriberState, SubscriptionSpec
from aggregator.core.model.topics import Clause, ClauseKind, Topic
from aggregator.feedlist import FeedList
from aggregator.feedlist.changes import ChangeKind, ChangePlan, Current, CurrentSubscriber, FieldChange, plan

FEED = Feed(id="a", url="https://a.example/f")
CLAUSE = Clause(name="drugs", kind=ClauseKind.SIGNAL, query="drug*", weight=4)
TOPIC = Topic(id="t", name="T", clauses=(CLAUSE,))
MORNING = SubscriptionSpec(slug="morning", topics=("t",), schedule=Schedule(at=(time(7, 30),)))
DESK = SubscriberSpec(slug="desk", address="desk@example.org", subscriptions=(MORNING,))
WANTED = FeedList(feeds=(FEED,), topics=(TOPIC,), subscribers=(DESK,))
CURRENT = Current(feeds=(FEED,), topics=(TOPIC,), subscribers=(CurrentSubscriber(spec=DESK),))


def told(changes: ChangePlan) -> list[str]:
    return [f"{change.kind} {change.noun} {change.id}" for change in changes.changes]


def test_a_new_house_gets_everything() -> None:
    assert told(plan(WANTED, Current())) == [
        "add feed a",
        "add topic t",
        "add subscriber desk",
        "add subscription desk/morning",
    ]


def test_an_applied_file_changes_nothing_whatever_version_the_store_counts() -> None:
    stored = replace(CURRENT, topics=(replace(TOPIC, version=7),))
    assert plan(WANTED, stored) == ChangePlan()


def test_what_the_file_drops_is_removed_last() -> None:
    other = Feed(id="b", url="https://b.example/f")
    assert told(plan(FeedList(feeds=(other,)), CURRENT)) == [
        "add feed b",
        "remove feed a",
        "remove topic t",
        "remove subscriber desk",
        "remove subscription desk/morning",
    ]


def test_a_changed_feed_is_told_field_by_field() -> None:
    new = replace(
        FEED, tags=("un", "drugs"), tier=Tier.OFFICIAL, interval=timedelta(hours=3), disabled=True, weight=1.5
    )
    (change,) = plan(replace(WANTED, feeds=(new,)), CURRENT).changes
    assert change.kind is ChangeKind.CHANGE
    assert change.fields == (
        FieldChange(name="tags", old=None, new="un, drugs"),
        FieldChange(name="tier", old="other", new="official"),
        FieldChange(name="interval", old=None, new="3h"),
        FieldChange(name="weight", old="1", new="1.5"),
        FieldChange(name="disabled", old="false", new="true"),
    )


def test_a_changed_clause_is_told_alone() -> None:
    more = Clause(name="sport", kind=ClauseKind.LOWER, query="doping", weight=2)
    new = replace(TOPIC, clauses=(replace(CLAUSE, weight=5), more), lists=(("places", "india"),))
    (change,) = plan(replace(WANTED, topics=(new,)), CURRENT).changes
    assert change.fields == (
        FieldChange(name="signal `drugs`", old="drug* (weight 4)", new="drug* (weight 5)"),
        FieldChange(name="lower `sport`", old=None, new="doping (weight 2)"),
        FieldChange(name="list @places", old=None, new="india"),
    )


def test_a_changed_schedule_reads_like_the_file() -> None:
    schedule = Schedule(immediate=True, days=frozenset({0, 3}), quiet=Hours(start=time(22), end=time(6)))
    desk = replace(DESK, subscriptions=(replace(MORNING, schedule=schedule),))
    (change,) = plan(replace(WANTED, subscribers=(desk,)), CURRENT).changes
    assert (change.noun, change.id) == ("subscription", "desk/morning")
    assert change.fields == (
        FieldChange(name="schedule", old="07:30, daily", new="at once, mon, thu, quiet 22:00-06:00"),
    )


def test_a_wish_for_spikes_is_a_change() -> None:
    new = replace(DESK, subscriptions=(replace(MORNING, spikes=True),))
    (change,) = plan(replace(WANTED, subscribers=(new,)), CURRENT).changes
    assert change.fields == (FieldChange(name="spikes", old="false", new="true"),)


def test_addresses_and_secrets_are_masked() -> None:
    feed = replace(FEED, url="https://u:tulip@a.example/f", headers=(("A", "tulip"), ("B", "k ${AGGREGATOR_K}")))
    desk = replace(DESK, address="someone@example.org")
    changes = plan(replace(WANTED, feeds=(feed,), subscribers=(desk,)), CURRENT)
    assert "tulip" not in repr(changes)
    assert "someone" not in repr(changes)
    assert changes.changes[0].fields[-1].new == "A: ***, B: k ${AGGREGATOR_K}"
    assert changes.changes[1].fields[0].new == "s***@example.org"


def test_a_renamed_feed_is_pointed_out_as_its_history_stays_behind() -> None:
    changes = plan(replace(WANTED, feeds=(replace(FEED, id="b"),)), CURRENT)
    assert told(changes) == ["add feed b", "remove feed a"]
    assert "feed a looks renamed to b" in changes.notes[0]


def test_a_feed_that_moved_for_good_is_pointed_out_until_the_file_says_so() -> None:
    there = replace(CURRENT, moved={FEED.id: "https://new.example/feed"})
    (note,) = plan(WANTED, there).notes
    assert note == (
        f"feed {FEED.id} has moved for good to https://new.example/feed: `aggregator feeds fix {FEED.id}` proposes the edit"
    )
    mended = replace(WANTED, feeds=(replace(FEED, url="https://new.example/feed"),))
    assert plan(mended, there).notes == ()


def test_where_an_address_with_a_secret_moved_to_is_not_told() -> None:
    feed = replace(FEED, url="https://a.example/?key=${AGGREGATOR_KEY}")
    there = replace(CURRENT, feeds=(feed,), moved={feed.id: "https://b.example/?key=hush"})
    assert plan(replace(WANTED, feeds=(feed,)), there).notes == ()


def test_an_unsubscribe_outlives_the_file() -> None:
    gone = CurrentSubscriber(spec=DESK, state=SubscriberState.UNSUBSCRIBED)
    assert plan(WANTED, replace(CURRENT, subscribers=(gone,))).notes == (
        "subscriber desk is unsubscribed: nothing is mailed until `aggregator subscribers resume desk`",
    )
    dropped = plan(replace(WANTED, subscribers=()), replace(CURRENT, subscribers=(gone,)))
    assert dropped.notes == ("subscriber desk is unsubscribed: that is remembered should the file list them again",)


def test_a_person_who_was_dropped_and_comes_back_is_added_with_their_own_state() -> None:
    gone = CurrentSubscriber(spec=DESK, state=SubscriberState.BOUNCED, listed=False)
    back = plan(WANTED, replace(CURRENT, subscribers=(gone,)))
    assert told(back) == ["add subscriber desk", "add subscription desk/morning"]
    assert "desk is bounced" in back.notes[0]
    assert plan(replace(WANTED, subscribers=()), replace(CURRENT, subscribers=(gone,))) == ChangePlan()


def test_what_a_reader_asked_for_is_named_where_it_differs_from_the_file() -> None:
    asked = CurrentSubscriber(spec=DESK, wishes=(("morning", "its reader asked for one mail a week"),))
    (note,) = plan(WANTED, replace(CURRENT, subscribers=(asked,))).notes
    assert note == (
        "subscription desk/morning: its reader asked for one mail a week, until `aggregator subscribers resume desk`"
    )


def test_what_the_file_says_of_somebody_who_was_erased_is_no_change() -> None:
    stored = CurrentSubscriber(spec=replace(DESK, address=None), state=SubscriberState.ERASED)
    planned = plan(WANTED, replace(CURRENT, subscribers=(stored,)))
    assert planned.changes == ()
    assert "was erased and the file still lists them" in planned.notes[0]
    back = replace(stored, state=SubscriberState.ACTIVE)
    assert told(plan(WANTED, replace(CURRENT, subscribers=(back,)))) == ["change subscriber desk"]


def test_where_a_webhook_leads_to_is_shown_without_its_secret() -> None:
    hook = replace(MORNING, channel="webhook", target="https://user:pw@hooks.example/t/secret?key=secret")
    (change,) = plan(replace(WANTED, subscribers=(replace(DESK, subscriptions=(hook,)),)), CURRENT).changes
    assert FieldChange(name="target", old=None, new="https://hooks.example/") in change.fields
    other = replace(hook, target="https://hooks.example/another")
    before = CurrentSubscriber(spec=replace(DESK, subscriptions=(hook,)))
    wanted = replace(WANTED, subscribers=(replace(DESK, subscriptions=(other,)),))
    (change,) = plan(wanted, replace(CURRENT, subscribers=(before,))).changes
    moved = FieldChange(name="target", old="https://hooks.example/", new="https://hooks.example/ (another one)")
    assert change.fields == (moved,)
    chat = replace(MORNING, channel="apprise", target="ntfy://topic")
    (change,) = plan(replace(WANTED, subscribers=(replace(DESK, subscriptions=(chat,)),)), CURRENT).changes
    assert FieldChange(name="target", old=None, new="ntfy://***") in change.fields


FEEDS = st.lists(
    st.builds(Feed, id=st.sampled_from("abcde"), url=st.sampled_from(["https://x.example", "https://y.example"])),
    max_size=5,
    unique_by=lambda feed: feed.id,
)


@given(FEEDS, FEEDS)
def test_applying_what_a_plan_says_ends_in_what_was_wanted(wanted: list[Feed], current: list[Feed]) -> None:
    changes = plan(FeedList(feeds=tuple(wanted)), Current(feeds=tuple(current))).changes
    after = {feed.id: feed for feed in current}
    by_id = {feed.id: feed for feed in wanted}
    for change in changes:
        if change.kind is ChangeKind.REMOVE:
            del after[change.id]
        else:
            after[change.id] = by_id[change.id]
    assert after == by_id
