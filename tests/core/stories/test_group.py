"""Groups: one story, one line, and no chains."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.stories.group import Told, group
from aggregator.core.stories.shelf import MAX_MEMBERS, WINDOW
from aggregator.core.stories.signature import signature
from tests.factories import NOW

HOUR = timedelta(hours=1)
MEETING = "United States and India hold first drug policy working group in Washington"


def item(title: str, text: str = "", *, feed: str = "wire", hours: float = 0) -> Told:
    return (feed, NOW + HOUR * hours, signature(title, text, "en"))


def test_one_story_in_four_outlets_is_one_group_and_other_news_stays_apart() -> None:
    items = [
        item(MEETING, feed="official"),
        item("India, United States hold first drug policy working group in Washington", feed="wire", hours=2),
        item("Fishermen return to port after the storm warning ends", feed="daily", hours=2),
        item("First drug policy working group of United States and India held in Washington", feed="daily", hours=3),
        item(f"{MEETING} - The Post", feed="post", hours=5),
    ]
    assert group(items) == ((0, 1, 3, 4), (2,))


def test_groups_begin_with_what_was_seen_first_whatever_the_order() -> None:
    items = [item(MEETING, feed="late", hours=4), item(MEETING, feed="early"), item(MEETING, feed="mid", hours=1)]
    assert group(items) == ((1, 2, 0),)


def test_two_entries_of_one_feed_are_folded_only_when_they_are_the_same() -> None:
    other = "India, United States hold first drug policy working group in Washington"
    assert group([item(MEETING), item(other)]) == ((0,), (1,))
    assert group([item(MEETING), item(other, feed="daily"), item(other, feed="daily", hours=1)]) == ((0, 1, 2),)
    assert group([item(MEETING), item(MEETING, "They met on Monday, officials said in Washington.")]) == ((0,), (1,))


def test_a_group_spans_three_days() -> None:
    inside, outside = WINDOW / HOUR, WINDOW / HOUR + 0.1
    assert len(group([item(MEETING, feed="a"), item(MEETING, feed="b", hours=inside)])) == 1
    assert len(group([item(MEETING, feed="a"), item(MEETING, feed="b", hours=outside)])) == 2


def test_a_group_has_a_largest_size() -> None:
    found = group([item(MEETING, feed=f"feed-{n}") for n in range(MAX_MEMBERS + 5)])
    assert [len(members) for members in found] == [MAX_MEMBERS, 5]


def test_numbers_that_contradict_stay_apart() -> None:
    items = [
        item("Navy seizes 1.1 tonnes of hashish off the western coast", feed="a"),
        item("Navy seizes 3.2 tonnes of hashish off the western coast", feed="b"),
    ]
    assert len(group(items)) == 2


def test_a_chain_of_alike_neighbours_does_not_become_one_story() -> None:
    words = [f"word{chr(97 + n)}" for n in range(20)]
    # Each title shares seven of eight words with the next; the ends share none.
    items = [item(" ".join(words[n : n + 8]), feed=f"feed-{n}", hours=n / 10) for n in range(13)]
    assert max(len(members) for members in group(items)) <= 4


def test_nothing_makes_no_group() -> None:
    assert group([]) == ()


TITLES = st.lists(
    st.sampled_from(["customs", "port", "seize", "precursor", "treaty", "vote", "budget", "minister", "40", "70"]),
    min_size=0,
    max_size=7,
)
ITEMS = st.lists(
    st.builds(
        lambda words, feed, hours: item(" ".join(words), feed=feed, hours=hours),
        TITLES,
        st.sampled_from(["a", "b", "c"]),
        st.integers(0, 100),
    ),
    max_size=25,
)


@given(items=ITEMS)
def test_every_item_is_in_exactly_one_group_in_order_of_time(items: list[Told]) -> None:
    found = group(items)
    assert sorted(at for members in found for at in members) == list(range(len(items)))
    for members in found:
        seen: list[datetime] = [items[at][1] for at in members]
        assert seen == sorted(seen)
        assert seen[-1] - seen[0] <= WINDOW
    assert found == group(items)


def test_a_day_of_one_saga_among_much_else_is_grouped_in_bounded_time() -> None:
    places = ["Mundra", "Chennai", "Kochi", "Mumbai", "Kandla", "Vizag", "Goa", "Haldia"]
    items = [
        item(f"Customs officers seize drums of precursor number{n} at {places[n % 8]} port", feed=f"feed-{n}")
        for n in range(1500)
    ]
    assert sum(len(members) for members in group(items)) == 1500
