"""Topics that somebody wishes to hear of when they rise -> rows for those readers, before the round's digests are made."""

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from aggregator.core.errors import StoreError
from aggregator.store import spike_checks, trends
from aggregator.store.database import Store

log = structlog.get_logger(__name__)


LASTS = timedelta(minutes=1)  # of looking in one round: then its digests are made, and the next round goes on


async def look(store: Store, *, clock: Callable[[], datetime]) -> None:
    """Look at every topic that is due for it, and write down who is to be told of which of its days.

    A topic that cannot be looked at now is due again in the next round, and holds up no other.
    """
    now = clock()
    for topic_id in await store.reading(spike_checks.due, now=now):
        if clock() - now > LASTS:
            return
        try:
            days = spike_checks.days_told(now)
            trend = await store.reading(trends.read_trend, topic_id, until=days[-1], days=len(days))
            await store.writing(spike_checks.note, topic_id, trend.spikes, now=now)
        except StoreError as error:
            log.error("spikes.not_noted", topic=topic_id, error=str(error))  # noqa: TRY400 - its cause is known
        except Exception:  # one topic's days never hold up anybody's digest
            log.exception("spikes.surprise", topic=topic_id)
