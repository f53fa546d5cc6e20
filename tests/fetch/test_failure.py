"""Hostile words on their way into a log or a table."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from aggregator.fetch.failure import MAX_DETAIL, one_line


@given(st.text(max_size=2000))
def test_whatever_a_publisher_writes_becomes_one_harmless_line(text: str) -> None:
    line = one_line(text)
    assert len(line) <= MAX_DETAIL
    assert len(line.splitlines()) <= 1
    assert not {unicodedata.category(char) for char in line} & {"Cc", "Cf", "Cs"}


def test_ordinary_words_stay_as_they_are() -> None:
    assert one_line("HTTP 404: nichts da — «ничего»") == "HTTP 404: nichts da — «ничего»"


def test_a_long_line_ends_in_an_ellipsis() -> None:
    assert one_line("word " * 100).endswith("word…")
