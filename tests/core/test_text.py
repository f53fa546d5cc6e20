"""Words, folding, stems and sentences in many scripts."""

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.text import (
    _ANY_WORD,
    _NOT_PLAIN,
    _PLAIN_WORD,
    fold,
    is_unspaced,
    raw_words,
    sentences,
    stem,
    tokens,
)


def folded(text: str) -> list[str]:
    return [token.folded for token in tokens(text)]


def surfaces(text: str) -> list[str]:
    return [token.surface for token in tokens(text)]


def test_hyphens_split_and_apostrophes_join() -> None:
    assert folded("narco-terrorism isn't O\u2019Brien") == ["narco", "terrorism", "isn't", "o'brien"]


def test_a_possessive_is_no_part_of_the_word() -> None:
    found = tokens("Washington\u2019s and DEA's")
    assert [token.surface for token in found] == ["Washington", "and", "DEA"]
    assert found[0].end == len("Washington")


def test_a_dotted_acronym_is_one_word_without_its_dots() -> None:
    found = tokens("the U.S. and D.E.A.")
    assert [token.surface for token in found] == ["the", "US", "and", "DEA"]
    assert (found[1].start, found[1].end) == (4, 8)


def test_a_sentence_that_ends_without_a_space_is_no_acronym() -> None:
    assert surfaces("the end.A new U.S.based firm") == ["the", "end", "A", "new", "US", "based", "firm"]


@pytest.mark.parametrize(
    ("written", "compared"),
    [
        ("NARCOTR\u00c1FICO", "narcotrafico"),
        ("Stra\u00dfe", "strasse"),
        ("\u0130stanbul", "istanbul"),
        ("\u0131l\u0131k", "ilik"),
        ("\u039f\u03c0\u03b9\u03bf\u03b5\u03b9\u03b4\u03ae\u03c2", "οπιοειδησ"),
        ("\u043a\u043e\u043a\u0430\u0438\u0301\u043d", "кокаин"),
        ("मादक पदार्थों", "मादक पदार्थों"),
        ("\uff24\uff25\uff21", "dea"),
        ("\ufb01nance", "finance"),
        ("fen\u200bta\u00adnyl", "fentanyl"),
        ("\u0645\u062e\u0640\u0640\u062f\u0631\u0627\u062a", "\u0645\u062e\u062f\u0631\u0627\u062a"),
        ("Łódź", "lodz"),
    ],
)
def test_folding_knows_its_scripts(written: str, compared: str) -> None:
    assert fold(written) == compared


def test_hindi_words_stay_whole() -> None:
    assert surfaces("मादक पदार्थों की तस्करी") == ["मादक", "पदार्थों", "की", "तस्करी"]


def test_scripts_without_spaces_give_one_token_a_character() -> None:
    assert surfaces("芬太尼") == ["芬", "太", "尼"]
    assert surfaces("DEA查获芬太尼5公斤") == ["DEA", "查", "获", "芬", "太", "尼", "5", "公", "斤"]
    assert is_unspaced("尼")
    assert not is_unspaced("drug")


def test_thai_marks_stay_with_their_letter() -> None:
    assert surfaces("เสพติด") == ["เ", "ส", "พ", "ติ", "ด"]


def test_invisible_characters_do_not_split_a_word() -> None:
    found = tokens("x fen\u200bta\u00adnyl y")
    assert [token.folded for token in found] == ["x", "fentanyl", "y"]
    assert (found[1].start, found[1].end) == (2, 12)


def test_offsets_count_code_points_beside_emoji_and_right_to_left_text() -> None:
    text = "\U0001f6a8\U0001f1fa\U0001f1f8 cocaine \u202b\u05e7\u05d5\u05e7\u05d0\u05d9\u05df\u202c seized"
    found = [text[token.start : token.end] for token in tokens(text)]
    assert (found[0], found[-1]) == ("cocaine", "seized")


@given(st.text())
def test_every_token_is_found_where_it_says_and_tokens_never_overlap(text: str) -> None:
    end = 0
    for token in tokens(text):
        assert end <= token.start < token.end <= len(text)
        assert fold(token.surface) == token.folded
        end = token.end


@given(st.text())
def test_raw_words_are_the_words_of_tokens(text: str) -> None:
    assert raw_words(text) == [text[token.start : token.end] for token in tokens(text)]


@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text(alphabet=st.one_of(st.sampled_from("abSs.'\u2019-_ 1\xb2\xbd"), st.characters(max_codepoint=0x24F))))
def test_the_fast_pattern_reads_plain_text_as_the_full_one_does(text: str) -> None:
    if _NOT_PLAIN.search(text) is None:
        assert _PLAIN_WORD.findall(text) == _ANY_WORD.findall(text)


def test_stems_join_the_forms_of_a_word() -> None:
    assert stem("smuggling", "en") == stem("smuggled", "en-GB")
    assert stem("narcotraficantes", "es") == stem("narcotrafico", "es")
    assert stem("नशीली", "hi") == stem("नशीले", "hi")


def test_a_language_without_rules_leaves_the_word() -> None:
    assert stem("smuggling", "xx") == "smuggling"


def test_sentences_end_at_stops_and_empty_lines() -> None:
    text = (
        'Mr. Shah met J. Smith in the U.S. on Monday. He said "no." Then he left.\n\nA line\nbroken. क्या? दूसरा। तीसरा'
    )
    assert [text[start:end] for start, end in sentences(text)] == [
        "Mr. Shah met J. Smith in the U.S. on Monday.",
        'He said "no."',
        "Then he left.",
        "A line\nbroken.",
        "क्या?",
        "दूसरा।",
        "तीसरा",
    ]


def test_chinese_sentences_need_no_space() -> None:
    text = "他被捕。她也是\uff01"
    assert [text[start:end] for start, end in sentences(text)] == ["他被捕。", "她也是\uff01"]


@given(st.text(alphabet=st.sampled_from('aB .!?\n"\u0964\u3002')))
def test_sentences_cover_every_word_once_and_in_order(text: str) -> None:
    spans = sentences(text)
    assert all(start < end for start, end in spans)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    for token in tokens(text):
        assert any(start <= token.start and token.end <= end for start, end in spans)


@pytest.mark.parametrize("unit", ["a", "a.", ".", " ", "\n", "'", "a'", "\u200b", "a\u200b", "尼", "\u0301", '."'])
def test_a_long_hostile_text_is_read_in_linear_time(unit: str) -> None:
    text = unit * 60_000
    begun = time.process_time()
    tokens(text)
    sentences(text)
    assert time.process_time() - begun < 5
