"""Who may ask which host, and until when: claims, leases and strikes."""

from datetime import timedelta
from typing import Any

from aggregator.store import claims, feeds, plans
from aggregator.store.database import Store
from tests.factories import NOW, make_feed, make_plan, make_state

LASTS = timedelta(seconds=120)


def claim(store: Store, lease: str = "a", **asked: Any) -> list[str]:
    wanted: dict[str, Any] = {"now": NOW, "lasts": LASTS, **asked}
    return [one.feed.id for one in store.write(claims.claim, lease=lease, **wanted)]


def test_a_new_feed_is_due_at_once(store: Store) -> None:
    store.write(feeds.save, [make_feed("un"), make_feed("dea")], now=NOW)
    assert claim(store) == ["dea", "un"]


def test_a_leased_host_is_not_claimed_twice_until_its_lease_expires(store: Store) -> None:
    store.write(feeds.save, [make_feed("un")], now=NOW)
    assert claim(store, "a") == ["un"]
    assert claim(store, "b", now=NOW + timedelta(seconds=119)) == []
    assert claim(store, "b", now=NOW + timedelta(seconds=121)) == ["un"]


def test_the_next_check_is_moved_out_of_reach_before_anything_is_asked(store: Store) -> None:
    store.write(feeds.save, [make_feed("un")], now=NOW)
    claim(store)
    followed = store.read(feeds.followed)[0]
    assert followed.state.next_check_at == NOW + LASTS
    assert followed.state.strikes == 1


def test_three_expired_leases_in_a_row_put_a_feed_a_day_away(store: Store) -> None:
    store.write(feeds.save, [make_feed("un")], now=NOW)
    at = NOW
    for _ in range(3):
        assert claim(store, now=at) == ["un"]
        at = store.read(feeds.followed)[0].state.next_check_at + LASTS
    assert store.read(feeds.followed)[0].state.next_check_at >= NOW + timedelta(hours=24)


def test_feeds_of_one_host_are_claimed_together(store: Store) -> None:
    same = [make_feed(name, f"https://host.example/{name}.xml") for name in ("a", "b")]
    store.write(feeds.save, same, now=NOW)
    claimed = store.write(claims.claim, now=NOW, lease="a", lasts=LASTS)
    assert len({one.host_id for one in claimed}) == 1
    assert claim(store, "b") == []


def test_a_held_host_is_left_alone_until_the_hold_ends(store: Store) -> None:
    store.write(feeds.save, [make_feed("un")], now=NOW)
    store.write(claims.hold, name="un.example", until=NOW + timedelta(hours=2))
    store.write(claims.hold, name="un.example", until=NOW + timedelta(hours=1))
    assert claim(store, now=NOW + timedelta(minutes=90)) == []
    assert claim(store, now=NOW + timedelta(minutes=121)) == ["un"]


def test_a_released_feed_is_due_again_as_it_was_and_no_attempt_is_counted(store: Store) -> None:
    store.write(feeds.save, [make_feed("un")], now=NOW)
    claimed = store.write(claims.claim, now=NOW, lease="a", lasts=LASTS)
    store.write(claims.release, lease="a", host_ids={claimed[0].host_id}, undone=claimed)
    followed = store.read(feeds.followed)[0]
    assert (followed.state.next_check_at, followed.state.strikes) == (NOW, 0)
    assert claim(store, "b") == ["un"]


def test_a_zombie_releases_nothing_that_another_process_took_over(store: Store) -> None:
    store.write(feeds.save, [make_feed("un")], now=NOW)
    old = store.write(claims.claim, now=NOW, lease="a", lasts=LASTS)
    later = NOW + LASTS * 2
    assert claim(store, "b", now=later) == ["un"]
    store.write(claims.release, lease="a", host_ids={old[0].host_id}, undone=old)
    assert claim(store, "c", now=later) == []


def test_a_zombies_plan_is_dropped_whole(store: Store) -> None:
    feed = make_feed("un")
    store.write(feeds.save, [feed], now=NOW)
    claim(store, "a")
    claim(store, "b", now=NOW + LASTS * 2)
    assert store.write(plans.apply, [make_plan(feed, "a")], now=NOW) == ()
    assert store.read(feeds.followed)[0].state.succeeded_at is None


def test_an_extended_lease_holds(store: Store) -> None:
    store.write(feeds.save, [make_feed("un")], now=NOW)
    claim(store, "a")
    assert store.write(claims.extend, lease="a", until=NOW + LASTS * 3) == 1
    assert claim(store, "b", now=NOW + LASTS * 2) == []


def test_named_feeds_are_claimed_though_they_are_not_due(store: Store) -> None:
    feed = make_feed("un")
    store.write(feeds.save, [feed, make_feed("dea")], now=NOW)
    claimed = store.write(claims.claim, now=NOW, lease="a", lasts=LASTS)
    store.write(plans.apply, [make_plan(feed, "a")], now=NOW)
    store.write(claims.release, lease="a", host_ids={one.host_id for one in claimed})
    assert claim(store, "b", only={"un"}) == ["un"]


def test_removed_and_disabled_feeds_are_never_due(store: Store) -> None:
    store.write(feeds.save, [make_feed("un"), make_feed("dea", disabled=True)], now=NOW)
    store.write(feeds.remove, ["un"], now=NOW)
    assert claim(store) == []
    assert store.read(feeds.next_due) is None


def test_a_gone_feed_is_not_due_but_can_be_asked_by_name(store: Store) -> None:
    feed = make_feed("un")
    store.write(feeds.save, [feed], now=NOW)
    claimed = store.write(claims.claim, now=NOW, lease="a", lasts=LASTS)
    gone = make_state(feed, gone=True)
    store.write(plans.apply, [make_plan(feed, "a", state=gone)], now=NOW)
    store.write(claims.release, lease="a", host_ids={one.host_id for one in claimed})
    later = NOW + timedelta(days=30)
    assert claim(store, now=later) == []
    assert claim(store, now=later, only={"un"}) == ["un"]


def test_after_downtime_overdue_feeds_are_spread_oldest_first(store: Store) -> None:
    followed = [make_feed(f"f{n}") for n in range(5)]
    store.write(feeds.save, followed, now=NOW)
    store.write(claims.claim, now=NOW, lease="a", lasts=LASTS)
    checked = [
        make_plan(feed, "a", state=make_state(feed, checked_at=NOW, next_check_at=NOW + timedelta(minutes=n)))
        for n, feed in enumerate(followed)
    ]
    store.write(plans.apply, checked, now=NOW)
    back = NOW + timedelta(days=3)
    assert store.write(feeds.spread, now=back, over=timedelta(minutes=10)) == 5
    times = [one.state.next_check_at for one in store.read(feeds.followed)]
    assert times == [back + timedelta(minutes=2 * n) for n in range(5)]


def test_a_changed_address_forgets_what_the_old_one_taught(store: Store) -> None:
    feed = make_feed("un")
    store.write(feeds.save, [feed], now=NOW)
    claim(store)
    learned = make_state(feed, etag=b'"1"', spans={b"12345678": "id:1"}, failures=4)
    store.write(plans.apply, [make_plan(feed, "a", state=learned)], now=NOW)
    store.write(feeds.save, [make_feed("un", "https://new.example/feed")], now=NOW)
    state = store.read(feeds.followed)[0].state
    assert (state.etag, state.spans, state.failures, state.host) == (None, {}, 0, "new.example")
    assert claim(store, "b") == ["un"]
