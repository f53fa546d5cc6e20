"""Matched entries are given their stories as they come, the same whether they come one by one or many at once."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
from sqlalchemy import Connection, func, select

from aggregator.core.model.feeds import Tier
from aggregator.core.model.stories import StorySignature
from aggregator.core.stories.shelf import MAX_MEMBERS, WINDOW
from aggregator.core.stories.signature import signature
from aggregator.store import feeds, plans, stories, story_views, topics
from aggregator.store.codec import revision_row
from aggregator.store.database import Store
from aggregator.store.schema import (
    entry,
    revision,
    story,
    story_link,
    story_member,
    story_posting,
    story_sentence,
    story_signature,
    topic_version,
)
from aggregator.store.story_shelf import FIRST
from tests.factories import NOW, make_entry_plan, make_feed, make_match, make_revision, make_topic

HOUR = timedelta(hours=1)
MEETING = "United States and India hold first drug policy working group in Washington"
TEXT = (
    "Officers opened two containers on Tuesday and found the chemical in drums that were labelled as detergent there."
)
FEEDS = [
    make_feed(name, tier=Tier.OFFICIAL if name == "un" else Tier.MEDIA) for name in ("un", "wire", "daily", "post")
]
_keys = count()


@pytest.fixture(autouse=True)
def followed(store: Store) -> None:
    store.write(feeds.save, [*FEEDS, *(make_feed(f"f{n}") for n in range(MAX_MEMBERS + 5))], now=NOW)
    store.write(topics.save, [make_topic(), make_topic("saga", window=timedelta(days=7))], now=NOW)


def told(title: str, text: str = "", *, feed: str = "wire", at: datetime = NOW, **more: Any) -> dict[str, Any]:
    return {"title": title, "text": text, "feed": feed, "at": at, **more}


def arrive(store: Store, *entries: dict[str, Any], signed: bool = True) -> list[int]:
    """Entries that come in one transaction; their ids."""
    return store.write(_arrive, entries, signed)


def _arrive(connection: Connection, entries: Sequence[dict[str, Any]], signed: bool) -> list[int]:
    found: list[tuple[int, StorySignature]] = []
    for one in entries:
        key = f"id:{next(_keys)}"
        new = make_entry_plan(
            key, revision=make_revision(title=one["title"], text=one["text"]), first_seen=one["at"], published=one["at"],
            link_hash=one.get("link"), matches=tuple(make_match(name) for name in one.get("topics", ("narcotics",))),
        )  # fmt: skip
        row = {
            "feed_id": one["feed"], "key": key, "first_seen": new.first_seen, "published": new.published,
            "date_suspect": False, "link_hash": new.link_hash, "current_revision": 1,
        }  # fmt: skip
        number = connection.execute(entry.insert().values(row).returning(entry.c.id)).scalar_one()
        connection.execute(revision.insert(), [revision_row(number, new.revision)])
        plans.write_matches(connection, [(number, 1, match) for match in new.matches], {number: NOW})
        found.append((number, signature(one["title"], one["text"], "en")))
    if signed:
        stories.join(connection, found, now=NOW)
    return [number for number, _ in found]


def grouped(store: Store) -> list[list[int]]:
    """Entry ids by story, in order."""
    return sorted(sorted(members) for members in _members(store).values())


def _members(store: Store) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for row in store.read(lambda c: c.execute(select(story_member)).all()):
        found.setdefault(row.story_id, []).append(row.entry_id)
    return found


def rows(store: Store, table: Any) -> list[Any]:
    return store.read(lambda c: list(c.execute(select(table)).all()))


def test_one_story_in_four_outlets_is_one_story_and_other_news_stays_apart(store: Store) -> None:
    first = arrive(store, told(MEETING, feed="un"), told("Fishermen return to port after the storm warning ends"))
    second = arrive(
        store, told("India, United States hold first drug policy working group in Washington", feed="daily")
    )
    third = arrive(
        store, told("First drug policy working group of United States and India held in Washington", feed="wire")
    )
    fourth = arrive(store, told(f"{MEETING} - The Post", feed="post", at=NOW + 5 * HOUR))
    assert grouped(store) == [[first[0], *second, *third, *fourth], [first[1]]]
    relations = {row.entry_id: (row.relation, row.reasons) for row in rows(store, story_member)}
    assert relations[first[0]] == (FIRST, [])
    assert relations[fourth[0]] == ("exact", ["same title and opening", f"compared with entry {first[0]}"])
    assert relations[second[0]][0] == "same"


def test_the_same_in_one_transaction_is_the_same(store: Store) -> None:
    ids = arrive(
        store, told(MEETING, feed="un"), told(f"{MEETING} | The Post", feed="post"), told(MEETING, feed="daily")
    )
    assert grouped(store) == [ids]


def test_an_address_that_two_feeds_share_is_one_entry(store: Store) -> None:
    one = arrive(store, told("Police hold three over precursor", TEXT, feed="wire", link=b"L" * 16))
    other = arrive(store, told("Police hold three men", "Another text.", feed="daily", link=b"L" * 16))
    home = arrive(store, told("Traders welcome fishing quota deal", "What else.", feed="post", link=b"L" * 16))
    assert grouped(store) == [[*one, *other], home]


def test_a_story_is_open_for_three_days_and_for_seven_where_its_topic_says_so(store: Store) -> None:
    first = arrive(store, told(MEETING, feed="un"))
    inside = arrive(store, told(MEETING, feed="wire", at=NOW + WINDOW))
    outside = arrive(store, told(MEETING, feed="daily", at=NOW + WINDOW + HOUR))
    longer = arrive(store, told(MEETING, feed="post", at=NOW + timedelta(days=6), topics=("narcotics", "saga")))
    assert grouped(store) == [[*first, *inside, *longer], outside] or grouped(store) == [
        [*first, *inside],
        [*outside, *longer],
    ]


def test_a_story_has_a_largest_size(store: Store) -> None:
    for n in range(MAX_MEMBERS + 5):
        arrive(store, told(MEETING, feed=f"f{n}"))
    assert sorted(map(len, grouped(store))) == [5, MAX_MEMBERS]


def test_what_a_feed_prints_under_everything_makes_no_story(store: Store) -> None:
    stock = "Our editors choose the most telling pictures and reports from around the whole world for you each and every day."
    for n, place in enumerate(("Mundra", "Kochi", "Haldia", "Chennai", "Mumbai")):
        arrive(store, told(f"Fishing boats return to {place} harbour again number{n}", stock, at=NOW - n * HOUR))
    ids = arrive(store, told("Customs officers praised after long drill at Kandla harbour", stock))
    kept = {row.entry_id: len(row.data) for row in rows(store, story_signature)}
    assert kept[ids[0]] < min(size for number, size in kept.items() if number != ids[0])
    assert {row.items for row in rows(store, story_sentence)} == {6}


def test_stories_that_are_related_are_linked_and_not_folded(store: Store) -> None:
    (one,) = arrive(store, told("Customs officers seize 40 kg of a precursor at Mundra port", TEXT, feed="wire"))
    (other,) = arrive(store, told("Customs officers seize 70 kg of a precursor at Mundra port", TEXT, feed="daily"))
    assert grouped(store) == [[one], [other]]
    (link,) = rows(store, story_link)
    assert {link.entry_id, link.other_entry_id} == {one, other}
    assert link.reasons[-1] == "numbers differ: 40, 70"
    pair = (link.story_id, link.other_id)
    assert store.read(story_views.links, set(pair)) == {pair}
    assert store.read(story_views.links, {link.story_id}) == frozenset()


def why_apart(store: Store) -> list[str]:
    return [row.reasons[-1] for row in rows(store, story_link)]


def test_a_story_that_holds_another_entry_of_its_feed_says_so(store: Store) -> None:
    first = arrive(store, told(MEETING, feed="un"), told(f"{MEETING} today", feed="wire"))
    (later,) = arrive(store, told(MEETING, feed="wire"))
    assert grouped(store) == [first, [later]]
    assert why_apart(store) == [f"one story would hold two entries of wire: {first[1]}, {later}"]


def test_a_story_that_was_closed_says_so(store: Store) -> None:
    arrive(store, told(MEETING, feed="un"))
    arrive(store, told(MEETING, feed="wire", at=NOW + WINDOW))
    arrive(store, told(MEETING, feed="daily", at=NOW + WINDOW + HOUR))
    assert why_apart(store) == ["one came when the other story was closed"]


def test_what_is_alike_but_not_alike_enough_says_so(store: Store) -> None:
    arrive(store, told("Customs officers seize drums of a precursor at Mundra port", feed="wire"))
    arrive(store, told("Customs officers at Mundra port seize ships with coffee", feed="daily"))
    assert why_apart(store) == ["too little in common for one story"]


def test_an_entry_that_two_topics_match_has_one_story_and_keeps_it(store: Store) -> None:
    ids = arrive(store, told(MEETING, topics=("narcotics", "saga")))
    again = [(ids[0], signature(MEETING, "", "en"))]
    store.write(stories.join, again, now=NOW)
    assert grouped(store) == [ids]
    assert len(rows(store, story_signature)) == 1


def test_words_that_change_are_compared_as_they_are_now(store: Store) -> None:
    arrive(store, told("Officers find drums at the harbour of Mundra", feed="wire"))
    (one,) = arrive(store, told("Minister opens budget debate in parliament today", feed="daily"))
    store.write(stories.join, [(one, signature(MEETING, "", "en"))], now=NOW + HOUR)
    arrive(store, told(MEETING, feed="post"))
    assert sorted(map(len, grouped(store))) == [1, 2]


def test_a_member_leaves_its_story_only_when_nothing_is_left_in_common(store: Store) -> None:
    first, second = arrive(store, told(MEETING, feed="un"), told(MEETING, feed="wire"))
    mended = "First drug policy working group held in Washington by United States and India, officials say"
    store.write(stories.join, [(second, signature(mended, "", "en"))], now=NOW)
    assert grouped(store) == [[first, second]]
    store.write(stories.join, [(second, signature("Fishermen return to port after the storm", "", "en"))], now=NOW)
    assert grouped(store) == [[first], [second]]
    store.write(stories.join, [(first, signature("Fishermen go out to sea again this week", "", "en"))], now=NOW)
    assert grouped(store) == [[first], [second]]


def test_entries_of_a_release_that_knew_no_stories_are_given_theirs(store: Store) -> None:
    ids = arrive(store, told(MEETING, feed="un"), told(MEETING, feed="wire"), told(TEXT[:60]), signed=False)
    assert grouped(store) == []
    assert store.write(stories.catch_up, since=NOW - HOUR, now=NOW, limit=2) == 2
    assert store.write(stories.catch_up, since=NOW - HOUR, now=NOW, limit=2) == 1
    assert store.write(stories.catch_up, since=NOW - HOUR, now=NOW) == 0
    assert grouped(store) == [ids[:2], ids[2:]]


def test_old_entries_are_no_longer_found_and_keep_their_stories(store: Store) -> None:
    old = arrive(store, told(MEETING, TEXT, feed="un", at=NOW - timedelta(days=9)))
    new = arrive(store, told(MEETING, TEXT, feed="wire"))
    assert store.write(stories.prune, now=NOW) == 1
    assert {row.entry_id for row in rows(store, story_posting)} == set(new)
    assert [row.entry_id for row in rows(store, story_signature)] == new
    assert grouped(store) == [old, new]
    assert store.read(lambda c: c.execute(select(func.count()).select_from(story)).scalar_one()) == 2


def test_housekeeping_gives_missing_stories_and_prunes_when_no_topic_is_being_tried_on_the_archive(
    store: Store,
) -> None:
    arrive(store, told(MEETING, TEXT, feed="un", at=NOW - timedelta(days=9)))
    late = arrive(store, told(MEETING, TEXT, feed="wire"), signed=False)
    asyncio.run(stories.tidy(store, now=NOW))
    assert len(grouped(store)) == 2
    assert len(rows(store, story_signature)) == 2
    store.write(lambda c: c.execute(topic_version.update().values(replay_after=None)))
    asyncio.run(stories.tidy(store, now=NOW))
    assert [row.entry_id for row in rows(store, story_signature)] == late
