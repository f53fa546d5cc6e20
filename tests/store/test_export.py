"""An export reads page by page, misses nothing and tells nothing twice."""

from datetime import date
from itertools import islice

import pytest

from aggregator.core.model.topics import Origin
from aggregator.store import export
from aggregator.store.database import Store
from tests.factories import make_feed, make_topic
from tests.history import at, came, follow, told

TODAY = date(2026, 1, 27)


def numbers(store: Store, **asked: object) -> list[int]:
    wanted = export.Asked(**{"topic_ids": ("narcotics",), "since": at(TODAY, 0), **asked})  # type: ignore[arg-type]  # plain values of a test
    found = [proof.entry_id for proof in export.proofs(store, wanted)]
    assert store.read(export.count, wanted) == len(found)
    return found


def test_every_match_of_the_span_comes_once_also_those_of_one_instant(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "PAGE", 3)
    follow(store, [make_feed()], since=at(TODAY, 0))
    early = came(store, "wire", [at(TODAY, 1)] * 7)
    later = came(store, "wire", [at(TODAY, 2), at(TODAY, 3)])
    came(store, "wire", [at(date(2026, 1, 26), 23)])
    assert numbers(store) == [*early, *later]
    assert numbers(store, until=at(TODAY, 3)) == [*early, later[0]]
    assert numbers(store, since=at(TODAY, 4)) == []


def test_an_entry_is_chosen_by_when_it_came_not_by_when_a_topic_found_it(store: Store) -> None:
    follow(store, [make_feed()], since=at(TODAY, 0))
    came(store, "wire", [at(date(2026, 1, 20))], origin=Origin.REPLAY, matched_at=at(TODAY, 5))
    assert numbers(store) == []
    assert len(numbers(store, since=at(date(2026, 1, 20), 0))) == 1


def test_topics_come_one_after_the_other_with_what_is_known_of_each_match(store: Store) -> None:
    follow(store, [make_feed(name="The Wire")], since=at(TODAY, 0))
    follow(store, [make_feed(name="The Wire")], topic=make_topic("other"), since=at(TODAY, 0))
    (both,) = came(store, "wire", [at(TODAY, 1)], topics=("narcotics", "other"))
    story = told(store, [both])
    asked = export.Asked(topic_ids=("other", "narcotics"), since=at(TODAY, 0))
    first, second = export.proofs(store, asked)
    assert [first.topic_id, second.topic_id] == ["other", "narcotics"]
    assert (first.feed_name, first.story_id, first.topic_version, first.words.n) == ("The Wire", story, 1, 1)
    assert [fired.clause for fired in first.fired] == ["query"]


def test_no_more_than_a_page_is_read_before_it_is_wanted(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "PAGE", 4)
    follow(store, [make_feed()], since=at(TODAY, 0))
    came(store, "wire", [at(TODAY, 1)] * 12)
    pages: list[int] = []
    page = export.page

    def counted(*args: object) -> object:
        found = page(*args)  # type: ignore[arg-type]  # passed on as they came
        pages.append(len(found))
        return found

    monkeypatch.setattr(export, "page", counted)
    list(islice(export.proofs(store, export.Asked(topic_ids=("narcotics",), since=at(TODAY, 0))), 5))
    assert pages == [4, 4]
