"""What two entries are to each other once their feeds, addresses, days and topics are known."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.model.stories import FOLDED, Kind
from aggregator.core.stories.compact import packed, unpacked
from aggregator.core.stories.group import count, in_order
from aggregator.core.stories.shelf import MAX_MEMBERS, Item, Shelf, judge
from aggregator.core.stories.signature import signature, signed, without
from aggregator.core.stories.vocabulary import EVERYWHERE, Vocabulary
from tests.factories import NOW

DAY = timedelta(days=1)
TEXT = (
    "Officers opened two containers on Tuesday and found the chemical in drums that were labelled as detergent there."
)


def item(number: int, title: str, text: str = "", *, feed: str = "", **more: Any) -> Item:
    values = {"feed_id": feed or f"feed-{number}", "at": NOW, **more}
    return Item(id=number, signed=signature(title, text, "en"), **values)


def kind(one: Item, other: Item) -> Kind:
    there, back = judge(one, other, lambda _: 1.0), judge(other, one, lambda _: 1.0)
    assert there == back
    return there.kind


def test_a_column_that_comes_back_is_another_story_each_day() -> None:
    monday = item(1, "Best pictures of the world on Monday 26 January", TEXT, feed="daily")
    tuesday = item(2, "Best pictures of the world on Tuesday 27 January", TEXT, feed="daily", at=NOW + DAY)
    assert judge(monday, tuesday, lambda _: 1.0).reasons[-1] == "a column that comes back on other days"
    assert kind(monday, tuesday) is Kind.DIFFERENT


def test_a_series_under_one_label_is_compared_by_what_stands_behind_it() -> None:
    one = item(1, "The week in drug policy: Vienna adopts a list of precursors", TEXT)
    other = item(2, "The week in drug policy: Colombia sprays coca fields again", TEXT)
    assert kind(one, other) is Kind.DIFFERENT


@pytest.mark.parametrize("mark", ["Live: {}", "{} - live updates", "{}: as it happened"])
def test_a_live_page_is_never_folded(mark: str) -> None:
    title = "Customs officers seize drums of a precursor at Mundra port"
    assert kind(item(1, title, TEXT), item(2, mark.format(title) + " today", TEXT)) not in FOLDED


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("Cricket World Cup semi final: India v New Zealand", "Cricket World Cup semi final: India v Australia", Kind.DIFFERENT),
        ("Cricket World Cup semi final India 2-1 Ghana", "Cricket World Cup semi final Peru 2-1 Ghana", Kind.DIFFERENT),
        ("Cricket World Cup semi final: India v Ghana", "World Cup cricket semi final India v Ghana", Kind.SAME),
    ],
)  # fmt: skip
def test_matches_of_other_sides_are_other_stories(one: str, other: str, expected: Kind) -> None:
    assert kind(item(1, one), item(2, other)) is expected


def test_two_entries_of_one_feed_are_beside_each_other_unless_they_are_the_same() -> None:
    title = "Customs officers seize drums of a precursor at Mundra port"
    assert kind(item(1, title, TEXT, feed="a"), item(2, f"{title} today", TEXT, feed="a")) is Kind.RELATED
    assert kind(item(1, title, TEXT, feed="a"), item(2, title, TEXT, feed="a")) is Kind.EXACT


def test_one_address_in_two_feeds_is_one_entry_where_its_words_agree() -> None:
    one = item(1, "Customs officers seize drums of a precursor at Mundra port", TEXT, link=b"x" * 16)
    assert kind(one, item(2, "Customs officers seize drums at Mundra port", "Other.", link=b"x" * 16)) is Kind.EXACT
    assert kind(one, item(2, "Mundra haul", TEXT, link=b"x" * 16)) is Kind.EXACT
    assert kind(one, item(2, "Fishermen return to Mundra after the storm", link=b"x" * 16)) is Kind.DIFFERENT
    bulletin = [item(n, f"Bulletin of the customs office, number {n}", feed="a", link=b"x" * 16) for n in (12, 13)]
    assert kind(*bulletin) not in FOLDED


def test_titles_that_share_only_what_every_title_of_a_topic_says_are_not_folded() -> None:
    ohio, utah = (
        "DEA seizes fentanyl pills in raid on Ohio warehouse",
        "DEA seizes fentanyl pills in raid on warehouse in Provo, Utah county",
    )
    assert kind(item(1, ohio), item(2, utah)) in FOLDED
    usual = [item(n, f"DEA seizes fentanyl pills in warehouse raid number{n}") for n in range(10, 150)]
    found = in_order([*usual, item(1000, ohio), item(1001, utah)])
    assert found[1000] == [1000]
    assert found[1001] == [1001]


def test_a_word_tells_less_the_more_entries_of_a_topic_have_it_and_leads_nowhere_in_the_end() -> None:
    vocabulary = Vocabulary()
    before = vocabulary.spoken({"a"}, NOW.date()).weigh("fentanyl")
    for number in range(EVERYWHERE + 1):
        count(vocabulary, item(number, f"Fentanyl found once more {number}", topics=frozenset({"a"})))
    spoken = vocabulary.spoken({"a", "b"}, NOW.date())
    assert before == pytest.approx(1.0)
    assert spoken.weigh("fentanyl") < 0.2
    assert vocabulary.spoken({"a"}, NOW.date()).weigh("haldia") > before
    assert spoken.is_everywhere("fentanyl")
    assert not vocabulary.spoken({"b"}, NOW.date()).is_everywhere("fentanyl")
    assert not vocabulary.spoken({"a"}, NOW.date() + 4 * DAY).is_everywhere("fentanyl")


def test_a_sentence_of_more_than_five_entries_of_a_feed_is_stock_in_that_feed() -> None:
    shelf = Shelf()
    bare = [shelf.bare(item(n, f"Headline number{n} of the day", TEXT, feed="a")).signed for n in range(6)]
    assert [bool(one.shingles) for one in bare] == [True] * 5 + [False]
    assert shelf.bare(item(9, "Another headline of the day", TEXT, feed="b")).signed.shingles


SEIZED = "Customs officers seize drums of a precursor at Mundra port"


def why_apart(shelf: Shelf, one: Item) -> list[str]:
    placed = shelf.place(one, list(shelf.items))
    return [link.relation.reasons[-1] for link in placed.links]


def test_entries_that_a_person_parted_are_beside_each_other_and_it_is_said() -> None:
    shelf = Shelf(apart={frozenset({1, 2})})
    shelf.put(item(1, SEIZED, TEXT), 1)
    assert why_apart(shelf, item(2, SEIZED, TEXT)) == ["a person parted them"]


def test_a_full_story_says_that_it_is_full() -> None:
    shelf = Shelf()
    for number in range(1, MAX_MEMBERS + 1):
        shelf.put(item(number, SEIZED, TEXT), 1)
    assert why_apart(shelf, item(99, SEIZED, TEXT)) == ["a story holds 60 entries at most"]


def test_likeness_to_a_later_entry_alone_is_told_as_such() -> None:
    shelf = Shelf()
    shelf.put(item(1, "Harbour master of Mundra welcomes a new patrol boat"), 1)
    shelf.put(item(2, SEIZED, TEXT), 1)
    (why,) = why_apart(shelf, item(3, SEIZED, TEXT))
    assert why == "alike to a later entry of the other story, not to the one it began with"


def test_of_two_stories_that_it_is_like_the_one_it_did_not_join_says_so() -> None:
    shelf = Shelf()
    shelf.put(item(1, f"{SEIZED} again"), 1)
    shelf.put(item(2, SEIZED, TEXT), 2)
    placed = shelf.place(item(3, SEIZED, TEXT), [1, 2])
    assert placed.story == 2
    assert why_apart(shelf, item(3, SEIZED, TEXT)) == ["a third story is closer to one of them"]


WORDS = st.lists(
    st.sampled_from(
        ["customs", "port", "seize", "Treaty:", "vote", "40", "after", "why", "not", "a v b", "live", "माल", "海关"]
    )
)


@given(title=WORDS.map(" ".join), text=WORDS.map(". ".join))
def test_a_signature_survives_being_kept(title: str, text: str) -> None:
    one = without(signature(title, text * 3), ())
    assert unpacked(packed(one)) == one


def test_what_another_version_kept_is_not_read() -> None:
    raw = packed(signature("Customs seize drums", TEXT))
    assert unpacked(b"\x09" + raw[1:]) is None
    assert unpacked(b"") is None


def test_words_that_cannot_be_read_stand_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = signature("", "")

    def fail(title: str, text: str, language: str | None = None) -> Any:
        if title:
            raise RuntimeError("a word that no rule foresaw")
        return alone

    monkeypatch.setattr("aggregator.core.stories.signature.signature", fail)
    assert signed("Poison", TEXT) == alone
