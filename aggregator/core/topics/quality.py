"""Scores beside what people judged -> how right a topic is. It evaluates nothing itself."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby


@dataclass(frozen=True, slots=True)
class Judged:
    """One item: what a topic said of it, and whether it should have been flagged."""

    score: float
    flagged: bool
    relevant: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """How right a topic is on `n` judged items, each figure from 0 to 1.

    `precision` is how many of the flagged are relevant, `recall` how many of the relevant are flagged, `f1` their harmonic
    mean. `average_precision` looks at the order of the scores alone, whatever `flag_at` is.
    """

    precision: float
    recall: float
    f1: float
    average_precision: float
    n: int
    relevant: int
    flagged: int
    hits: int


def measure(items: Iterable[Judged]) -> Quality:
    """The figures of a set of items. A ratio without anything below its line is 0."""
    judged = tuple(items)
    relevant = sum(one.relevant for one in judged)
    flagged = sum(one.flagged for one in judged)
    hits = sum(one.flagged and one.relevant for one in judged)
    precision, recall = _ratio(hits, flagged), _ratio(hits, relevant)
    return Quality(
        precision=precision,
        recall=recall,
        f1=_ratio(2 * precision * recall, precision + recall),
        average_precision=average_precision(judged),
        n=len(judged),
        relevant=relevant,
        flagged=flagged,
        hits=hits,
    )


def average_precision(items: Sequence[Judged]) -> float:
    """Precision at each step of recall as the score falls, weighted by the step.

    Items of one score are one step, so that their order, which is nobody's merit, changes nothing.
    """
    relevant = sum(one.relevant for one in items)
    total, seen, hits = 0.0, 0, 0
    falling = sorted(items, key=lambda one: -one.score)
    for _, same in groupby(falling, key=lambda one: one.score):
        level = tuple(same)
        found = sum(one.relevant for one in level)
        seen += len(level)
        hits += found
        total += _ratio(found, relevant) * _ratio(hits, seen)
    return total


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
