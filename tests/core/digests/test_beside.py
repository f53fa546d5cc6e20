"""Related stories stand together in a digest, and nothing is hidden for it."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.digests.compose.beside import MOST, neighbours, side_by_side
from aggregator.core.digests.render import render
from aggregator.core.model.digests import DueItem
from tests.core.digests.test_render import LINKS, NOW, digest, make_item

PAIRS = st.frozensets(st.tuples(st.integers(0, 11), st.integers(0, 11)).filter(lambda pair: pair[0] < pair[1]))


def by_age(count: int) -> list[DueItem]:
    """Stories 1, 2, 3: each newer than the next, so that they stand in this order."""
    return [make_item(n, title=f"ONDCP story {n}", published=NOW - timedelta(hours=n)) for n in range(1, count + 1)]


def told(items: Sequence[DueItem], links: frozenset[tuple[int, int]]) -> list[tuple[int, bool]]:
    (section,) = digest(items, links=links).sections
    return [(line.lead.match_id, line.beside) for line in (*section.stories, *section.brief)]


@pytest.mark.parametrize(
    ("links", "order"),
    [
        (frozenset(), [(1, False), (2, False), (3, False), (4, False)]),
        (frozenset({(1, 3)}), [(1, False), (3, True), (2, False), (4, False)]),
        (frozenset({(1, 4), (1, 3)}), [(1, False), (3, True), (4, True), (2, False)]),
        (frozenset({(1, 3), (3, 4)}), [(1, False), (3, True), (2, False), (4, False)]),
        (frozenset({(2, 4), (9, 1)}), [(1, False), (2, False), (4, True), (3, False)]),
    ],
    ids=["none", "pair", "several", "no_chain", "strangers"],
)
def test_a_related_story_follows_the_weightier_one(
    links: frozenset[tuple[int, int]], order: list[tuple[int, bool]]
) -> None:
    assert told(by_age(4), links) == order


def test_a_whole_saga_does_not_push_the_rest_of_the_news_down() -> None:
    saga = frozenset((1, n) for n in range(3, 9))
    assert [number for number, _ in told(by_age(8), saga)][: MOST + 2] == [1, 3, 4, 5, 2]


def test_a_story_that_was_alerted_to_is_not_the_one_above() -> None:
    first, *others = by_age(3)
    alerted = make_item(1, title=first.title, alerted_at=NOW - timedelta(hours=1))
    assert told([alerted, *others], frozenset({(1, 3)})) == [(2, False), (3, False)]


@given(links=PAIRS)
def test_every_story_is_told_once_and_stands_behind_one_that_it_is_related_to(
    links: frozenset[tuple[int, int]],
) -> None:
    keys = [f"story {n}" for n in range(12)]
    related = neighbours(links)
    order = side_by_side(keys, related)
    assert sorted(at for at, _ in order) == list(range(12))
    heads = [at for at, beside in order if not beside]
    assert heads == sorted(heads)
    head = -1
    for at, beside in order:
        head = head if beside else at
        assert beside == (at != head)
        assert at == head or keys[at] in related[keys[head]]


def test_both_parts_of_a_mail_say_that_a_story_is_related() -> None:
    mail = render(digest(by_age(3), links=frozenset({(1, 3)})), links=LINKS)
    for part in (mail.text, mail.html):
        assert " ".join(part.split()).count("related to the story above") == 1
