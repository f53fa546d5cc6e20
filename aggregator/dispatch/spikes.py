"""Topics that somebody wishes to hear of when they rise -> rows for those readers, before the round's digests are made."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog

from aggregator.core.errors import StoreError
from aggregator.core.model.subscriptions import Subscription
from aggregator.core.model.trends import DueSpike, Spike
from aggregator.store import spike_checks, trends
from aggregator.store.database import Connection, Store

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
            found = await store.reading(_found, topic_id, now)
            await store.writing(spike_checks.note, topic_id, found, now=now)
        except StoreError as error:
            log.error("spikes.not_noted", topic=topic_id, error=str(error))  # noqa: TRY400 - its cause is known
        except Exception:  # one topic's days never hold up anybody's digest
            log.exception("spikes.surprise", topic=topic_id)


def foreseen(
    connection: Connection, of: Subscription, waiting: Sequence[DueSpike], *, now: datetime
) -> tuple[DueSpike, ...]:
    """What waits for a subscription as the next round's looks will leave it, for a preview: nothing is written."""
    days = spike_checks.days_told(now)
    told = list(waiting)
    for topic_id in spike_checks.due(connection, now=now):
        if topic_id in of.told:
            told = [one for one in told if one.topic_id != topic_id or one.day not in days]
            told += spike_checks.foreseen(connection, of.id, topic_id, _found(connection, topic_id, now), now=now)
    return tuple(told)


def _found(connection: Connection, topic_id: str, now: datetime) -> Sequence[Spike]:
    days = spike_checks.days_told(now)
    return trends.read_trend(connection, topic_id, until=days[-1], days=len(days)).spikes
