"""How right a topic is: counted by hand, and by what must not change it."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.topics.quality import Judged, measure

judged = st.builds(Judged, st.integers(-3, 9).map(float), st.booleans(), st.booleans())


def test_figures_are_those_counted_by_hand() -> None:
    items = [
        Judged(9, flagged=True, relevant=True),
        Judged(7, flagged=True, relevant=False),
        Judged(5, flagged=True, relevant=True),
        Judged(2, flagged=False, relevant=True),
        Judged(0, flagged=False, relevant=False),
    ]
    found = measure(items)
    assert found.n == 5
    assert found.precision == pytest.approx(2 / 3)
    assert found.recall == pytest.approx(2 / 3)
    assert found.f1 == pytest.approx(2 / 3)
    # The relevant ones stand at places 1, 3 and 4: a third each of 1/1, 2/3 and 3/4.
    assert found.average_precision == pytest.approx((1 + 2 / 3 + 3 / 4) / 3)


def test_items_of_one_score_are_one_step_in_any_order() -> None:
    items = [Judged(1, flagged=True, relevant=True), *(Judged(1, flagged=True, relevant=False) for _ in range(3))]
    assert {measure(order).average_precision for order in permutations(items)} == {0.25}


def test_nothing_to_judge_and_nothing_flagged_give_zeros() -> None:
    assert (measure([]).f1, measure([]).average_precision, measure([]).n) == (0, 0, 0)
    silent = measure([Judged(0, flagged=False, relevant=True)])
    assert (silent.precision, silent.recall, silent.f1) == (0, 0, 0)


@given(st.lists(judged, max_size=20), st.randoms(use_true_random=False))
def test_the_order_of_the_items_changes_nothing(items: list[Judged], dice: object) -> None:
    shuffled = sorted(items, key=lambda _: dice.random())  # type: ignore[attr-defined]  # hypothesis' own generator
    assert measure(shuffled) == measure(items)


@given(st.lists(judged, max_size=20))
def test_every_figure_lies_between_zero_and_one(items: list[Judged]) -> None:
    found = measure(items)
    for figure in (found.precision, found.recall, found.f1, found.average_precision):
        assert 0 <= figure <= 1 + 1e-9


@given(st.lists(judged, max_size=20))
def test_relevant_items_above_all_others_are_perfect_in_order(items: list[Judged]) -> None:
    perfect = [Judged(one.score + 100 * one.relevant, one.flagged, one.relevant) for one in items]
    assert measure(perfect).average_precision == pytest.approx(float(any(one.relevant for one in items)))
