"""Counts as bars, in signs and in pixels."""

from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.stories.bars import BLOCKS, PLAIN, gathered, heights, line, rows

Counts = st.lists(st.integers(0, 10_000), max_size=60)


def test_a_week_in_one_line() -> None:
    assert line([0, 1, 4, 8, 2, 0, 16]) == " ▁▂▄▁ █"
    assert line([0, 1, 4, 8, 2, 0, 16], signs=PLAIN) == " .:=. #"
    assert line([]) == ""


def test_a_chart_stands_on_its_lowest_row() -> None:
    assert rows([0, 1, 2, 4], height=2) == ["   █", " ▄██"]
    assert rows([0, 0], height=2) == ["  ", "  "]


def test_days_are_gathered_so_that_the_last_column_ends_today() -> None:
    assert gathered([1, 2, 3, 4, 5], 3) == ([1, 5, 9], 2)
    assert gathered([1, 2, 3], 10) == ([1, 2, 3], 1)
    assert gathered([], 5) == ([], 1)


@given(Counts)
def test_none_is_never_shown_as_some_nor_some_as_none(counts: list[int]) -> None:
    shown = line(counts)
    assert len(shown) == len(counts)
    assert all((sign == BLOCKS[0]) == (number == 0) for sign, number in zip(shown, counts, strict=True))
    assert all((pixels == 1) == (number == 0) for pixels, number in zip(heights(counts), counts, strict=True))
    assert max(heights(counts), default=0) <= 24


@given(Counts, st.integers(1, 40))
def test_gathering_loses_nothing(counts: list[int], columns: int) -> None:
    sums, each = gathered(counts, columns)
    assert sum(sums) == sum(counts)
    assert len(sums) <= columns
    assert len(sums) * each >= len(counts)
