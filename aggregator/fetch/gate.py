"""One request at a time for each host name, starts a gap apart, none while the host asked for a pause.

It holds back the requests of one process; other processes are held back by host claims in the database.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field

_SWEEP_AT = 256  # hosts


class HostHeldError(Exception):
    """The host asked for a pause that has `seconds` to go."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"held for {seconds:.0f} s")
        self.seconds = seconds


@dataclass(slots=True)
class _Host:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    ready_at: float = 0.0  # when the next request may start
    held_until: float = 0.0
    guests: int = 0  # waiting or served


class HostGate:
    """`gap` in seconds between the starts of two requests to one host; `monotonic` and `sleep` are a clock's."""

    def __init__(
        self,
        gap: float,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._gap = gap
        self._monotonic = monotonic
        self._sleep = sleep
        self._hosts: dict[str, _Host] = {}
        self._sweep_at = _SWEEP_AT

    @asynccontextmanager
    async def turn(self, host: str, *, slot: AbstractAsyncContextManager[object] | None = None) -> AsyncIterator[None]:
        """Wait for our turn at `host`, first come first served, and keep it until the block ends.

        `slot` is taken after the wait, so that those who wait hold none, and the gap counts from then. Raises
        HostHeldError at once when the host is on hold by the time our turn comes.
        """
        entry = self._entry(host)
        entry.guests += 1
        try:
            async with entry.lock:
                await self._ready(entry)
                async with slot or nullcontext():
                    entry.ready_at = self._monotonic() + self._gap
                    yield
        finally:
            entry.guests -= 1

    def hold(self, host: str, seconds: float) -> None:
        """No request to `host` for so long; a longer hold in force stays."""
        entry = self._entry(host)
        entry.held_until = max(entry.held_until, self._monotonic() + seconds)

    def held(self, host: str) -> float:
        """How many seconds `host` is still on hold; 0 when it is not."""
        entry = self._hosts.get(host)
        return max(entry.held_until - self._monotonic(), 0.0) if entry else 0.0

    async def rest(self, seconds: float) -> None:
        """Wait for `seconds` by the gate's clock."""
        if seconds > 0:
            await self._sleep(seconds)

    async def _ready(self, entry: _Host) -> None:
        while True:
            now = self._monotonic()
            if entry.held_until > now:
                raise HostHeldError(entry.held_until - now)
            if entry.ready_at <= now:
                return
            await self._sleep(entry.ready_at - now)

    def _entry(self, host: str) -> _Host:
        if len(self._hosts) >= self._sweep_at:
            self._forget_idle()
        return self._hosts.setdefault(host, _Host())

    def _forget_idle(self) -> None:
        now = self._monotonic()
        self._hosts = {
            host: entry
            for host, entry in self._hosts.items()
            if entry.guests or max(entry.ready_at, entry.held_until) > now
        }
        # The next sweep comes when the table has doubled: its cost stays small beside the requests between.
        self._sweep_at = max(_SWEEP_AT, 2 * len(self._hosts))
