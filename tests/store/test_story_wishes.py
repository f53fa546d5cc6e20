"""A person's split and join win over every rule, also for what comes later."""

import pytest
from sqlalchemy import select

from aggregator.core.errors import UsageError
from aggregator.core.stories.signature import signature
from aggregator.store import feeds, stories, story_views, story_wishes, topics
from aggregator.store.database import Store
from aggregator.store.schema import story, story_link, story_wish
from tests.factories import NOW, make_feed, make_topic
from tests.store.test_stories import HOUR, MEETING, TEXT, arrive, grouped, rows, told

OTHER = "Colombia and Peru agree on coca eradication plan in Lima"


@pytest.fixture(autouse=True)
def followed(store: Store) -> None:
    store.write(feeds.save, [make_feed(name) for name in ("un", "wire", "daily", "post", "late")], now=NOW)
    store.write(topics.save, [make_topic()], now=NOW)


def number_of(store: Store, entry_id: int) -> int:
    found = store.read(story_views.of_entry, entry_id)
    assert found is not None
    return found.id


def test_what_is_split_stays_apart_when_its_words_change_back(store: Store) -> None:
    first, second = arrive(store, told(MEETING, TEXT, feed="un"), told(MEETING, TEXT, feed="wire"))
    store.write(story_wishes.split, [second], now=NOW)
    assert grouped(store) == [[first], [second]]
    third, fourth = arrive(store, told(MEETING, TEXT, feed="daily"), told(OTHER, feed="post"))
    assert grouped(store) == [[first, third], [second], [fourth]]
    store.write(story_wishes.join, [number_of(store, second), number_of(store, fourth)], now=NOW)
    assert grouped(store) == [[first, third], [second, fourth]]


def test_an_entry_that_leaves_its_story_never_joins_what_it_was_split_from(store: Store) -> None:
    first, second, third = arrive(
        store, told(MEETING, TEXT, feed="un"), told(MEETING, TEXT, feed="wire"), told(OTHER, feed="daily")
    )
    store.write(story_wishes.split, [second], now=NOW)
    (fourth,) = arrive(store, told(OTHER, feed="post"))
    store.write(story_wishes.split, [fourth], now=NOW)
    store.write(story_wishes.join, [number_of(store, second), number_of(store, fourth)], now=NOW)
    store.write(stories.join, [(fourth, signature(MEETING, TEXT, "en"))], now=NOW)
    assert grouped(store) == [[first], [second, fourth], [third]]


def test_later_entries_join_a_joined_story_for_a_member_that_either_of_them_began_with(store: Store) -> None:
    first, second = arrive(store, told(MEETING, feed="un"), told(OTHER, feed="wire"))
    number = store.write(story_wishes.join, [number_of(store, second), number_of(store, first)], now=NOW)
    third, fourth = arrive(store, told(MEETING, feed="daily", at=NOW + HOUR), told(OTHER, feed="post", at=NOW + HOUR))
    assert grouped(store) == [[first, second, third, fourth]]
    view = store.read(story_views.one, number)
    assert view is not None
    assert {one.entry_id: one.relation for one in view.members} == {
        first: "first", second: "joined", third: "exact", fourth: "exact",
    }  # fmt: skip


def test_the_first_member_may_be_split_and_the_story_goes_on_without_it(store: Store) -> None:
    first, second, third = arrive(store, *(told(MEETING, feed=name) for name in ("un", "wire", "daily")))
    made = store.write(story_wishes.split, [first], now=NOW)
    assert grouped(store) == [[first], [second, third]]
    for entry_id in (first, second):
        view = store.read(story_views.of_entry, entry_id)
        assert view is not None
        assert [one.relation for one in view.members if one.entry_id == entry_id] == ["first"]
    (late,) = arrive(store, told(MEETING, feed="late", at=NOW + HOUR))
    assert [first, late] in grouped(store) or [second, third, late] in grouped(store)
    assert number_of(store, first) == made


def test_the_last_word_wins_and_a_join_leaves_no_empty_story(store: Store) -> None:
    first, second = arrive(store, told(MEETING, feed="un"), told(MEETING, feed="wire"))
    made = store.write(story_wishes.split, [second], now=NOW)
    kept = store.write(story_wishes.join, [made, number_of(store, first)], now=NOW + HOUR)
    assert kept < made
    assert grouped(store) == [[first, second]]
    assert [row.together for row in rows(store, story_wish)] == [True]
    assert store.read(lambda c: c.execute(select(story.c.id)).scalars().all()) == [kept]


def test_what_was_shown_beside_a_joined_story_is_shown_beside_the_one_it_became(store: Store) -> None:
    (one,) = arrive(store, told("Customs officers seize 40 kg of a precursor at Mundra port", TEXT, feed="wire"))
    (two,) = arrive(store, told("Customs officers seize 70 kg of a precursor at Mundra port", TEXT, feed="daily"))
    (far,) = arrive(store, told(OTHER, feed="un"))
    number = store.write(story_wishes.join, [number_of(store, two), number_of(store, far)], now=NOW)
    (link,) = rows(store, story_link)
    assert {link.story_id, link.other_id} == {number_of(store, one), number}
    view = store.read(story_views.one, number)
    assert view is not None
    (beside,) = view.beside
    assert (beside.story_id, beside.entry_id, beside.to) == (number_of(store, one), one, two)
    store.write(story_wishes.join, [number, number_of(store, one)], now=NOW)
    assert rows(store, story_link) == []


def test_what_makes_no_sense_is_refused_and_changes_nothing(store: Store) -> None:
    first, second, third = arrive(store, told(MEETING, feed="un"), told(MEETING, feed="wire"), told(OTHER, feed="un"))
    before = grouped(store)
    for entries, said in (([99], "no story"), ([first, third], "several"), ([first, second], "no other")):
        with pytest.raises(UsageError, match=said):
            store.write(story_wishes.split, entries, now=NOW)
    for numbers in ([number_of(store, first)], [99, number_of(store, first)]):
        with pytest.raises(UsageError):
            store.write(story_wishes.join, numbers, now=NOW)
    assert grouped(store) == before
    assert rows(store, story_wish) == []
