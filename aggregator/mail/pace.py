"""How fast one relay is given mail: a token bucket that runs at half its rate for a while once the relay complains.

It counts the mails of one process; each of several has a bucket of its own.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

SLOW_FOR = 15 * 60.0  # seconds


class Pace:
    """`rate` turns a second, and after a rest up to one second's worth at once. `monotonic` and `sleep` are a clock's."""

    def __init__(
        self,
        rate: float,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Raises ValueError for a rate that is not above 0."""
        if rate <= 0:
            raise ValueError(f"a rate is above 0 mails a second, not {rate}")
        self._rate = rate
        self._monotonic = monotonic
        self._sleep = sleep
        self._earliest = float("-inf")  # when the turn after the last one given would come at an even pace
        self._slow_until = float("-inf")

    @property
    def rate(self) -> float:
        """Turns a second, now."""
        return self._rate / 2 if self._monotonic() < self._slow_until else self._rate

    async def turn(self) -> None:
        """Wait for a turn; turns are given in the order in which they were asked for."""
        now, gap = self._monotonic(), 1 / self.rate
        burst = max(self._rate - 1, 0) / self._rate
        at = max(self._earliest, now - burst)
        self._earliest = at + gap
        if at > now:
            await self._sleep(at - now)

    def slow_down(self) -> None:
        """Go at half the rate for 15 minutes from now."""
        self._slow_until = self._monotonic() + SLOW_FOR
