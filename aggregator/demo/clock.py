"""The demo's time: it starts on the morning of the story and moves only when the story does. It reads no clock."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

MORNING = datetime(2026, 1, 27, 1, 30, tzinfo=UTC)  # 07:00 in Kolkata, half an hour before the desk's digest
DIGEST = MORNING + timedelta(minutes=31)
NEXT_MORNING = MORNING + timedelta(hours=23, minutes=30)  # by then two outlets have gone on
NEXT_DIGEST = DIGEST + timedelta(days=1)


@dataclass(slots=True)
class StoryClock:
    """Call it for the time; set `now` to move it."""

    now: datetime = MORNING

    def __call__(self) -> datetime:
        """The instant in UTC at which the story stands."""
        return self.now
