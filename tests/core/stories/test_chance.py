"""Tails of distributions, held against sums and closed forms."""

from math import exp, isclose, lgamma, log

from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.stories.chance import count_tail, none_tail, pause_tail


def poisson(count: int, mean: float) -> float:
    return exp(count * log(mean) - mean - lgamma(count + 1))


@given(count=st.integers(0, 200), mean=st.floats(0.01, 150))
def test_without_more_spread_it_is_the_tail_of_poisson(count: int, mean: float) -> None:
    direct = 1.0 - sum(poisson(n, mean) for n in range(count))
    assert isclose(count_tail(count, mean=mean, variance=mean), direct, abs_tol=1e-9)


@given(count=st.integers(1, 300), mean=st.floats(0.05, 100), times=st.floats(1.0, 8))
def test_one_more_is_never_likelier(count: int, mean: float, times: float) -> None:
    tails = [count_tail(n, mean=mean, variance=mean * times) for n in (count, count + 1)]
    assert tails[0] - tails[1] >= -1e-12  # both are sums of hundreds of floats
    assert tails[1] >= 0


@given(mean=st.floats(0.5, 60), times=st.floats(1.1, 8))
def test_the_further_counts_spread_the_likelier_is_one_far_out(mean: float, times: float) -> None:
    far = int(mean * 3) + 5
    assert count_tail(far, mean=mean, variance=mean * times) > count_tail(far, mean=mean, variance=mean)


@given(mean=st.floats(0.01, 40), times=st.floats(1.0, 6))
def test_nothing_or_something_is_certain(mean: float, times: float) -> None:
    together = none_tail(mean=mean, variance=mean * times) + count_tail(1, mean=mean, variance=mean * times)
    assert isclose(together, 1.0, abs_tol=1e-9)


def test_a_count_of_thousands_is_judged_without_running_out_of_numbers() -> None:
    assert count_tail(5200, mean=5000.0, variance=5000.0) < 0.005
    assert count_tail(5000, mean=5000.0, variance=5000.0) > 0.4
    assert count_tail(9, mean=0.0, variance=0.0) == 0.0


@given(pause=st.floats(0.0, 40))
def test_a_memoryless_pause_dies_away_exponentially(pause: float) -> None:
    assert isclose(pause_tail(pause, shape=1.0), exp(-pause), rel_tol=1e-6, abs_tol=1e-12)


@given(pause=st.floats(0.01, 8), shape=st.integers(1, 25))
def test_a_pause_of_whole_shape_is_a_race_of_poisson_events(pause: float, shape: int) -> None:
    at = pause * shape
    assert isclose(pause_tail(pause, shape=shape), sum(poisson(n, at) for n in range(shape)), abs_tol=1e-9)
