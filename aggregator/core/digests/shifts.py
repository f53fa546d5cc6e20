"""Names what a moved clock does to one run: its wall time was skipped, or comes twice. It reads no clock."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum

from aggregator.core.digests.slots import Slot, turning
from aggregator.core.digests.times import zone_or_utc

SECOND = timedelta(seconds=1)


class Turn(StrEnum):
    """Which way a clock was moved over a wall time."""

    GAP = "gap"  # forward: the time does not exist, the run is at the first valid instant after it
    FOLD = "fold"  # back: the time comes twice, the run is at the first


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """A clock that was moved over a run's wall time; both are naive local times.

    `before` is what the clock would have shown next, `after` what it showed instead: 02:00 and 03:00 in spring.
    """

    turn: Turn
    before: datetime
    after: datetime


def local_of(slot: Slot, timezone: str) -> datetime:
    """What a clock in the zone shows at a run, aware. A zone that does not exist counts as UTC."""
    return slot.at.astimezone(zone_or_utc(timezone))


def shift_of(slot: Slot, timezone: str) -> Shift | None:
    """What the zone's clock does to a run's wall time (PEP 495), None when nothing."""
    zone = zone_or_utc(timezone)
    shown = slot.at.astimezone(zone).replace(tzinfo=None)
    if shown != slot.local:
        return Shift(turn=Turn.GAP, before=_ahead(slot.at, zone), after=shown)
    first, second = (slot.local.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() == second.utcoffset():
        return None
    turned = turning(slot.at, second.astimezone(UTC), zone)
    return Shift(turn=Turn.FOLD, before=_ahead(turned, zone), after=turned.astimezone(zone).replace(tzinfo=None))


def _ahead(turned: datetime, zone: tzinfo) -> datetime:
    """What a clock would have shown at the instant it was moved, had it not been."""
    return (turned - SECOND).astimezone(zone).replace(tzinfo=None) + SECOND
