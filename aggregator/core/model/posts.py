"""What becomes of a request that carries something of ours to somebody: they answered, or they did not."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A receiver's answer: its status, `words` for people in one line, and the pause it asked for."""

    status: int
    words: str
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unanswered:
    """No answer came, though the request may have arrived; `detail` is one line, `retry_after` a pause the host wants.

    `hopeless` when no later try of the same request can fare better.
    """

    detail: str
    hopeless: bool = False
    retry_after: timedelta | None = None


PostResult = Answered | Unanswered
