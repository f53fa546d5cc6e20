"""Station 2, from pending matches to mail that went out.

open due digests > compose > render > freeze (digest, ledger rows and final bytes together) > claim > send > record
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from aggregator.core.digests import slots
from aggregator.core.digests.fate import after_ambiguity, after_try
from aggregator.core.digests.letter import DueDigest, Envelope, Postmaster
from aggregator.core.errors import StoreError, UsageError
from aggregator.core.model.digests import Rendered
from aggregator.core.model.subscriptions import (
    Delivery,
    Empty,
    Phase,
    SendFailed,
    SendFailure,
    SendResult,
    Subscriber,
    SubscriberState,
    Subscription,
)
from aggregator.mail.transport import Transport
from aggregator.store import deliveries, digests, health, subscribers, topics
from aggregator.store.database import Connection, Store

log = structlog.get_logger(__name__)

BURST = timedelta(minutes=15)  # alerts within this time share a mail
WEEK = timedelta(days=7)
DRAIN = 25.0  # seconds that a session past DATA may take to end


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatched:
    """What one round did: digests frozen, and deliveries by the phase they ended in."""

    digests: tuple[int, ...]
    deliveries: Mapping[str, Phase]  # Message-ID -> phase


class Dispatcher:
    """Makes digests and sends them. `transports` maps a channel to what carries it, `token` gives a fresh lease."""

    def __init__(
        self,
        *,
        store: Store,
        transports: Mapping[str, Transport],
        postmaster: Postmaster,
        clock: Callable[[], datetime],
        token: Callable[[], str],
        lease: timedelta,
    ) -> None:
        self._store = store
        self._transports = transports
        self._postmaster = postmaster
        self._clock = clock
        self._token = token
        self._lease = lease
        self._in_data: set[asyncio.Task[Phase]] = set()

    async def run(self) -> Dispatched:
        """Make every digest that is due, then send every delivery that is due."""
        return Dispatched(digests=await self.open_due(), deliveries=await self.send_due())

    async def open_due(self) -> tuple[int, ...]:
        """Make and freeze every digest whose slot has come; their ids."""
        made: list[int] = []
        for member in await self._store.reading(subscribers.members):
            for subscription in member.subscriptions:
                try:
                    frozen = await self._open(member.subscriber, subscription)
                except Exception:  # one person's digest never holds up another's
                    log.exception("digest.surprise", subscription=f"{member.subscriber.slug}/{subscription.slug}")
                    continue
                if frozen is not None:
                    made.append(frozen)
        return tuple(made)

    async def _open(self, owner: Subscriber, of: Subscription) -> int | None:
        slot = self._slot(owner, of)
        if owner.state is not SubscriberState.ACTIVE or slot is None:
            return None
        if of.schedule.immediate and not await self._store.reading(digests.any_pending, of.id):
            return None
        due = await self._store.reading(gather, owner, of, slot)
        if not due.items and not await self._tells_silence(of, slot.slot_at):
            await self._store.writing(subscribers.reached, of.id, slot.slot_at)
            return None
        content, rendered = await asyncio.to_thread(self._postmaster.words, due)
        now = self._clock()

        def seal(digest_id: int) -> Envelope:
            return self._postmaster.seal(due, rendered, digest_id=digest_id, now=now)

        return await self._store.writing(
            digests.freeze, due, subject=rendered.subject, stories=content.story_count, seal=seal, now=now
        )

    def _slot(self, owner: Subscriber, of: Subscription) -> slots.Due | None:
        now, schedule = self._clock(), of.schedule
        if not schedule.immediate:
            return slots.due(schedule, owner.timezone, last=of.slot_at, created=of.created_at, now=now)
        quiet = schedule.quiet is not None and slots.quiet_until(schedule.quiet, owner.timezone, now) is not None
        resting = of.slot_at is not None and now - of.slot_at < BURST
        return None if quiet or resting else slots.Due(slot_at=now)

    async def _tells_silence(self, of: Subscription, slot_at: datetime) -> bool:
        if of.schedule.immediate or of.empty is Empty.SKIP:
            return False
        last = await self._store.reading(digests.last_digest_at, of.id)
        return of.empty is Empty.ALL_CLEAR or last is None or slot_at - last >= WEEK

    async def preview(
        self, slug: str, *, subscription: str | None = None, as_of: datetime | None = None
    ) -> tuple[Rendered, bytes]:
        """What a subscriber's next digest would be now, or at `as_of`, without making it. Raises UsageError."""
        owner, of = await self._store.reading(find, slug, subscription)
        slot = slots.Due(slot_at=as_of or self._clock())
        due = await self._store.reading(gather, owner, of, slot)
        shown = tuple(item for item in due.items if item.first_seen <= slot.slot_at)
        _, rendered = self._postmaster.words(replace(due, items=shown))
        return rendered, self._postmaster.seal(due, rendered, digest_id=0, now=slot.slot_at).message

    async def send_due(self) -> Mapping[str, Phase]:
        """Send what waits in the outbox; how each delivery ended, by Message-ID.

        Cancelling drops sessions that have not reached DATA and gives their leases back; those past it go on, and
        `drain` waits for them.
        """
        lease = self._token()
        waiting = await self._store.writing(deliveries.claim, now=self._clock(), lease=lease, lasts=self._lease)
        if not waiting:
            return {}
        async with self._held(lease):
            tries = [asyncio.create_task(self._deliver(one)) for one in waiting]
            try:
                await asyncio.wait(tries)
            except asyncio.CancelledError:
                for one in set(tries) - self._in_data:
                    one.cancel()
                await asyncio.shield(self._let_go(lease))
                raise
        return {one.message_id: done.result() for one, done in zip(waiting, tries, strict=True)}

    async def _let_go(self, lease: str) -> None:
        await self._store.writing(deliveries.release, lease=lease)
        if self._in_data:
            # Nobody keeps the lease any more; whoever took these over now would call them unknown and mail them again.
            until = self._clock() + max(self._lease, timedelta(seconds=DRAIN))
            await self._store.writing(deliveries.extend, lease=lease, until=until)

    async def drain(self) -> None:
        """Wait for sessions past DATA to end, at most 25 seconds."""
        if self._in_data:
            await asyncio.wait(self._in_data, timeout=DRAIN)

    async def _deliver(self, one: Delivery) -> Phase:
        if one.phase is Phase.DATA:
            fate = after_ambiguity(one, "the service ended while the message was being given", now=self._clock())
        else:
            if not await self._store.writing(deliveries.begin, one, now=self._clock()):
                return Phase.CANCELLED
            fate = after_try(one, await self._send(one), now=self._clock())
        await self._store.writing(deliveries.record, one, fate, now=self._clock())
        if task := asyncio.current_task():
            self._in_data.discard(task)
        log.info("delivery.ended", message_id=one.message_id, phase=fate.phase.value, detail=fate.detail)
        return fate.phase

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

    @asynccontextmanager
    async def _held(self, lease: str) -> AsyncIterator[None]:
        async def keep() -> None:
            while True:
                await asyncio.sleep(self._lease.total_seconds() / 2)
                try:
                    await self._store.writing(deliveries.extend, lease=lease, until=self._clock() + self._lease)
                except StoreError as error:  # it may be back before the lease is over
                    log.warning("delivery.lease_not_kept", error=str(error))

        keeper = asyncio.create_task(keep())
        try:
            yield
        finally:
            keeper.cancel()


