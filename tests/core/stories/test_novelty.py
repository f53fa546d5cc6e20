"""What is new in an entry to somebody who knows the story, and in which words it is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.stories.amounts import amounts, days, same_amount, same_day
from aggregator.core.stories.bodies import bodies
from aggregator.core.stories.novelty import Facts, facts, news, told

BEFORE = facts(
    title="Navy seizes 3 tonnes of hashish off the western coast",
    text="The Indian Coast Guard and the Narcotics Control Bureau arrested 14 people on 27 January, officials said.",
    tier="wire",
    source="Example Wire",
    clauses=["trafficking"],
)


def said(title: str, text: str = "", *, tier: str = "media", clauses: tuple[str, ...] = ("trafficking",)) -> list[str]:
    return [str(one) for one in news(BEFORE, facts(title=title, text=text, tier=tier, source="DEA", clauses=clauses))]


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("Hashish haul at sea: navy takes drugs from boat", "Neighbours said they had seen nothing at all."),
        ("Navy seizes 3.2 tonnes of hashish", "It is the largest haul for years."),
        ("Navy seizes 3,000 kg of hashish", "On Jan. 27, 2026 fourteen people were held; the NCB thanked the Coast Guard."),
        ("14 arrested as hashish is seized", ""),
        ("", ""),
    ],
    ids=["other_words", "a_rounder_number", "other_units_and_an_acronym", "the_same_count", "nothing"],
)  # fmt: skip
def test_the_same_news_in_other_words_is_nothing_new(title: str, text: str) -> None:
    assert said(title, text) == []


@pytest.mark.parametrize(
    ("title", "text", "expected"),
    [
        ("Hashish worth Rs 1,200 crore seized", "", "new number: Rs 1,200 crore"),
        ("16 people arrested over hashish", "", "new number: 16 people"),
        ("Haul of hashish grows to 5.4 tonnes", "", "new number: 5.4 tonnes"),
        ("Hashish case goes on", "The Drug Enforcement Administration took part.", "newly named: Drug Enforcement Administration"),
        ("Hashish case goes on", "The DEA took part, officers said.", "newly named: DEA"),
        ("Hashish case goes to court", "A hearing is set for 5 March.", "new date: 5 March"),
    ],
)  # fmt: skip
def test_substance_is_told_in_the_words_it_came_in(title: str, text: str, expected: str) -> None:
    assert said(title, text) == [expected]


def test_an_official_source_that_joins_is_news_once() -> None:
    assert said("Hashish seized", tier="official") == ["official source: DEA"]
    joined = told([BEFORE, facts(title="Hashish seized", text="", tier="official", source="DEA")])
    again = facts(title="Hashish seized", text="", tier="official", source="Home Ministry")
    assert news(joined, again) == ()


def test_a_clause_that_had_not_fired_is_news() -> None:
    assert said("Hashish seized", clauses=("precursors", "trafficking")) == ["new clause: precursors"]


def test_each_kind_is_told_at_most_three_times_and_each_once_before_any_is_told_again() -> None:
    text = "They found 5 kg, 6 kg, 7 kg and 8 kg. A hearing is on 5 March; Europol was told."
    assert said("Hashish seized", text, tier="official") == [
        "official source: DEA", "new number: 5 kg", "newly named: Europol", "new date: 5 March", "new number: 6 kg",
        "new number: 7 kg",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3.2 tonnes of it", [(3200, "kg")]),
        ("30kg of heroin, 40 pounds of meth", [(30, "kg"), (18.14, "kg")]),
        ("$2.5m, US$ 3 million and £300", [(2.5e6, "dollars"), (3e6, "dollars"), (300, "pounds sterling")]),
        ("Rs. 50 lakh or 1,20,000 rupees", [(5e6, "rupees"), (120_000, "rupees")]),
        ("12 percent, 15% of 2,000 hectares", [(12, "percent"), (15, "percent"), (2000, "hectares")]),
        ("1.2 million pills", [(1.2e6, "pills")]),
        ("five suspected traffickers arrested", [(5, "arrested")]),
        ("20 years in prison", [(20, "years")]),
        ("in 2026 at 10:30 on page 3 of Rule 12", []),
        ("10 m", []),
        ("27 January 2026", []),
        ("He was 40. People said so", []),
        ("खेप की कीमत ₹310 करोड़ है", [(3.1e9, "rupees")]),
        ("४१२ किलोग्राम और 2.5 करोड़ रुपये", [(412, "kg"), (2.5e7, "rupees")]),
        ("40 फ़ीसदी, 5 लोग", [(40, "percent"), (5, "people")]),
    ],
)  # fmt: skip
def test_an_amount_is_a_number_of_something(text: str, expected: list[tuple[float, str]]) -> None:
    assert [(round(one.value, 2), one.unit) for one in amounts(text)] == expected


def test_a_day_is_named_with_its_month() -> None:
    shown = [
        day.shown for day in days("27 January, Jan. 28, 2026, 2026-03-05, 4th of May; Monday, 2026, 31/12, May 40")
    ]
    assert shown == ["27 January", "28 January 2026", "5 March 2026", "4 May"]
    assert same_day(days("27 January")[0], days("27 January 2026")[0])
    assert not same_day(days("27 January 2025")[0], days("27 January 2026")[0])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The Narcotics Control Bureau (NCB) said", ["NCB"]),
        ("After Mumbai Police said so, the Supreme Court of India ruled", ["Mumbai Police", "Supreme Court of India"]),
        ("the Ministry of Home Affairs\u2019 move", ["Ministry of Home Affairs"]),
        ("UNODC and Europol agreed", ["UNODC", "Europol"]),
        ("Renee Good met Amit Shah in New Delhi", []),
        ("the court and the police of the state", []),
        ("POLICE SEIZE DRUGS WITH DEA AT MUMBAI PORT AUTHORITY", []),
        ("the CEO of a GPS firm in the USA", []),
    ],
)
def test_a_body_says_in_its_name_what_it_is(text: str, expected: list[str]) -> None:
    assert sorted(bodies(text).values()) == sorted(expected)


def test_a_headline_with_capitals_everywhere_names_nobody() -> None:
    assert facts(title="Mumbai Police Seize Large Haul Of Hashish", text="").bodies == {}
    assert list(facts(title="Mumbai Police seize large haul of hashish", text="").bodies) == ["mumbai police"]


WORDS = st.lists(
    st.sampled_from(
        [
            "3",
            "tonnes",
            "kg",
            "Rs",
            "$",
            "14",
            "people",
            "two",
            "of",
            "DEA",
            "(NCB)",
            "Mumbai",
            "Police",
            "5",
            "March",
            ".",
            "the",
        ]
    ),
    max_size=30,
).map(" ".join)


@given(before=WORDS, text=WORDS)
def test_what_was_told_is_never_news_again(before: str, text: str) -> None:
    known, item = facts(title="", text=before), facts(title="", text=text)
    assert news(told([known, item]), item) == ()
    assert news(item, item) == ()
    assert news(told([]), item) == news(Facts(), item)


@given(text=st.text(max_size=500))
def test_any_text_has_facts(text: str) -> None:
    item = facts(title=text[:50], text=text)
    assert all(one.value >= 0 and same_amount(one, one) and one.shown for one in item.amounts)


@pytest.mark.timeout(10)  # a quadratic pattern takes minutes
@pytest.mark.parametrize("unit", ["A ", "Aa of ", "1,000", "1", "May ", "A(", "$ ", "Rs ", "DEA ", "x", "\u0301"])
def test_a_hostile_text_costs_next_to_nothing(unit: str) -> None:
    facts(title=(unit * 100_000)[:100_000], text=(unit * 100_000)[:100_000])
