"""Text from outside, made fit to stand on a line: nothing hidden, nothing torn, never wider than its line."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.digests.display import ISOLATE, POP, apart, boundary, clean, cut, line, width, wrap


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\r\n\tb", "a b"),
        ("a\x1b[2Jb", "a [2Jb"),
        ("a\u2028b\x85c\xa0d", "a b c d"),
        ("in\u00advisi\u200bble\ufeff", "invisible"),
        ("\u202eevil\u2069\u061c", "evil"),
        ("lone \ud800", "lone \ufffd"),
        ("👩\u200d💻 नेपाल\u200dी", "👩\u200d💻 नेपाल\u200dी"),
        ("two  spaces", "two spaces"),
    ],
)
def test_controls_and_invisible_tricks_are_taken_out(text: str, shown: str) -> None:
    assert clean(text) == shown


def test_letters_keep_no_more_than_eight_stacked_marks() -> None:
    assert clean("z" + "\u0351" * 500) == "z" + "\u0351" * 8


@given(st.text())
def test_cleaning_twice_changes_nothing_more_and_leaves_no_control(text: str) -> None:
    told = clean(text)
    assert clean(told) == told
    assert not any(unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} for char in told)


@given(text=st.text(), limit=st.integers(1, 80))
def test_a_line_never_passes_its_limit(text: str, limit: int) -> None:
    assert len(line(text, limit)) <= limit


def test_a_cut_falls_between_words_or_else_between_letters() -> None:
    assert cut("precursor chemicals seized", 20) == "precursor chemicals\u2026"
    assert cut("e\u0301" * 20, 8) == "e\u0301" * 3 + "\u2026"
    assert cut("🇮🇳" * 20, 8) == "🇮🇳" * 3 + "\u2026"


@pytest.mark.parametrize(
    "letter", ["e\u0301", "👩\u200d👩\u200d👧", "🇮🇳", "👍🏽", "क्षि", "각", "❤\ufe0f", "1\ufe0f\u20e3", "\r\n"]
)
def test_what_a_reader_sees_as_one_letter_is_never_torn(letter: str) -> None:
    text = f"a{letter}b"
    assert [at for at in range(len(text) + 1) if boundary(text, at)] == [0, 1, 1 + len(letter), len(text)]


def test_two_flags_are_two_letters() -> None:
    assert [boundary("🇮🇳🇺🇸", at) for at in range(5)] == [True, False, True, False, True]


@pytest.mark.parametrize(
    ("text", "columns"), [("abc", 3), ("中文", 4), ("e\u0301", 1), ("\u2068abc\u2069", 3), ("👩", 2)]
)
def test_width_counts_columns_of_a_terminal(text: str, columns: int) -> None:
    assert width(text) == columns


@given(
    text=st.text(alphabet=st.sampled_from([*"abcdefgh   ", "中", "\u0301"]), max_size=300), columns=st.integers(12, 80)
)
def test_wrapped_lines_fit_and_keep_every_letter(text: str, columns: int) -> None:
    told = wrap(text, columns=columns, first=" 1. ", rest="    ")
    assert all(width(shown) <= columns for shown in told.splitlines())
    assert "".join(told.split())[2:] == "".join(text.split())


def test_an_address_is_never_broken() -> None:
    address = f"https://example.org/{'a' * 200}"
    assert wrap(f"see {address} there", columns=40).splitlines() == ["see", address, "there"]


def test_someone_elses_right_to_left_words_are_isolated_line_by_line() -> None:
    told = wrap("اجتماع أمريكي هندي حول سياسة المخدرات", columns=20, rest="  ", foreign=True).splitlines()
    assert len(told) > 1
    assert all(shown.strip().startswith(ISOLATE) and shown.endswith(POP) for shown in told)
    assert apart("abc") == "abc"
    assert apart("אבג") == f"{ISOLATE}אבג{POP}"
