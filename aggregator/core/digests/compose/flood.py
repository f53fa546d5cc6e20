"""How many matches a topic has a day, and how many are due now -> whether it is flooded, and then only summed up.

A broken rule, or one event that fills every outlet, must not bury what else a digest tells.
"""

from collections.abc import Sequence
from statistics import median

from aggregator.core.model.digests import Flood

DAYS = 14  # days that say what is usual
LEAST_DAYS = 7  # a topic that is younger has no usual number
AT_LEAST = 50
TIMES = 10


def flood_of(count: int, daily: Sequence[int], *, days: float = 1) -> Flood | None:
    """The flood when `count` due matches of `days` days (at least one) are too many, None when they are not.

    `daily` are the topic's matches a day over the last fourteen before them, or as many as it has been matched for.
    """
    if count <= AT_LEAST or len(daily) < LEAST_DAYS:
        return None
    usual = float(median(daily))
    return Flood(count=count, usual=usual) if count > TIMES * usual * max(days, 1) else None
