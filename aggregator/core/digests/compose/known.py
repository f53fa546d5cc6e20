"""Due items and what their reader was told of the same stories -> what is new enough to be told, and what is not.

A story returns only with substance. The rule knows words, sources and clauses alone: the same items always give the
same answer.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from aggregator.core.model.digests import DueItem, ToldItem
from aggregator.core.stories.novelty import Facts, facts, news, told
from aggregator.core.stories.places import places

MOST_NEWS = 4  # things told of one story


def weighed(
    items: Sequence[DueItem], before: Mapping[int, Sequence[ToldItem]]
) -> tuple[tuple[DueItem, ...], tuple[DueItem, ...]]:
    """The items to tell, with their news where their story was told before, and those of stories that are known.

    `before` maps story ids to what this reader was mailed of them. All items of a story share its fate: when one of
    them brings something new, the others stand beside it as further outlets.
    """
    stories: dict[int, list[DueItem]] = defaultdict(list)
    for item in items:
        if item.story_id is not None and before.get(item.story_id):
            stories[item.story_id].append(item)
    found = {item.match_id: item for members in stories.values() for item in _with_news(members, before)}
    returning = {item.story_id for item in found.values() if item.news}
    shown = tuple(found.get(item.match_id, item) for item in items)
    known = tuple(item for item in shown if item.match_id in found and item.story_id not in returning)
    left = {item.match_id for item in known}
    return tuple(item for item in shown if item.match_id not in left), known


def _with_news(members: Sequence[DueItem], before: Mapping[int, Sequence[ToldItem]]) -> list[DueItem]:
    mailed = before[members[0].story_id or 0]  # never 0: only items with a story come here
    first = min(mailed, key=lambda one: (one.at, one.item.match_id))
    fresh = with_news((one.item for one in mailed), members)
    return [replace(item, told_at=first.at, told_in=first.digest_id) for item in fresh]


def with_news(mailed: Iterable[DueItem], items: Iterable[DueItem]) -> list[DueItem]:
    """The items with what each adds to those that were mailed, as words such as `new number: 3.2 tonnes`, and its places.

    An item whose words cannot be read counts as news: it is never left out for a fault of ours.
    """
    known = told(said for item in mailed if (said := _facts(item)) is not None)
    return [_with_its_news(known, item) for item in items]


def _with_its_news(known: Facts, item: DueItem) -> DueItem:
    said = _facts(item)
    if said is None:
        return replace(item, news=("another report",), new_at=())
    fresh = news(known, said)[:MOST_NEWS]
    fired = {one.clause: tuple((at.start, at.end) for at in one.spans if at.field == "text") for one in item.fired}
    return replace(item, news=tuple(map(str, fresh)), new_at=places(item.text, fresh, fired))


def _facts(item: DueItem) -> Facts | None:
    """What an item says, None when its words cannot be read."""
    clauses = [fired.clause for fired in item.fired if fired.points > 0]
    try:
        return facts(title=item.title, text=item.text, tier=item.tier, source=item.feed_name, clauses=clauses)
    except Exception:  # noqa: BLE001 - one poisoned item must not cost the whole digest
        return None
