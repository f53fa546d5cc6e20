"""What of an entry is compared, and what is left out first."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.stories.signature import MAX_POSTED, signature

TITLE = "Customs officers seize forty kilograms of a precursor at Mundra port"
TEXT = "Officers opened two containers on Tuesday and found the chemical in drums labelled as detergent."


@pytest.mark.parametrize(
    "around",
    [
        "{} - Reuters",
        "{} | The Example Times",
        "Watch: {}",
        "Breaking news: {}",
        "UPDATE 2-{}",
        "  {}\n",
        "LIVE | {}",
    ],
)
def test_what_publishers_put_around_a_title_is_left_out(around: str) -> None:
    assert signature(around.format(TITLE), TEXT).title_tokens == signature(TITLE, TEXT).title_tokens


def test_a_title_that_is_all_suffix_or_number_stays_whole() -> None:
    assert len(signature("Mundra - Customs seize drums", "").title_tokens) == 4
    assert signature("Precursor seizures in the port of Mundra - 3 held", "").numbers == {"3"}


@pytest.mark.parametrize(
    "around",
    ["MUNDRA (AP) \u2014 {}", "NEW DELHI: {}", "PARIS (Reuters) - {}", "{} Continue reading...", "{} Read more"],
)
def test_datelines_and_stock_phrases_are_left_out_of_the_text(around: str) -> None:
    assert signature(TITLE, around.format(TEXT)).shingles == signature(TITLE, TEXT).shingles


def test_words_are_compared_by_their_stems_in_the_entry_s_language() -> None:
    one = signature("Narcotraficantes detenidos en Bogotá", "", "es")
    other = signature("Narcotraficante detenido en Bogota", "", "es-CO")
    assert one.title_tokens == other.title_tokens


def test_scripts_without_spaces_are_compared_by_pairs_of_characters() -> None:
    assert signature("海关查获芬太尼", "").title_tokens == {"海关", "关查", "查获", "获芬", "芬太", "太尼"}


def test_numbers_of_the_title_are_kept_whole() -> None:
    assert signature("Navy seizes 3,200 kg, or 3.2 tonnes, of hashish", "").numbers == {"3200", "3.2"}


@pytest.mark.parametrize(
    ("title", "explains"),
    [
        ("Who leads the new working group", True),
        ("Precursors: what the rule changes", True),
        ("Is the treaty dead?", True),
        ("Analysis: a treaty at sixty", True),
        ("Ministers sign the treaty in Vienna", False),
        ("Treaty signed, ministers say how", False),
    ],
)
def test_questions_and_analyses_are_told_from_reports(title: str, explains: bool) -> None:
    assert signature(title, "").explains is explains


def test_an_entry_is_posted_under_few_long_words() -> None:
    posted = signature(TITLE, TEXT * 50).tokens
    assert len(posted) == MAX_POSTED == len(set(posted))
    assert "precursor" in posted
    assert "of" not in posted


@given(title=st.text(max_size=300), text=st.text(max_size=600), language=st.sampled_from([None, "en", "hi", "xx", ""]))
def test_any_text_has_a_signature_and_always_the_same(title: str, text: str, language: str | None) -> None:
    signed = signature(title, text, language)
    assert signed == signature(title, text, language)
    assert len(signed.tokens) <= MAX_POSTED
    assert all(0 <= one < 2**32 for one in signed.shingles | signed.opening)
    assert signed.opening <= signed.shingles


@pytest.mark.timeout(10)  # a quadratic pattern takes minutes
@pytest.mark.parametrize("unit", [" - ", "the post ", "1.", "A (", ": ", "after ", "x", "中", "live: ", "\u0301"])
def test_a_hostile_title_of_a_hundred_thousand_characters_costs_next_to_nothing(unit: str) -> None:
    signature((unit * 100_000)[:100_000], (unit * 100_000)[:100_000])
