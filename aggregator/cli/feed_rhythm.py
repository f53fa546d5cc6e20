"""How often the entries of feeds come, as their lists show it."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aggregator.store.database import Connection


def mean_gaps(connection: "Connection", feed_ids: Sequence[str]) -> dict[str, timedelta | None]:
    """The average time between the last entries of each feed."""
    from aggregator.core.checking.cadence import mean_gap
    from aggregator.store import entries

    return {feed_id: mean_gap(entries.latest_times(connection, feed_id)) for feed_id in feed_ids}
