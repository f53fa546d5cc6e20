"""Stories in order of weight, and which of them are related -> an order in which related ones stand together.

Nothing is hidden and nothing folded: a reader sees in one place what may be one event, and what follows from it.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

MOST = 3  # of one story; a whole saga brought to the top would push the rest of the news down

Links = Collection[tuple[int, int]]  # stored stories, two and two


def neighbours(links: Links) -> Mapping[str, frozenset[str]]:
    """Key of each linked story -> keys of those related to it."""
    found: dict[str, set[str]] = defaultdict(set)
    for one, other in links:
        found[f"story {one}"].add(f"story {other}")
        found[f"story {other}"].add(f"story {one}")
    return {key: frozenset(others) for key, others in found.items()}


def side_by_side(keys: Sequence[str], related: Mapping[str, frozenset[str]]) -> tuple[tuple[int, bool], ...]:
    """Positions of `keys`, each once, with whether it is related to one above, which it then follows.

    A story brings up to `MOST` of those after it that are related to it, in their order; what those are related to they
    do not bring: a chain of small likenesses would reorder a whole digest.
    """
    left = dict.fromkeys(range(len(keys)))
    order: list[tuple[int, bool]] = []
    while left:
        head = next(iter(left))
        del left[head]
        order.append((head, False))
        beside = related.get(keys[head], frozenset())
        for at in [at for at in left if keys[at] in beside][:MOST]:
            del left[at]
            order.append((at, True))
    return tuple(order)
