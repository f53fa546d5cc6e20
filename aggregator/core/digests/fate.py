"""From the end of one try to send, the fate of a delivery: sent, tried again, parked or given up."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from aggregator.core.model.subscriptions import Delivery, Phase, SendFailure, SendResult, Sent

RETRIES = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1))
LATER = timedelta(hours=3)
GIVE_UP_AFTER = 20  # tries: the four above and then every three hours make 48 hours
AMBIGUOUS_WAIT = timedelta(minutes=30)
PARK = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What becomes of a delivery. `park_until` rests its whole channel: the fault is ours, not the recipient's."""

    phase: Phase
    detail: str | None
    next_try_at: datetime | None = None
    ambiguous: int = 0
    park_until: datetime | None = None


def after_try(one: Delivery, result: SendResult, *, now: datetime) -> Fate:
    """The fate of `one` after the try that ended in `result`; `one.attempts` counts the tries before it."""
    if isinstance(result, Sent):
        return Fate(phase=Phase.SENT, detail=result.response, ambiguous=one.ambiguous)
    match result.failure:
        case SendFailure.AMBIGUOUS:
            return after_ambiguity(one, result.detail, now=now)
        case SendFailure.CONFIG:
            # The recipient did nothing wrong: the message keeps its place and its tries.
            until = now + PARK
            return Fate(
                phase=Phase.QUEUED, detail=result.detail, next_try_at=until, ambiguous=one.ambiguous, park_until=until
            )
        case SendFailure.RETRY if one.attempts < GIVE_UP_AFTER:
            wait = RETRIES[one.attempts] if one.attempts < len(RETRIES) else LATER
            return Fate(phase=Phase.QUEUED, detail=result.detail, next_try_at=now + wait, ambiguous=one.ambiguous)
        case SendFailure.RETRY:
            return Fate(phase=Phase.PARKED, detail=result.detail, ambiguous=one.ambiguous)
        case _:
            return Fate(phase=Phase.DEAD, detail=result.detail, ambiguous=one.ambiguous)


def after_ambiguity(one: Delivery, detail: str, *, now: datetime) -> Fate:
    """After a try that may have been accepted: one identical retry, then a person decides (at most one duplicate)."""
    if one.ambiguous:
        return Fate(phase=Phase.PARKED, detail=detail, ambiguous=one.ambiguous + 1)
    return Fate(phase=Phase.UNKNOWN, detail=detail, next_try_at=now + AMBIGUOUS_WAIT, ambiguous=one.ambiguous + 1)
