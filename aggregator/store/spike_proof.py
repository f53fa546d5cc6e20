"""What became of each spike that was due to a subscription, as the deliveries of the digests that claimed them say. It never mends."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, case, func, or_, select

from aggregator.core.model.subscriptions import LedgerState, Phase
from aggregator.store.schema import delivery, digest, spike, subscriber, subscription


@dataclass(frozen=True, slots=True, kw_only=True)
class SpikeFault:
    """So many spikes of one subscription that are in no digest of its own that is sent or will be, and the first of them."""

    subscription: str
    count: int
    spike_id: int
    digest_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SpikeBalance:
    """Spikes by what became of them; `suppressed_by` counts those that are not told by reason."""

    delivered: int = 0
    suppressed: int = 0
    pending: int = 0
    failed: int = 0
    suppressed_by: Mapping[str, int] = field(default_factory=dict)
    faults: tuple[SpikeFault, ...] = ()

    @property
    def due(self) -> int:
        """How many there are."""
        return sum((self.delivered, self.suppressed, self.pending, self.failed, *(one.count for one in self.faults)))


def prove(connection: Connection, *, since: datetime | None = None) -> SpikeBalance:
    """Weigh the spikes that were noticed at or after `since` (aware), or all."""
    states: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    faults: list[SpikeFault] = []
    for row in connection.execute(_sums(since)):
        if row.off is not None:
            name = f"{row.owner}/{row.subscription}"
            faults.append(SpikeFault(subscription=name, count=row.number, spike_id=row.first, digest_id=row.off))
            continue
        states[row.state] += row.number
        if row.reason:
            reasons[row.reason] += row.number
    counts = {state.value: states[state.value] for state in LedgerState}
    return SpikeBalance(**counts, suppressed_by=dict(sorted(reasons.items())), faults=tuple(faults))


def _sums(since: datetime | None) -> Select[Any]:
    """Spikes by subscription, state and reason; those that contradict their digest apart, digest by digest."""
    rows = _rows(since).subquery("rows")
    keys = (subscriber.c.slug, subscription.c.slug, rows.c.state, rows.c.reason, rows.c.off)
    return (
        select(
            subscriber.c.slug.label("owner"),
            subscription.c.slug.label("subscription"),
            rows.c.state,
            rows.c.reason,
            rows.c.off,
            func.count().label("number"),
            func.min(rows.c.id).label("first"),
        )
        .select_from(rows)
        .join(subscription, subscription.c.id == rows.c.subscription_id)
        .join(subscriber, subscriber.c.id == subscription.c.subscriber_id)
        .group_by(*keys)
        .order_by(*keys)
    )


def _rows(since: datetime | None) -> Select[Any]:
    """Each spike with its state, and its digest's number where the two contradict each other, else null."""
    phase = delivery.c.phase
    state = case(
        (spike.c.reason.is_not(None), LedgerState.SUPPRESSED.value),
        (phase == Phase.SENT.value, LedgerState.DELIVERED.value),
        (phase == Phase.DEAD.value, LedgerState.FAILED.value),
        else_=LedgerState.PENDING.value,
    )
    lost = or_(phase.is_(None), phase == Phase.CANCELLED.value, spike.c.reason.is_not(None))
    foreign = digest.c.subscription_id != spike.c.subscription_id
    query = (
        select(
            spike.c.id,
            spike.c.subscription_id,
            spike.c.reason,
            state.label("state"),
            case((or_(lost, foreign), spike.c.digest_id)).label("off"),
        )
        .outerjoin(digest, digest.c.id == spike.c.digest_id)
        .outerjoin(delivery, delivery.c.digest_id == spike.c.digest_id)
    )
    return query if since is None else query.where(spike.c.at >= since)
