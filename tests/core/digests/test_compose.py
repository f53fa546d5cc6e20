"""What a digest says: one story one line, the nearest source in front, everything counted, nothing twice."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.digests.compose import Limits, compose
from aggregator.core.digests.compose.excerpt import excerpt
from aggregator.core.digests.compose.gather import _signature, by_words, stories
from aggregator.core.model.digests import DigestContent, DueItem, Section, SourceReport
from aggregator.core.model.topics import Fired, Span

NOW = datetime(2026, 1, 22, 2, 0, tzinfo=UTC)
FIRED = (Fired(clause="agencies", points=6.0, spans=(Span(field="title", start=0, end=5),)),)


def make_item(match_id: int, **changes: Any) -> DueItem:
    told: dict[str, Any] = {
        "match_id": match_id,
        "topic_id": "narcotics-policy",
        "topic_name": "Narcotics policy",
        "entry_id": match_id,
        "revision": 1,
        "feed_id": f"feed-{match_id}",
        "feed_name": f"Outlet {match_id}",
        "tier": "media",
        "title": f"ONDCP tells item {match_id}",
        "text": f"The text of item {match_id}. It says more than its title.",
        "link": f"https://example.org/{match_id}",
        "language": "en",
        "published": NOW - timedelta(hours=3),
        "date_suspect": False,
        "first_seen": NOW - timedelta(hours=2),
        "score": 6.0,
        "alert": False,
        "fired": FIRED,
        "story_id": match_id,
    }
    return DueItem(**{**told, **changes})


def alone(items: Sequence[DueItem]) -> list[tuple[int, ...]]:
    return [(at,) for at in range(len(items))]


def digest(items: Sequence[DueItem], **changes: Any) -> DigestContent:
    told: dict[str, Any] = {
        "subscription": "morning",
        "subscriber_name": None,
        "timezone": "Asia/Kolkata",
        "slot_at": NOW,
        "since": NOW - timedelta(days=1),
        "items": items,
        "sources": SourceReport(feeds=3, checked=3),
        "group": alone,
    }
    return compose(**{**told, **changes})


def leads(section: Section) -> list[int]:
    return [line.lead.match_id for line in section.stories]


def only(content: DigestContent) -> Section:
    (section,) = content.sections
    return section


def test_items_of_one_stored_story_become_one_line() -> None:
    content = digest([make_item(1, story_id=7), make_item(2, story_id=7), make_item(3)])
    assert [len(line.also) for line in only(content).stories] == [1, 0]
    assert (content.item_count, content.story_count) == (3, 2)


def test_items_without_a_stored_story_are_grouped_by_what_they_say() -> None:
    items = [make_item(n, story_id=None) for n in (1, 2, 3)]
    content = digest(items, group=lambda loose: [(0, 2), (1,)] if len(loose) == 3 else [])
    assert sorted(len(line.also) for line in only(content).stories) == [0, 1]


def test_the_same_words_from_two_outlets_are_one_story() -> None:
    text = (
        "Delegations of the United States and India opened a working group on drug policy in Washington and agreed to "
        "share leads on precursor diversion while legitimate trade in medicines keeps moving between both countries."
    )
    title = "United States and India open working group on drug policy"
    items = [make_item(n, story_id=None, title=title, text=text) for n in (1, 2)]
    other = make_item(3, story_id=None, title="Port buys new cranes for grain", text="A port bought three cranes.")
    assert by_words([*items, other]) in {((0, 1), (2,)), ((2,), (0, 1))}


def test_what_is_remembered_of_long_texts_is_what_is_compared_of_them() -> None:
    before = _signature.cache_info()
    long = ("A port bought three cranes for grain. " * 2000)[:65_536]
    assert by_words([make_item(n, story_id=None, title="Port buys cranes", text=long + str(n)) for n in (1, 2)])
    after = _signature.cache_info()
    assert (after.misses - before.misses, after.hits - before.hits) == (1, 1)
    assert after.maxsize == 1024


def test_an_item_whose_words_cannot_be_read_stands_alone() -> None:
    broken = make_item(2, story_id=None, title=None)
    assert (1,) in by_words([make_item(1, story_id=None), broken])


def test_grouping_sees_each_entry_once_although_two_topics_matched_it() -> None:
    seen: list[int] = []

    def group(items: Sequence[DueItem]) -> list[tuple[int, ...]]:
        seen.extend(item.entry_id for item in items)
        return alone(items)

    keys = stories([make_item(1, story_id=None), make_item(2, story_id=None, entry_id=1, topic_id="other")], group)
    assert seen == [1]
    assert set(keys) == {1}


def test_the_lead_is_the_nearest_source_then_the_fullest_text_then_the_earliest() -> None:
    def lead_of(*items: DueItem) -> int:
        return only(digest(items)).stories[0].lead.match_id

    story: dict[str, Any] = {"story_id": 7}
    official = make_item(3, tier="official", text="Short.", **story)
    assert lead_of(make_item(1, tier="wire", **story), make_item(2, tier="ngo", **story), official) == 3
    assert lead_of(make_item(1, text="Short.", **story), make_item(2, text="Longer text.", **story)) == 2
    late, early = (make_item(n, first_seen=NOW - timedelta(hours=n), text="Same.", **story) for n in (1, 2))
    assert lead_of(late, early) == 2
    assert lead_of(make_item(2, text="Same.", **story), make_item(1, text="Same.", **story)) == 1


def test_stories_come_by_alert_then_outlets_then_latest_then_match_id() -> None:
    items = [
        make_item(1),
        make_item(2),
        make_item(3, published=NOW, first_seen=NOW),
        make_item(4, story_id=40),
        make_item(5, story_id=40),
        make_item(6, alert=True, first_seen=NOW - timedelta(days=2)),
    ]
    assert leads(only(digest(items))) == [6, 4, 3, 1, 2]


def test_many_copies_from_one_outlet_weigh_as_one() -> None:
    copies = [make_item(n, story_id=40, feed_id="same", first_seen=NOW - timedelta(hours=9)) for n in (1, 2, 3)]
    pair = [make_item(n, story_id=50, first_seen=NOW - timedelta(hours=9)) for n in (8, 9)]
    assert leads(only(digest([*copies, *pair]))) == [8, 1]


@given(order=st.permutations(range(12)))
def test_the_order_in_which_items_arrive_changes_nothing(order: list[int]) -> None:
    items = [make_item(n, story_id=n // 3, tier=("official", "media")[n % 2], alert=n == 5) for n in range(12)]
    assert digest([items[n] for n in order]) == digest(items)


def test_each_topic_tells_25_in_full_25_in_brief_and_counts_the_rest() -> None:
    section = only(digest([make_item(n) for n in range(1, 71)]))
    assert (len(section.stories), len(section.brief), section.more) == (25, 25, 20)


def test_limits_can_be_set() -> None:
    section = only(digest([make_item(n) for n in range(1, 10)], limits=Limits(full=2, brief=3)))
    assert (len(section.stories), len(section.brief), section.more) == (2, 3, 4)


def test_an_entry_that_two_topics_matched_stands_under_both_and_counts_once() -> None:
    content = digest([make_item(1), make_item(2, entry_id=1, topic_id="us-india", topic_name="US-India", story_id=1)])
    assert [leads(section) for section in content.sections] == [[1], [2]]
    assert (content.item_count, content.story_count) == (1, 1)


def test_sections_come_in_the_order_in_which_the_subscription_names_its_topics() -> None:
    items = [make_item(1, topic_id="a"), make_item(2, topic_id="b"), make_item(3, topic_id="zz", topic_name="Z")]
    content = digest(items, topics=(("b", "Bee"), ("a", "Ay"), ("quiet", "Quiet")))
    assert [section.topic_id for section in content.sections] == ["b", "a", "zz"]
    assert content.topics == ("Bee", "Ay", "Quiet")


def test_what_was_alerted_before_is_told_apart_and_not_counted_as_new() -> None:
    content = digest([make_item(1, alerted_at=NOW), make_item(2)])
    assert leads(only(content)) == [2]
    assert [line.lead.match_id for line in only(content).alerted] == [1]
    assert (content.item_count, content.story_count) == (1, 1)


def test_another_outlet_with_the_same_news_does_not_make_an_alerted_story_new() -> None:
    section = only(digest([make_item(1, story_id=7, alerted_at=NOW), make_item(2, story_id=7, tier="ngo")]))
    assert not section.stories
    assert section.alerted[0].lead.match_id == 1
    assert [item.match_id for item in section.alerted[0].also] == [2]


def test_an_alerted_story_is_new_again_when_a_clause_fires_that_had_not() -> None:
    added = (*FIRED, Fired(clause="precursor chain", points=4.0))
    section = only(
        digest([make_item(1, story_id=7, alerted_at=NOW, tier="official"), make_item(2, story_id=7, fired=added)])
    )
    assert leads(section) == [2]
    assert not section.alerted


def test_a_story_is_explained_by_the_strongest_evidence_of_its_members() -> None:
    fired = (
        Fired(clause="agencies", points=6.0),
        Fired(clause="trafficking", points=9.0),
        Fired(clause="sport", points=-4.0),
    )
    (line,) = only(digest([make_item(1, story_id=7), make_item(2, story_id=7, score=11.0, fired=fired)])).stories
    assert line.matched == ("trafficking", "agencies")
    assert line.score == 11.0


def test_words_are_marked_where_clauses_fired_but_not_where_they_lower() -> None:
    item = make_item(
        1,
        title="NCB at a match",
        text="The bureau spoke. A match was played.",
        fired=(
            Fired(
                clause="agencies",
                points=4,
                spans=(Span(field="title", start=0, end=3), Span(field="text", start=4, end=10)),
            ),
            Fired(
                clause="sport",
                points=-2,
                spans=(Span(field="title", start=9, end=14), Span(field="tag", start=0, end=3)),
            ),
        ),
    )
    (line,) = only(digest([item])).stories
    assert [run for run in line.headline.runs if run[1]] == [("NCB", True)]
    assert line.excerpt is not None
    assert [run for run in line.excerpt.runs if run[1]] == [("bureau", True)]


def test_a_text_that_only_repeats_the_title_is_not_quoted() -> None:
    (line,) = only(digest([make_item(1, title="NCB meets ONDCP", text="NCB  meets\nONDCP")])).stories
    assert line.excerpt is None


@pytest.mark.parametrize(
    ("changes", "headline"),
    [
        ({"title": " ", "text": "The first words. Then more."}, "The first words. Then more."),
        ({"title": "", "text": "", "link": "https://www.example.org/a"}, "Untitled, at www.example.org"),
        ({"title": "", "text": "", "link": None}, "Untitled, at Outlet 1"),
    ],
)
def test_case_6_14_an_untitled_entry_still_has_a_headline(changes: dict[str, Any], headline: str) -> None:
    (line,) = only(digest([make_item(1, **changes)])).stories
    assert "".join(text for text, _ in line.headline.runs) == headline


def test_an_item_that_cannot_be_quoted_costs_only_its_own_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails_on_poison(text: str, spans: Any, limit: int) -> Any:
        if "poison" in text:
            raise RuntimeError
        return excerpt(text, spans, limit)

    monkeypatch.setattr("aggregator.core.digests.compose.content.excerpt", fails_on_poison)
    section = only(digest([make_item(1, text="poison"), make_item(2)]))
    assert [bool(line.headline.runs) for line in section.stories] == [False, True]


def test_nothing_due_makes_an_empty_content_that_still_tells_of_sources() -> None:
    content = digest([], topics=(("a", "Ay"),), archive=False, coalesced=2)
    assert (content.sections, content.item_count, content.story_count, content.coalesced) == ((), 0, 0, 2)
    assert content.sources.checked == 3
    assert content.topics == ("Ay",)
