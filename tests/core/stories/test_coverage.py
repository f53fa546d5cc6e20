"""What each feed is worth to a topic."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.model.trends import Hit
from aggregator.core.stories.coverage import coverage
from tests.factories import NOW


def hit(story: str, feed: str, hours: float, *, live: bool = True) -> Hit:
    return Hit(entry_id=1, story=story, feed_id=feed, tier="media", first_seen=NOW + timedelta(hours=hours), live=live)


def test_a_feed_is_worth_what_it_alone_had_and_what_it_had_first() -> None:
    hits = [
        hit("seizure", "un", 0),
        hit("seizure", "wire", 3),
        hit("seizure", "wire", 4),
        hit("treaty", "un", 1),
        hit("treaty", "wire", 2),
        hit("report", "un", 5),
        hit("raid", "wire", 6),
        hit("raid", "un", 6),
    ]
    un, wire = coverage("narcotics", hits)
    assert (un.feed_id, un.hits, un.stories, un.alone, un.first, un.lead) == ("un", 4, 4, 1, 2, timedelta(hours=1))
    assert (wire.hits, wire.stories, wire.alone, wire.first, wire.lead) == (4, 3, 0, 0, None)
    assert (un.of_topic, un.share) == (4, 0.25)


def test_an_archive_that_came_with_a_feed_was_never_first() -> None:
    assert coverage("narcotics", [hit("old", "un", 0, live=False)]) == ()
    (wire,) = coverage("narcotics", [hit("old", "un", 0, live=False), hit("old", "wire", 9)])
    assert (wire.feed_id, wire.alone) == ("wire", 1)


@given(
    st.lists(
        st.tuples(st.integers(0, 8), st.sampled_from("abcd"), st.integers(0, 40)),
        max_size=60,
    )
)
def test_each_story_rests_on_one_feed_or_on_several_and_at_most_one_was_first(
    told: list[tuple[int, str, int]],
) -> None:
    values = coverage("narcotics", [hit(str(story), feed, hour) for story, feed, hour in told])
    carriers = {story: {feed for other, feed, _ in told if other == story} for story, _, _ in told}
    assert sum(one.alone for one in values) == sum(len(feeds) == 1 for feeds in carriers.values())
    assert sum(one.first for one in values) <= sum(len(feeds) > 1 for feeds in carriers.values())
    assert sum(one.hits for one in values) == len(told)
    assert all(one.lead is None or one.lead > timedelta() for one in values)
