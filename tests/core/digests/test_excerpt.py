"""Quotations are exact: what is marked is what fired, whatever the script, and nothing is longer than asked for."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aggregator.core.digests.compose.excerpt import excerpt, headline, new_words
from aggregator.core.model.digests import Excerpt

RELEASE = (
    "Officials of both countries met in Washington this week. "
    "They agreed to watch shipments of precursor chemicals more closely. "
    "A second meeting is planned. "
    "Trade in medicines is to flow as before."
)
AWKWARD = st.text(
    alphabet=st.sampled_from(
        [*"ab .\n\t", "é", "e", "\u0301", "क", "्", "ष", "👩", "\u200d", "💻", "🇮", "🇳", "ع", "ל", "\u202e", "中"]
    ),
    max_size=700,
)
SPANS = st.lists(st.tuples(st.integers(-5, 720), st.integers(-5, 720)), max_size=6)


def span_of(text: str, words: str) -> tuple[int, int]:
    start = text.index(words)
    return start, start + len(words)


def told(quoted: Excerpt) -> str:
    return "".join(text for text, _ in quoted.runs)


def marked(quoted: Excerpt) -> list[str]:
    return [text for text, is_marked in quoted.runs if is_marked]


def test_a_short_text_is_quoted_whole_with_its_hit_marked() -> None:
    quoted = excerpt(RELEASE, [span_of(RELEASE, "precursor chemicals")])
    assert told(quoted) == RELEASE
    assert marked(quoted) == ["precursor chemicals"]
    assert not quoted.cut_before
    assert not quoted.cut_after


def test_of_a_longer_text_the_sentence_with_the_hit_is_quoted() -> None:
    quoted = excerpt(RELEASE, [span_of(RELEASE, "precursor chemicals")], 80)
    assert told(quoted) == "They agreed to watch shipments of precursor chemicals more closely."
    assert quoted.cut_before
    assert quoted.cut_after


def test_neighbouring_sentences_join_while_there_is_room() -> None:
    quoted = excerpt(RELEASE, [span_of(RELEASE, "precursor chemicals")], 110)
    assert told(quoted).endswith("closely. A second meeting is planned.")
    assert told(quoted).startswith("They agreed")


def test_a_neighbour_with_a_hit_comes_before_one_without() -> None:
    quoted = excerpt(RELEASE, [span_of(RELEASE, "precursor chemicals"), span_of(RELEASE, "Washington")], 126)
    assert told(quoted).startswith("Officials")
    assert marked(quoted) == ["Washington", "precursor chemicals"]


def test_the_sentence_with_most_hits_wins() -> None:
    text = (
        f"{RELEASE} {'Filler words stand here. ' * 20} Narcotics bureau seized precursor drums. {'More filler. ' * 20}"
    )
    spans = [span_of(text, "Washington"), span_of(text, "Narcotics"), span_of(text, "precursor drums")]
    assert marked(excerpt(text, spans, 60)) == ["Narcotics", "precursor drums"]


def test_without_hits_the_beginning_is_quoted() -> None:
    quoted = excerpt(RELEASE, [], 60)
    assert told(quoted) == "Officials of both countries met in Washington this week."
    assert quoted.cut_after


def test_a_sentence_that_is_too_long_is_cut_around_its_hits_between_words() -> None:
    text = f"{'word ' * 200}precursor diversion{' word' * 200}"
    quoted = excerpt(text, [span_of(text, "precursor diversion")], 100)
    assert marked(quoted) == ["precursor diversion"]
    assert set(told(quoted).replace("precursor diversion", "").split()) == {"word"}
    assert 60 < len(told(quoted)) <= 100


def test_a_hit_far_behind_the_last_sentence_is_still_quoted() -> None:
    text = "x" * 250_000 + " diversion " + "y" * 500
    assert marked(excerpt(text, [span_of(text, "diversion")])) == ["diversion"]


@pytest.mark.parametrize(
    ("text", "start", "end", "whole"),
    [
        ("cafe\u0301 society", 0, 4, "cafe\u0301"),
        ("👩\u200d💻 at work", 1, 2, "👩\u200d💻"),
        ("to 🇮🇳 and 🇺🇸", 4, 5, "🇮🇳"),
        ("क्ष alone", 0, 1, "क्ष"),
        ("👍🏽 given", 0, 1, "👍🏽"),
    ],
)
def test_a_mark_never_splits_what_a_reader_sees_as_one_letter(text: str, start: int, end: int, whole: str) -> None:
    assert marked(excerpt(text, [(start, end)])) == [whole]


def test_right_to_left_text_keeps_its_logical_order() -> None:
    text = "اجتمع الوفدان في واشنطن لبحث تحويل السلائف الكيميائية"
    quoted = excerpt(text, [span_of(text, "السلائف")])
    assert told(quoted) == text
    assert marked(quoted) == ["السلائف"]


def test_white_space_is_folded_across_the_edges_of_marks() -> None:
    text = "seized \n\n precursor\tdrums  at sea"
    quoted = excerpt(text, [(7, 20)])
    assert told(quoted) == "seized precursor drums at sea"


def test_a_headline_is_cut_at_its_end_only() -> None:
    title = "Precursor " + "chemicals " * 40
    quoted = headline(title, [(0, 9)], 50)
    assert quoted.runs[0] == ("Precursor", True)
    assert told(quoted).endswith("chemicals")
    assert quoted.cut_after
    assert not quoted.cut_before


@given(text=AWKWARD, spans=SPANS, limit=st.integers(10, 300))
@example(text="a  \u0301", spans=[(2, 3)], limit=10)
def test_any_text_with_any_spans_gives_a_bounded_quotation_of_it(
    text: str, spans: list[tuple[int, int]], limit: int
) -> None:
    quoted = excerpt(text, spans, limit)
    assert len(told(quoted)) <= limit
    assert "".join(told(quoted).split()) in "".join(text.replace("\u202e", "").split())
    assert all(run for run, _ in quoted.runs)
    for run, is_marked in quoted.runs:
        assert not (is_marked and unicodedata.category(run[0]) in {"Mn", "Mc"} and told(quoted)[0] != run[0])


@given(text=AWKWARD.filter(str.strip), spans=SPANS)
def test_a_text_within_the_limit_marks_every_character_that_was_hit(text: str, spans: list[tuple[int, int]]) -> None:
    hit = {at for start, end in spans for at in range(max(start, 0), min(end, len(text)))}
    visible = {text[at] for at in hit if not text[at].isspace() and text[at] != "\u202e"}
    assert visible <= set("".join(marked(excerpt(text, spans, 1000))))


LEAD = (
    "Customs officers at Mundra port opened two containers on Monday and found drums of a precursor that were declared "
    "as detergent for a trading house in Gandhidham, the department said in a statement."
)
REPORT = (
    f"{LEAD} The drums had left a port in the Gulf three weeks earlier. The consignee could not be reached. "
    "Investigators now put the haul at 1,240 kg. A scanner that is new at the port had found it. "
    f"{'Trade bodies have long asked for quicker clearance. ' * 6}"
    "A magistrate set the next hearing for 14 March."
)


def test_what_is_new_is_quoted_though_it_stands_behind_a_long_opening() -> None:
    quoted = new_words(REPORT, [[span_of(REPORT, "1,240 kg")]], 160)
    assert told(quoted).startswith("Investigators now put the haul at 1,240 kg. A scanner that is new")
    assert marked(quoted) == ["1,240 kg"]
    assert quoted.cut_before


def test_an_ellipsis_stands_between_new_things_that_lie_far_apart() -> None:
    things = [[span_of(REPORT, "14 March")], [span_of(REPORT, "1,240 kg")]]
    assert told(new_words(REPORT, things, 100)) == (
        "Investigators now put the haul at 1,240 kg. \u2026 A magistrate set the next hearing for 14 March."
    )


def test_the_sentence_with_most_that_is_new_stays_when_room_is_short() -> None:
    text = f"{LEAD} Police named the Ports Authority. The Ports Authority puts it at 1,240 kg, twice the first figure."
    body = [(at, at + 15) for at in (text.index("Ports A"), text.rindex("Ports A"))]
    quoted = new_words(text, [body, [span_of(text, "1,240 kg")]], 75)
    assert told(quoted) == "The Ports Authority puts it at 1,240 kg, twice the first figure."
    assert marked(quoted) == ["Ports Authority", "1,240 kg"]


def test_a_text_that_fits_is_quoted_whole_with_what_is_new_in_it() -> None:
    text = "The navy seized 412 kg of methamphetamine. Six people were arrested."
    quoted = new_words(text, [[span_of(text, "Six people")]])
    assert (told(quoted), marked(quoted)) == (text, ["Six people"])


def test_a_new_thing_in_a_sentence_without_end_is_quoted_with_the_words_around_it() -> None:
    text = f"{'word ' * 200}worth \u20b9310 crore {'more ' * 200}"
    quoted = new_words(text, [[span_of(text, "\u20b9310 crore")]])
    assert marked(quoted) == ["\u20b9310 crore"]
    assert len(told(quoted)) <= 280


@given(AWKWARD, st.lists(SPANS, max_size=4), st.integers(20, 300))
def test_what_is_new_never_takes_more_room_than_it_is_given(
    text: str, things: list[list[tuple[int, int]]], limit: int
) -> None:
    quoted = new_words(text, things, limit)
    assert len(told(quoted)) <= limit
    assert all(run for run, _ in quoted.runs)
    plain = " ".join(text.split())
    assert plain or not quoted.runs
