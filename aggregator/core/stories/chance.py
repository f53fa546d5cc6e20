"""How likely a count or a pause is by chance alone: the tails of the negative binomial and of the gamma distribution."""

from math import exp, inf, lgamma, log

_SMALLEST = 1e-15
_MOST_TERMS = 100_000


def count_tail(count: int, *, mean: float, variance: float) -> float:
    """The chance of `count` or more events where `mean` are expected; Poisson unless the variance is above the mean."""
    if count <= 0:
        return 1.0
    if mean <= 0:
        return 0.0
    term = exp(_log_chance(count, mean, variance))
    total, at = term, count
    # Beyond the mean each term is smaller than the last; before it the sum would be the whole distribution.
    while at < count + _MOST_TERMS and (at < mean or term > total * _SMALLEST):
        term *= _ratio(at, mean, variance)
        at += 1
        total += term
    return min(total, 1.0)


def none_tail(*, mean: float, variance: float) -> float:
    """The chance that nothing happens where `mean` events are expected."""
    return exp(_log_chance(0, mean, variance)) if mean > 0 else 1.0


def _size(mean: float, variance: float) -> float:
    """The negative binomial's size; infinite where it is the Poisson distribution."""
    extra = variance - mean
    return mean * mean / extra if extra > mean * 1e-9 else inf


def _log_chance(count: int, mean: float, variance: float) -> float:
    size = _size(mean, variance)
    if size == inf:
        return count * log(mean) - mean - lgamma(count + 1)
    ways = lgamma(count + size) - lgamma(size) - lgamma(count + 1)
    return ways + size * log(size / (size + mean)) + count * log(mean / (size + mean))


def _ratio(count: int, mean: float, variance: float) -> float:
    """How many times as likely one event more than `count` is."""
    size = _size(mean, variance)
    if size == inf:
        return mean / (count + 1)
    return (count + size) / (count + 1) * mean / (size + mean)


def pause_tail(pause: float, *, shape: float) -> float:
    """The chance that a gap is longer than `pause` mean gaps, when gaps are gamma distributed with this shape.

    Shape 1 is the memoryless feed, larger ones keep time, smaller ones come in bursts.
    """
    at = shape * pause
    if at <= 0:
        return 1.0
    return 1.0 - _lower(shape, at) if at < shape + 1 else _upper(shape, at)


def _lower(shape: float, at: float) -> float:
    """The regularised incomplete gamma function by its series (Abramowitz & Stegun 6.5.29)."""
    term = total = 1.0 / shape
    for n in range(1, _MOST_TERMS):
        term *= at / (shape + n)
        total += term
        if term < total * _SMALLEST:
            break
    return min(1.0, total * exp(shape * log(at) - at - lgamma(shape)))


def _upper(shape: float, at: float) -> float:
    """The same, from above, by its continued fraction (Abramowitz & Stegun 6.5.31), evaluated by Lentz's method."""
    tiny = 1e-300
    b = at + 1.0 - shape
    c, d = 1.0 / tiny, 1.0 / b
    fraction = d
    for n in range(1, _MOST_TERMS):
        factor = -n * (n - shape)
        b += 2.0
        d = 1.0 / (factor * d + b or tiny)
        c = b + factor / c or tiny
        fraction *= d * c
        if abs(d * c - 1.0) < _SMALLEST * 10:
            break
    return min(1.0, fraction * exp(shape * log(at) - at - lgamma(shape)))
