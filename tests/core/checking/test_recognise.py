"""Check after check of one feed: what is stored once stays one entry, and nothing new is taken for something old."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.core.model.entries import ParsedEntry
from aggregator.core.model.plans import EntryPlan
from aggregator.core.model.topics import Origin
from tests.checks import Played, at, titles
from tests.factories import NOW, make_evaluation, make_feed, make_parsed

LONG = "The bureau seized forty kilograms of a precursor at the port and named three companies that had ordered it "
OTHER = "Ministers of nine states agreed on Monday to share the registers of licensed chemists within the coming year "


def post(n: int | str, **said: object) -> ParsedEntry:
    return make_parsed(f"guid-{n}", link=f"https://w.example/{n}", title=f"Post {n}", **said)


@pytest.mark.parametrize("cut", [True, False])
def test_the_same_document_twice_brings_nothing(cut: bool) -> None:
    feed = Played()
    posts = [post(n) for n in range(5)]
    assert len(feed.check(*posts, cut=cut).new) == 5
    again = feed.check(*posts, cut=cut)
    assert not again.new
    assert not again.revised
    assert not again.aliases


@pytest.mark.parametrize("cut", [True, False])
def test_case_6_19_ids_that_change_with_every_fetch_make_links_the_identity(cut: bool) -> None:
    feed = Played()
    for fetch in range(4):
        fetched = [replace(post(n), id=f"session-{fetch}-{n}") for n in range(6)]
        plan = feed.check(*fetched, cut=cut)
        assert len(plan.new) == (6 if fetch == 0 else 0)
    assert feed.state.identity == "link"
    assert len(feed.entries) == 6
    fresh = feed.check(replace(post("new"), id="session-9-new"), *fetched, cut=cut)
    assert [one.key for one in fresh.new] == ["link:https://w.example/new"]


def test_a_change_of_policy_is_told_once() -> None:
    feed = Played()
    kinds = []
    for fetch in range(4):
        plan = feed.check(*(replace(post(n), id=f"session-{fetch}-{n}") for n in range(6)))
        kinds += [event.kind for event in plan.events]
    assert kinds == ["policy"]


def test_case_6_20_tracking_parameters_make_no_new_entry_and_no_edit() -> None:
    feed = Played()
    feed.check(make_parsed("1", link="https://w.example/1?utm_source=rss"))
    plan = feed.check(make_parsed("1", link="https://w.example/1?utm_source=feed&utm_medium=x"))
    assert not plan.new
    assert not plan.revised


def test_case_6_21_new_ids_under_the_same_links_after_a_move_are_the_same_entries() -> None:
    feed = Played()
    old = [
        make_parsed(f"http://w.example/{n}", link=f"http://w.example/{n}", title=f"Post {n}", published=at(-n))
        for n in range(9)
    ]
    feed.check(*old)
    moved = [replace(one, id=f"https://w.example/{n}/", link=f"https://w.example/{n}") for n, one in enumerate(old)]
    plan = feed.check(*moved)
    assert not plan.new
    assert not plan.gap
    assert len(feed.check(*moved, cut=False).new) == 0


def test_one_new_id_under_a_known_link_title_and_date_is_an_alias() -> None:
    feed = Played()
    feed.check(post(1, published=NOW), post(2), post(3))
    renamed = replace(post(1, published=NOW), id="guid-one")
    plan = feed.check(renamed, post(2), post(3))
    assert not plan.new
    assert plan.aliases == (("id:guid-one", 3), ("link:https://w.example/1", 3))
    assert not feed.check(renamed, post(2), post(3), cut=False).aliases


def test_an_id_that_keeps_changing_beside_steady_ones_adds_no_alias_each_time() -> None:
    feed = Played()
    for fetch in range(6):
        feed.check(replace(post(1, published=NOW), id=f"volatile-{fetch}"), *(post(n) for n in range(2, 8)))
    assert len(feed.entries) == 7
    assert len(feed.keys) <= 9


def test_a_bulletin_that_keeps_link_and_title_is_new_each_day() -> None:
    feed = Played()
    page = "https://w.example/bulletin"
    feed.check(make_parsed("day-1", link=page, title="Daily bulletin", text=LONG, published=at(-24)))
    plan = feed.check(make_parsed("day-2", link=page, title="Daily bulletin", text=OTHER, published=at(0)))
    assert len(plan.new) == 1
    bare = feed.check(make_parsed("day-3", link=page, title="Daily bulletin", published=at(1)))
    assert len(bare.new) == 1


def test_bulletins_of_many_regions_are_new_each_day_though_links_and_titles_stay() -> None:
    feed = Played()

    def day(number: int, text: str) -> list[ParsedEntry]:
        return [
            make_parsed(f"{number}-{region}", link=f"https://w.example/{region}", title=region, text=f"{text} {region}")
            for region in ("North", "South", "East", "West")
        ]

    feed.check(*day(1, 2 * LONG))
    assert len(feed.check(*day(2, 2 * OTHER)).new) == 4
    assert feed.state.identity == "id"


def test_comments_under_one_thread_are_told_apart_while_the_older_one_is_still_listed() -> None:
    feed = Played()
    thread = "https://w.example/thread#comment-"
    first = make_parsed("c1", link=f"{thread}1", title="Re: Thread")
    feed.check(first)
    plan = feed.check(make_parsed("c2", link=f"{thread}2", title="Re: Thread"), first)
    assert len(plan.new) == 1


@pytest.mark.parametrize("cut", [True, False])
def test_an_id_that_every_entry_repeats_loses_none_of_them(cut: bool) -> None:
    feed = Played()
    posts = [replace(post(n), id="always") for n in range(12)]
    seen = []
    for newest in range(1, 13):
        window = posts[max(0, newest - 4) : newest][::-1]
        seen += titles(feed.check(*window, cut=cut).new)
    assert seen == [f"Post {n}" for n in range(12)]


def test_an_id_that_is_given_to_another_thing_makes_a_new_entry() -> None:
    feed = Played()
    feed.check(replace(post(1), id="current"))
    plan = feed.check(replace(post(2), id="current"))
    assert titles(plan.new) == ["Post 2"]
    assert not feed.check(replace(post(2), id="current"), cut=False).new


def test_an_entry_whose_title_and_link_were_edited_stays_one_entry_by_date_or_text() -> None:
    for evidence in ({"published": NOW}, {"text": LONG * 2}):
        feed = Played()
        feed.check(make_parsed("1", link="https://w.example/typo", title="Sezure", **evidence))
        plan = feed.check(make_parsed("1", link="https://w.example/seizure", title="Seizure", **evidence))
        assert not plan.new
        assert len(plan.revised) == 1


def test_a_title_fixed_under_a_unique_link_is_an_edit() -> None:
    feed = Played()
    feed.check(make_parsed(None, link="https://w.example/1", title="Sezure"))
    plan = feed.check(make_parsed(None, link="https://w.example/1", title="Seizure"))
    assert not plan.new
    assert len(plan.revised) == 1


def test_one_item_listed_twice_under_one_id_is_one_entry_even_when_only_one_copy_is_read() -> None:
    feed = Played()
    feed.check(post(1))
    plan = feed.check(replace(post(1), tags=("also",)), post(1))
    assert not plan.new


def test_a_purged_entry_is_not_stored_again() -> None:
    feed = Played()
    feed.check(post(1), post(2))
    feed.purge("id:guid-1")
    assert not feed.check(post(1), post(2), cut=False).new


def test_a_person_s_choice_of_ids_is_never_second_guessed() -> None:
    feed = Played(make_feed(identity="id"))
    feed.check(post(1, published=NOW))
    plan = feed.check(replace(post(1, published=NOW), id="other"))
    assert len(plan.new) == 1


@pytest.mark.parametrize("policy", ["link", "link+title", "hash"])
def test_a_policy_chosen_later_recognises_what_ids_had_named(policy: str) -> None:
    feed = Played()
    posts = [post(n, published=at(-n)) for n in range(8)]
    feed.check(*posts)
    feed.feed = replace(feed.feed, identity=policy)
    assert not feed.check(*posts, cut=False).new
    assert not feed.check(*posts, cut=False).aliases


def test_a_publisher_that_moved_host_and_ids_floods_nobody_and_hides_nothing() -> None:
    feed = Played()
    old = [post(n, published=at(-5 * n - 1.4)) for n in range(10)]
    feed.check(*old)
    moved = [replace(one, id=f"new-{n}", link=f"https://other.example/{n}") for n, one in enumerate(old)]
    flags = {one.title: (make_evaluation(),) for one in (*moved, post("fresh"))}
    plan = feed.check(post("fresh", published=at(0.5)), *moved, flags=flags)
    origins = {one.revision.title: one.matches[0].origin for one in plan.new}
    assert origins.pop("Post fresh") is Origin.LIVE
    assert set(origins.values()) == {Origin.BASELINE}
    assert len(origins) == 10
    assert not plan.gap
    assert [event.kind for event in plan.events] == ["policy"]


def test_dates_without_times_do_not_make_news_into_history() -> None:
    feed = Played()
    midnight = NOW.replace(hour=0, minute=0)
    days = [midnight - timedelta(days=n) for n in range(10)]
    feed.check(*(post(n, published=day) for n, day in enumerate(days)))
    plan = feed.check(
        *(post(100 + n, published=day) for n, day in enumerate(days)),
        flags={f"Post {100 + n}": (make_evaluation(),) for n in range(10)},
    )
    assert {one.matches[0].origin for one in plan.new} == {Origin.LIVE}
    assert plan.gap


POSTS = st.lists(st.integers(0, 30), min_size=1, max_size=12, unique=True)


@settings(max_examples=60)
@given(windows=st.lists(POSTS, min_size=1, max_size=6), cut=st.lists(st.booleans(), min_size=6, max_size=6))
def test_whatever_windows_come_each_post_is_stored_exactly_once(windows: list[list[int]], cut: list[bool]) -> None:
    feed = Played()
    for window, sliced in zip(windows, cut, strict=False):
        feed.check(*(post(n) for n in window), cut=sliced)
    stored = sorted(one.title for one in feed.entries.values())
    assert stored == sorted({f"Post {n}" for window in windows for n in window})


@settings(max_examples=60)
@given(order=st.permutations(range(8)), named=st.sampled_from(["ids", "links", "one id"]), cut=st.booleans())
def test_any_order_of_a_known_document_brings_nothing(order: list[int], named: str, cut: bool) -> None:
    ids = {"ids": "guid-{}", "links": None, "one id": "same"}[named]
    posts = [replace(post(n), id=ids.format(n) if ids else None) for n in range(8)]
    feed = Played()
    feed.check(*posts, cut=cut)
    plan = feed.check(*(posts[n] for n in order), cut=cut)
    assert not plan.new
    assert not plan.revised
    assert len(feed.entries) == 8


@settings(max_examples=60)
@given(
    churned=st.lists(st.booleans(), min_size=10, max_size=10),
    fetches=st.integers(2, 5),
    dated=st.booleans(),
    cut=st.booleans(),
)
def test_churned_guids_never_flood(churned: list[bool], fetches: int, dated: bool, cut: bool) -> None:
    feed = Played()
    new: list[EntryPlan] = []
    for fetch in range(fetches):
        posts = [post(n, published=at(-n) if dated else None, text=LONG) for n in range(10)]
        turned = [replace(one, id=f"{fetch}-{one.id}") if churned[n] else one for n, one in enumerate(posts)]
        new = [*new, *feed.check(*turned, cut=cut).new]
    assert len(new) == 10
    assert len(feed.keys) <= 40
