"""The members of a story -> which of them leads, in what order the others follow, and who had it first by how long."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from aggregator.core.model.feeds import Tier

_TIERS: Mapping[str, int] = {tier: rank for rank, tier in enumerate(Tier)}

Rank = tuple[int, int, float, int]


def lead_rank(*, tier: str, length: int, first_seen: datetime, number: int) -> Rank:
    """Where a member stands: nearest to the facts first, then the fullest text, then the one seen first.

    `length` is the text's in characters, `number` settles ties. The least rank leads.
    """
    return _nearness(tier), -length, first_seen.timestamp(), number


def lead_reason(lead: tuple[str, int], others: Sequence[tuple[str, int]]) -> str:
    """Why a member leads the `others`, for people; each is a tier and its text's length in characters."""
    if not others:
        return "it is the only one"
    tier, length = lead
    equals = [other for their, other in others if _nearness(their) == _nearness(tier)]
    if not equals:
        return f"the only {tier} source"
    if max(equals) < length:
        return f"the fullest text of the {tier} sources"
    return f"the first seen of the {tier} sources with as full a text"


def _nearness(tier: str) -> int:
    return _TIERS.get(tier, len(_TIERS))


def news_at(*, published: datetime | None, date_suspect: bool, first_seen: datetime) -> datetime:
    """When an entry became news: what the publisher says, as far as it can be true."""
    said = None if date_suspect else published
    return min(said or first_seen, first_seen)


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """One feed's first entry of a story, and how long after the first feed of all it came."""

    feed_id: str
    at: datetime
    behind: timedelta


def carriers(told: Sequence[tuple[str, datetime]]) -> tuple[Carried, ...]:
    """From (feed id, when it became news) of each member: who carried the story, the first one first, each feed once."""
    earliest: dict[str, datetime] = {}
    for feed_id, at in told:
        earliest[feed_id] = min(at, earliest.get(feed_id, at))
    order = sorted(earliest.items(), key=lambda found: (found[1], found[0]))
    return tuple(Carried(feed_id=feed_id, at=at, behind=at - order[0][1]) for feed_id, at in order)
