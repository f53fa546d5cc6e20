"""A reader is told a story once; it returns with substance only, and a flooded topic is summed up."""

from datetime import timedelta
from typing import Any

import pytest

from aggregator.core.digests.compose.flood import flood_of
from aggregator.core.digests.compose.known import weighed
from aggregator.core.digests.compose.known import what_is_new as news_of
from aggregator.core.model.digests import DueItem, Flood, ToldItem
from tests.core.digests.test_compose import NOW, digest, make_item, only

SEIZED = "The navy seized 412 kg of methamphetamine off Gujarat."
TOLD_AT = NOW - timedelta(days=1)


def item(match_id: int, text: str = SEIZED, **said: Any) -> DueItem:
    values: dict[str, Any] = {"story_id": 7, "title": "Navy seizes methamphetamine", "text": text, **said}
    return make_item(match_id, **values)


def told(*items: DueItem) -> dict[int, tuple[ToldItem, ...]]:
    return {7: tuple(ToldItem(item=one, at=TOLD_AT, digest_id=3) for one in items)}


def test_a_copy_of_what_was_told_is_known() -> None:
    shown, known = weighed([item(2)], told(item(1)))
    assert (shown, [one.match_id for one in known]) == ((), [2])


def test_a_new_number_brings_a_story_back_with_the_day_it_was_first_told() -> None:
    (shown,), known = weighed([item(2, SEIZED.replace("412 kg", "900 kg"))], told(item(1)))
    assert known == ()
    assert any("900 kg" in said for said in shown.news)
    assert (shown.told_at, shown.told_in) == (TOLD_AT, 3)


def test_a_copy_stands_beside_the_item_that_brings_something_new() -> None:
    shown, known = weighed([item(2), item(3, SEIZED.replace("412 kg", "900 kg"))], told(item(1)))
    assert (len(shown), known) == (2, ())
    (line,) = only(digest(shown)).stories
    assert any("900 kg" in said for said in line.news)
    assert line.told_at == TOLD_AT


def test_an_official_source_that_joins_is_news() -> None:
    (shown,), _ = weighed([item(2, tier="official")], told(item(1)))
    assert shown.news[0] == "official source: Outlet 2"


def test_items_of_other_stories_and_of_none_are_told_as_new() -> None:
    items = [item(2, story_id=8), item(3, story_id=None)]
    shown, known = weighed(items, told(item(1)))
    assert (list(shown), known) == (items, ())


def test_the_same_items_give_the_same_answer_in_any_order() -> None:
    items = [item(2), item(3, story_id=8), item(4, SEIZED.replace("412", "90"))]
    forward, backward = weighed(items, told(item(1))), weighed(items[::-1], told(item(1)))
    assert {one.match_id: one for one in forward[0]} == {one.match_id: one for one in backward[0]}
    assert forward[1] == backward[1]


def test_an_item_whose_words_cannot_be_read_is_never_left_out() -> None:
    assert news_of([item(1)], [item(2, title=None)]) == {2: ("another report",)}


@pytest.mark.parametrize(
    ("count", "daily", "days", "flooded"),
    [
        (50, [0] * 14, 1, False),
        (51, [0] * 14, 1, True),
        (200, [20] * 14, 1, False),
        (201, [20] * 14, 1, True),
        (201, [20] * 14, 2, False),
        (201, [500, *[20] * 13], 1, True),
        (500, [0] * 6, 1, False),
        (500, [], 1, False),
    ],
)
def test_a_topic_is_flooded_by_ten_times_its_usual_day_once_it_has_one(
    count: int, daily: list[int], days: float, flooded: bool
) -> None:
    assert (flood_of(count, daily, days=days) is not None) == flooded


def test_a_flooded_topic_is_a_number_and_five_titles() -> None:
    items = [make_item(n) for n in range(1, 62)]
    section = only(digest(items, floods={"narcotics-policy": Flood(count=61, usual=2)}))
    assert (section.stories, len(section.brief), section.more) == ((), 5, 56)
