"""From the end of one try to send, the fate of a delivery: sent, tried again, parked or given up."""

import zlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from aggregator.core.digests.bounces import Bounce, of_refusal
from aggregator.core.model.subscriptions import Delivery, Phase, SendFailed, SendFailure, SendResult, Sent

RETRIES = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1))
LATER = timedelta(hours=3)
LONGEST_WAIT = timedelta(hours=24)  # whatever pause a server asks for
SPREAD = 0.2  # of a wait: mails that failed together do not all come back together
GIVE_UP_AFTER = 20  # tries: the four above and then every three hours make 48 hours
AMBIGUOUS_WAIT = timedelta(minutes=30)
PARK = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What becomes of a delivery. `park_until` rests its whole channel: the fault is ours, not the recipient's.

    `bounce` is what the try said of the recipient's address, where it said anything.
    """

    phase: Phase
    detail: str | None
    next_try_at: datetime | None = None
    ambiguous: int = 0
    park_until: datetime | None = None
    bounce: Bounce | None = None


def after_try(one: Delivery, result: SendResult, *, now: datetime) -> Fate:
    """The fate of `one` after the try that ended in `result`; `one.attempts` counts the tries before it."""
    if isinstance(result, Sent):
        return Fate(phase=Phase.SENT, detail=result.response, ambiguous=one.ambiguous)
    fate = _after_failure(one, result, now)
    if one.channel != "mail":
        return fate
    return replace(fate, bounce=of_refusal(result, given_up=fate.phase is Phase.PARKED))


def _after_failure(one: Delivery, result: SendFailed, now: datetime) -> Fate:
    match result.failure:
        case SendFailure.AMBIGUOUS:
            return after_ambiguity(one, result.detail, now=now)
        case SendFailure.CONFIG:
            # The recipient did nothing wrong: the message keeps its place and its tries.
            until = now + PARK
            return Fate(
                phase=Phase.QUEUED, detail=result.detail, next_try_at=until, ambiguous=one.ambiguous, park_until=until
            )
        case SendFailure.RETRY:
            return _again(one, result.detail, pause=result.retry_after, now=now)
        case _:
            return Fate(phase=Phase.DEAD, detail=result.detail, ambiguous=one.ambiguous)


def after_ambiguity(one: Delivery, detail: str, *, now: datetime) -> Fate:
    """After a try that may have been accepted: one identical retry, then a person decides (at most one duplicate)."""
    if one.ambiguous:
        return Fate(phase=Phase.PARKED, detail=detail, ambiguous=one.ambiguous + 1)
    return Fate(phase=Phase.UNKNOWN, detail=detail, next_try_at=now + AMBIGUOUS_WAIT, ambiguous=one.ambiguous + 1)


def _again(one: Delivery, detail: str, *, pause: timedelta | None, now: datetime) -> Fate:
    """A later try, not before the `pause` that the server asked for; the last one leaves it to a person."""
    if one.attempts >= GIVE_UP_AFTER:
        return Fate(phase=Phase.PARKED, detail=detail, ambiguous=one.ambiguous)
    wait = RETRIES[one.attempts] if one.attempts < len(RETRIES) else LATER
    asked = min(pause or timedelta(), LONGEST_WAIT)
    at = now + max(wait, asked) * (1 + SPREAD * _share(one))
    return Fate(phase=Phase.QUEUED, detail=detail, next_try_at=at, ambiguous=one.ambiguous)


def _share(one: Delivery) -> float:
    """A number from 0 to 1 that is this try's own, and the same whenever it is asked for."""
    return zlib.crc32(f"{one.message_id} {one.attempts}".encode()) / 0xFFFFFFFF