class LostLeaseError(Exception):
    """Another process took the delivery over before DATA was given: this one must not send it."""


def gather(connection: Connection, owner: Subscriber, of: Subscription, slot: slots.Due) -> DueDigest:
    """Everything a digest of this slot would tell, in one consistent read."""
    last = digests.last_digest_at(connection, of.id)
    archive = last is None and not of.schedule.immediate
    since = last or of.created_at
    items = digests.due_items(connection, of.id, archive=archive)
    names = {topic.id: topic.name for topic in topics.listed(connection)}
    return DueDigest(
        owner=owner,
        of=of,
        slot_at=slot.slot_at,
        since=since,
        items=items,
        sources=health.sources(connection, since=since),
        archive=any(item.archive for item in items),
        coalesced=slot.coalesced,
        topics=tuple((topic_id, names.get(topic_id, topic_id)) for topic_id in of.topics),
    )


def find(connection: Connection, slug: str, subscription: str | None) -> tuple[Subscriber, Subscription]:
    """A subscriber's subscription by name, or the only one. Raises UsageError saying which there are."""
    for member in subscribers.members(connection):
        if member.subscriber.slug != slug:
            continue
        names = [one.slug for one in member.subscriptions]
        chosen = [one for one in member.subscriptions if subscription in {None, one.slug}]
        if len(chosen) == 1 or (chosen and subscription is None):
            return member.subscriber, chosen[0]
        raise UsageError(f"{slug} has no subscription {subscription}", hint=f"there are: {', '.join(names) or 'none'}")
    raise UsageError(f"no such subscriber: {slug}", hint="`aggregator subscribers list` shows them")
