"""A clock that went back leaves nothing waiting for it to catch up."""

from datetime import datetime, timedelta

from aggregator.store import claims, clock, feeds, plans
from aggregator.store.database import Store
from tests.factories import NOW, make_feed, make_plan, make_state

LASTS = timedelta(seconds=120)


def claimed(store: Store, now: datetime) -> list[str]:
    return [one.feed.id for one in store.write(claims.claim, now=now, lease="b", lasts=LASTS)]


def test_case_7_48_after_the_clock_went_back_nothing_waits_for_it_to_catch_up(store: Store) -> None:
    step, ahead = timedelta(days=1), NOW + timedelta(days=1)
    followed = [make_feed("un"), make_feed("dea")]
    store.write(feeds.save, followed, now=NOW)
    taken = store.write(claims.claim, now=ahead, lease="a", lasts=LASTS)
    due = ahead + timedelta(hours=1)
    checked = [make_plan(one, "a", state=make_state(one, checked_at=ahead, next_check_at=due)) for one in followed]
    store.write(plans.apply, checked, now=ahead)
    un, _ = sorted(taken, key=lambda one: one.feed.id, reverse=True)
    store.write(claims.release, lease="a", host_ids={un.host_id})
    store.write(claims.hold, name="un.example", until=ahead + timedelta(hours=2))
    assert store.write(clock.pull_back, now=NOW, step=step, lasts=LASTS) == 2
    assert claimed(store, NOW + timedelta(minutes=59)) == []
    assert claimed(store, NOW + timedelta(minutes=61)) == ["dea"]
    assert claimed(store, NOW + timedelta(minutes=121))[0] == "un"
