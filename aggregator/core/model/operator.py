"""What whoever runs the service must look after, as far as the archive knows it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Trouble(StrEnum):
    """What is wrong, the worst first."""

    AUDIT = "audit"
    RELAY = "relay"
    PARKED = "parked"
    DEAD = "dead"
    BOUNCED = "bounced"
    POISONED = "poisoned"
    GONE = "gone"
    FAILING = "failing"
    FLOOD = "flood"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """One thing to act on. `name` is who or what, an address masked; `detail` is one line; `since` when it began."""

    trouble: Trouble
    name: str
    detail: str
    since: datetime | None = None
    new: bool = True  # since the operator was last written to


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorReport:
    """All there is to act on. `feeds` and `checked` say what stands behind an all-clear; times are UTC."""

    slot_at: datetime
    since: datetime
    matters: tuple[Matter, ...] = ()
    feeds: int = 0
    checked: int = 0
    sent: int = 0  # mails since then
    reminder: bool = False  # nothing is new, but what is open has not been told for a week

    @property
    def is_due(self) -> bool:
        """Whether it is worth a mail."""
        return self.reminder or any(one.new for one in self.matters)

    @property
    def count(self) -> int:
        """How many matters are open."""
        return len(self.matters)
