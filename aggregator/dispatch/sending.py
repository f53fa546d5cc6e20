"""The outbox -> the channels: claim, send phase by phase, record, so that nothing is lost and nothing sent twice unasked."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime, timedelta

import structlog

from aggregator.core.digests.fate import Fate, after_ambiguity, after_try
from aggregator.core.errors import StoreError
from aggregator.core.model.subscriptions import Delivery, Phase, SendFailed, SendFailure, SendResult
from aggregator.mail.transport import Transport
from aggregator.store import deliveries
from aggregator.store.database import Store

log = structlog.get_logger(__name__)

DRAIN = 25.0  # seconds that a session past DATA may take to end
RECORD_WAITS = (0.5, 1.0, 2.0, 4.0, 8.0, 8.0)  # seconds between tries to write an outcome: together about as long


class Sender:
    """Sends what waits in the outbox. `transports` maps a channel to what carries it, `token` gives a fresh lease."""

    def __init__(
        self,
        *,
        store: Store,
        transports: Mapping[str, Transport],
        clock: Callable[[], datetime],
        token: Callable[[], str],
        lease: timedelta,
    ) -> None:
        self._store = store
        self._transports = transports
        self._clock = clock
        self._token = token
        self._lease = lease
        self._in_data: set[asyncio.Task[Phase]] = set()
        self._late: dict[asyncio.Task[Phase], str] = {}  # left to themselves, and the channel of each
        self._keepers: set[asyncio.Task[None]] = set()

    async def send_due(self, *, patience: float | None = None) -> Mapping[str, Phase]:
        """Send what waits in the outbox; how each delivery ended, by Message-ID.

        After `patience` seconds those that still go on are left to themselves: they are recorded when they end, and until
        then nothing more is sent on their channel. Cancelling drops sessions that have not reached DATA and gives their
        leases back; those past it go on, and `drain` waits for them.
        """
        lease = self._token()
        busy = frozenset(self._late.values())
        waiting = await self._store.writing(
            deliveries.claim, now=self._clock(), lease=lease, lasts=self._lease, without=busy
        )
        if not waiting:
            return {}
        tries = {asyncio.create_task(self._deliver(one)): one for one in waiting}
        keeper = asyncio.create_task(self._keep(lease, tuple(tries)))
        self._keepers.add(keeper)
        keeper.add_done_callback(self._keepers.discard)
        try:
            ended, late = await asyncio.wait(tries, timeout=patience)
        except asyncio.CancelledError:
            keeper.cancel()
            self._drop(tries)
            await asyncio.shield(self._let_go(lease))
            raise
        for one in late:
            self._late[one] = tries[one].channel
            one.add_done_callback(self._late_ended)
            log.warning("delivery.slow", message_id=tries[one].message_id, channel=tries[one].channel)
        return {tries[one].message_id: one.result() for one in ended}

    def _late_ended(self, one: asyncio.Task[Phase]) -> None:
        del self._late[one]
        if not one.cancelled() and (error := one.exception()):
            log.error("delivery.surprise", error=repr(error))  # its lease ends, and it is tried again

    def _drop(self, tries: Iterable[asyncio.Task[Phase]]) -> None:
        """End what has not reached DATA."""
        for one in set(tries) - self._in_data:
            one.cancel()

    async def _let_go(self, lease: str) -> None:
        await self._store.writing(deliveries.release, lease=lease)
        if self._in_data:
            # Nobody keeps the lease any more; whoever took these over now would call them unknown and mail them again.
            until = self._clock() + max(self._lease, timedelta(seconds=DRAIN))
            await self._store.writing(deliveries.extend, lease=lease, until=until)

    async def drain(self) -> None:
        """Drop what was left to itself and has not reached DATA; wait for sessions past it, at most 25 seconds."""
        self._drop(self._late)
        if self._in_data:
            await asyncio.wait(self._in_data, timeout=DRAIN)

    async def aclose(self) -> None:
        """Give back what the channels hold open."""
        for transport in {id(one): one for one in self._transports.values()}.values():
            await transport.aclose()

    async def _deliver(self, one: Delivery) -> Phase:
        if one.phase is Phase.DATA:
            fate = after_ambiguity(one, "the service ended while the message was being given", now=self._clock())
        else:
            if not await self._store.writing(deliveries.begin, one, now=self._clock()):
                return Phase.CANCELLED
            fate = after_try(one, await self._send(one), now=self._clock())
        await self._record(one, fate)
        if task := asyncio.current_task():
            self._in_data.discard(task)
        log.info("delivery.ended", message_id=one.message_id, phase=fate.phase.value, detail=fate.detail)
        return fate.phase

    async def _record(self, one: Delivery, fate: Fate) -> None:
        """Write how a try ended. A database that is away is waited for: nobody else knows what the relay said."""
        for wait in RECORD_WAITS:
            try:
                await self._store.writing(deliveries.record, one, fate, now=self._clock())
            except StoreError as error:
                log.warning("delivery.not_recorded_yet", message_id=one.message_id, error=str(error))
                await asyncio.sleep(wait)
            else:
                return
        await self._store.writing(deliveries.record, one, fate, now=self._clock())

    async def _send(self, one: Delivery) -> SendResult:
        async def before_data() -> None:
            if task := asyncio.current_task():
                self._in_data.add(task)
            if not await self._store.writing(deliveries.entered_data, one):
                raise LostLeaseError(one.message_id)

        transport = self._transports.get(one.channel)
        if transport is None:
            return SendFailed(failure=SendFailure.CONFIG, detail=f"no such channel here: {one.channel}")
        try:
            return await transport.send(
                sender=one.sender, recipient=one.recipient, message=one.message, before_data=before_data
            )
        except LostLeaseError:
            return SendFailed(failure=SendFailure.RETRY, detail="another process took this delivery over")

    async def _keep(self, lease: str, tries: Collection[asyncio.Task[Phase]]) -> None:
        """Keep the lease until the last of `tries` ended."""
        while True:
            _, going_on = await asyncio.wait(tries, timeout=self._lease.total_seconds() / 2)
            if not going_on:
                return
            try:
                await self._store.writing(deliveries.extend, lease=lease, until=self._clock() + self._lease)
            except StoreError as error:  # it may be back before the lease is over
                log.warning("delivery.lease_not_kept", error=str(error))


class LostLeaseError(Exception):
    """Another process took the delivery over before DATA was given: this one must not send it."""
