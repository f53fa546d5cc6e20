"""Duplicate, same, related, different: and why."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.stories.relation import FOLDED, Kind, relate
from aggregator.core.stories.signature import signature

PAIRS = Path(__file__).resolve().parents[3] / ".." / "shared" / "data" / "story_pairs_dev.jsonl"
TITLE = "Customs officers seize 40 kg of a precursor at Mundra port"
TEXT = (
    "Officers of the coastal unit opened two containers on Tuesday and found the chemical in drums that were labelled "
    "as detergent, the customs department said in a statement issued from its western headquarters."
)


def kind(a: tuple[str, str], b: tuple[str, str]) -> Kind:
    there, back = relate(signature(*a), signature(*b)), relate(signature(*b), signature(*a))
    assert there == back
    return there.kind


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ((TITLE, TEXT), Kind.EXACT),
        ((f"{TITLE} - The Wire", f"MUNDRA (AP) \u2014 {TEXT} Read more"), Kind.EXACT),
        (("Precursor seized at port of Mundra", TEXT + " Two people were held."), Kind.DUPLICATE),
        (("At Mundra port, officers seize 40 kg of precursor", "The haul was made by the coastal unit."), Kind.SAME),
        (("Customs officers at Mundra port praised for drill", "A drill was held on Friday."), Kind.DIFFERENT),
        (("Customs officers seize 70 kg of a precursor at Mundra port", TEXT), Kind.RELATED),
        (("Why do customs officers seize 40 kg of precursor at Mundra port?", "A look back."), Kind.DIFFERENT),
        (("Traders protest after 40 kg precursor seizure by customs at Mundra port", TEXT[:120]), Kind.RELATED),
        (("Port scandal widens", TEXT[:120]), Kind.DIFFERENT),
        (("Scandal of Mundra port widens", f"{TEXT[:120]} The minister asked for a report at once."), Kind.RELATED),
        (("Parliament debates the budget of the fisheries ministry", TEXT), Kind.DIFFERENT),
        (("Mundra port", TEXT), Kind.DIFFERENT),
    ],
    ids=[
        "identical",
        "same_words_otherwise_dressed",
        "same_text_under_another_title",
        "same_news_in_other_words",
        "same_place_only",
        "numbers_contradict",
        "a_question_beside_a_report",
        "a_follow_up",
        "a_title_of_three_words",
        "half_of_the_text_under_another_title",
        "a_stock_text_under_a_strange_title",
        "a_title_too_short",
    ],
)
def test_each_relation_by_example(other: tuple[str, str], expected: Kind) -> None:
    assert kind((TITLE, TEXT), other) is expected


def test_a_long_text_that_stands_in_another_is_that_text_under_whatever_title() -> None:
    body = f"{TEXT} {TEXT.replace('Tuesday', 'Monday').replace('drums', 'barrels').replace('coastal', 'river')}"
    assert (
        kind((TITLE, body), ("Why a shipment of detergent was stopped at Mundra port", f"{body} More soon."))
        is Kind.DUPLICATE
    )
    assert kind((TITLE, body), ("Parliament debates the budget of the fisheries ministry", body)) is Kind.DIFFERENT


def test_a_number_that_only_one_title_names_contradicts_nothing() -> None:
    assert kind((TITLE, TEXT), (TITLE.replace("40 kg of ", ""), TEXT)) in FOLDED


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Agents seize fentanyl pills in Ohio", "Agents seize fentanyl pills in Utah"),
        ("Five arrested in Lisbon drug raid", "Three arrested in Lisbon drug raid"),
        ("Senate passes cannabis banking bill", "Senate rejects cannabis banking bill"),
        ("Police in Iran seize opium near border", "Police in Iraq seize opium near border"),
        ("Navy stops drug boat in eastern Pacific waters", "Navy stops drug boat in Caribbean waters"),
        ("Detienen a tres personas con cocaína en Sevilla", "Detienen a tres personas con cocaína en Málaga"),
        ("云南警方破获特大跨境毒品案", "广西警方破获特大跨境毒品案"),
    ],
    ids=["place", "spelled_number", "outcome", "near_spelling", "two_words_for_one", "spanish", "chinese"],
)
def test_one_frame_that_is_filled_in_twice_is_two_stories_side_by_side(one: str, other: str) -> None:
    assert kind((one, ""), (other, "")) is Kind.RELATED


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Senate votes to legalize medical cannabis in Texas", "Senate votes to legalise medical cannabis in Texas"),
        ("Labor party backs drug checking at festivals", "Labour party backs drug checking at festivals"),
        ("Three men jailed over cocaine plot in Liverpool", "3 men jailed over Liverpool cocaine plot"),
        ("Navy struck two boats of smugglers", "Navy strikes 2 boats of smugglers near Manta"),
        ("Ministers hold first drug policy meeting in Vienna", "First drug policy meeting of ministers held in Vienna"),
        (
            "EU agrees tighter rules on drug precursors in Brussels talks",
            "European Union agrees tighter rules on drug precursors in Brussels talks",
        ),
        ("Ecuador flies drug lord to Miami for trial", "Ecuadorian drug lord flies to Miami for trial"),
        ("Navy seizes three tonnes of cocaine", "Navy seizes three tonnes of cocaine off Galle"),
    ],
    ids=["american", "short_american", "figure", "irregular", "tense", "acronym", "adjective", "addition"],
)
def test_one_word_written_in_two_ways_keeps_a_story_together(one: str, other: str) -> None:
    assert kind((one, ""), (other, "")) is Kind.SAME


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Trafficker pleads guilty to cocaine plot", "Trafficker pleads not guilty to cocaine plot"),
        ("Ministers will recriminalise cannabis this year", "Ministers won't recriminalise cannabis this year"),
    ],
)
def test_a_title_that_says_no_is_not_folded_into_one_that_says_yes(one: str, other: str) -> None:
    assert kind((one, ""), (other, "")) is Kind.RELATED
    assert kind((one, ""), (one, "Two people were held.")) in FOLDED


def test_words_in_each_others_place_part_no_copies() -> None:
    assert kind(
        ("Customs seize precursor at Mundra port", TEXT), ("Customs intercept precursor at Mundra port", TEXT)
    ) is (Kind.DUPLICATE)


def test_the_reasons_can_be_checked_by_a_person() -> None:
    doubted = relate(signature(TITLE, TEXT), signature(TITLE.replace("40", "70"), TEXT))
    assert doubted.reasons[0].startswith("titles ")
    assert doubted.reasons[-1] == "numbers differ: 40, 70"


def test_nothing_is_not_the_same_as_nothing() -> None:
    assert kind(("", ""), ("", "")) is Kind.DIFFERENT
    assert kind(("Newsletter", ""), ("Newsletter", "")) is Kind.DIFFERENT
    assert kind(("Newsletter", TEXT), ("Newsletter", TEXT)) is Kind.EXACT


WORDS = st.lists(
    st.sampled_from(["customs", "port", "seize", "treaty", "vote", "budget", "minister", "40", "70", "after", "why"]),
    max_size=12,
)


@given(a=st.tuples(WORDS, WORDS), b=st.tuples(WORDS, WORDS))
def test_a_relation_is_symmetric_and_every_entry_with_words_is_itself(
    a: tuple[list[str], list[str]], b: tuple[list[str], list[str]]
) -> None:
    one, other = (signature(" ".join(title), " ".join(text)) for title, text in (a, b))
    assert relate(one, other) == relate(other, one)
    if one.shingles:
        assert relate(one, one).kind is Kind.EXACT


@pytest.mark.skipif(not PAIRS.exists(), reason="the labelled pairs are not beside this checkout")
def test_labelled_pairs_are_folded_with_precision_and_related_with_recall() -> None:
    labelled = [json.loads(line) for line in PAIRS.read_text(encoding="utf-8").splitlines()]
    told = []
    for pair in labelled:
        a, b = (signature(pair[side]["title"], pair[side]["text"], "en") for side in "ab")
        told.append((pair["label"], relate(a, b).kind))
    folded = [label for label, found in told if found in FOLDED]
    beside = [label for label, found in told if found is not Kind.DIFFERENT]
    twins = [label for label, found in told if found in {Kind.EXACT, Kind.DUPLICATE}]
    one_story = sum(label != "different" for label, _ in told)
    assert sum(label != "different" for label in folded) / len(folded) >= 0.97
    assert sum(label != "different" for label in beside) / len(beside) >= 0.90
    assert sum(label != "different" for label in beside) / one_story >= 0.75
    assert twins.count("duplicate") / len(twins) >= 0.95
    assert twins.count("duplicate") / sum(label == "duplicate" for label, _ in told) >= 0.85
