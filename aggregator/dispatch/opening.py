"""Due slots -> digests: gathered, composed, rendered, and frozen with their ledger rows and final bytes."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from aggregator.core.digests import slots
from aggregator.core.digests.attention import Verdict, local_day, verdict
from aggregator.core.digests.letter import DueDigest, Envelope, Postmaster, settled
from aggregator.core.errors import StoreError, UsageError
from aggregator.core.model.digests import Rendered
from aggregator.core.model.subscriptions import Empty, Subscriber, SubscriberState, Subscription, SubscriptionKind
from aggregator.dispatch import spikes as rises
from aggregator.dispatch.gathering import gather
from aggregator.dispatch.surroundings import Surroundings
from aggregator.store import attention, corrections, digests, optouts, spikes, subscribers
from aggregator.store.database import Connection, Store

log = structlog.get_logger(__name__)

WEEK = timedelta(days=7)


class Opener:
    """Makes digests. Nothing is sent here: a frozen digest waits in the outbox.

    `warnings` tells what an operator should know of this machine, in lines.
    """

    def __init__(
        self,
        *,
        store: Store,
        postmaster: Postmaster,
        clock: Callable[[], datetime],
        warnings: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        self._store = store
        self._postmaster = postmaster
        self._clock = clock
        self._warnings = warnings

    async def open_due(self) -> tuple[int, ...]:
        """Make and freeze every digest whose slot has come; their ids. Pauses that are over end first.

        Topics are looked at for spikes before, so that what is found is in these digests.
        """
        if await self._store.reading(optouts.any_pause_over, now=self._clock()):
            await self._store.writing(optouts.end_pauses, now=self._clock())
        await rises.look(self._store, clock=self._clock)
        made: list[int] = []
        members = await self._store.reading(subscribers.members)
        at_once = [one.id for member in members for one in member.subscriptions if one.schedule.immediate]
        waiting = await self._store.reading(_waiting, at_once)
        around = Surroundings()
        for member in members:
            # Alerts first, so that what one tells is no news in a digest of the same moment.
            for subscription in sorted(member.subscriptions, key=lambda one: not one.schedule.immediate):
                if subscription.schedule.immediate and subscription.id not in waiting:
                    continue
                try:
                    frozen = await self._open(member.subscriber, subscription, around)
                except StoreError as error:  # what was not written is due again at the next tick
                    whose = f"{member.subscriber.slug}/{subscription.slug}"
                    log.error("digest.not_made", subscription=whose, error=str(error))  # noqa: TRY400 - its cause is known
                    continue
                except Exception:  # one person's digest never holds up another's
                    log.exception("digest.surprise", subscription=f"{member.subscriber.slug}/{subscription.slug}")
                    continue
                if frozen is not None:
                    made.append(frozen)
        return tuple(made)

    async def _open(self, owner: Subscriber, of: Subscription, around: Surroundings) -> int | None:
        if owner.state is not SubscriberState.ACTIVE or of.is_left:
            return None
        slot = await self._alert(owner, of) if of.schedule.immediate else await self._slot(owner, of)
        if slot is None:
            return None
        gathered = await self._store.reading(gather, owner, of, slot, around, warnings=self._warnings())
        due, stories, rendered = await asyncio.to_thread(self._written, gathered)
        if not due.says_something and not await self._tells_silence(of, slot.slot_at):
            await self._store.writing(digests.pass_over, due, now=self._clock())
            return None
        now = self._clock()

        def seal(digest_id: int) -> Envelope:
            return self._postmaster.seal(due, rendered, digest_id=digest_id, now=now)

        return await self._store.writing(
            digests.freeze, due, subject=rendered.subject, stories=stories, seal=seal, now=now
        )

    def _written(self, gathered: DueDigest) -> tuple[DueDigest, int, Rendered]:
        """The digest with what its reader knows left out, how many stories it tells, and its words."""
        due = settled(gathered)
        return due, *self._postmaster.words(due)

    async def _slot(self, owner: Subscriber, of: Subscription) -> slots.Due | None:
        """The slot of a timed subscription that has come; an operator's is passed over on a day that had its mail."""
        now = self._clock()
        found = slots.due(of.in_force, owner.timezone, last=of.slot_at, created=of.created_at, now=now)
        if found is None or of.kind is not SubscriptionKind.OPERATOR:
            return found
        last = await self._store.reading(digests.last_digest_at, of.id)
        start, end = local_day(now, owner.timezone)
        return None if last is not None and start <= last < end else found

    async def _alert(self, owner: Subscriber, of: Subscription) -> slots.Due | None:
        """Now, when its reader may be interrupted."""
        now = self._clock()
        sent = await self._store.reading(attention.alerts_of, owner.id, now=now)
        match verdict(sent=sent, quiet=of.schedule.quiet, timezone=owner.timezone, now=now):
            case Verdict.SEND:
                return slots.Due(slot_at=now)
            case Verdict.LIMIT:
                # What no digest tells stays, and is found again in every round of the day: a look, and no write.
                if await self._store.reading(attention.has_for_digests, of.id, owner.id):
                    left = await self._store.writing(attention.give_to_digests, of.id, owner.id, now=now)
                    log.info("alerts.limit", subscription=f"{owner.slug}/{of.slug}", left=left)
        return None

    async def _tells_silence(self, of: Subscription, slot_at: datetime) -> bool:
        if of.schedule.immediate or of.empty is Empty.SKIP:
            return False
        last = await self._store.reading(digests.last_digest_at, of.id)
        return of.empty is Empty.ALL_CLEAR or last is None or slot_at - last >= WEEK

    async def preview(
        self, slug: str, *, subscription: str | None = None, as_of: datetime | None = None
    ) -> tuple[Rendered, bytes]:
        """What a subscriber's next digest would be now, or would have been at `as_of`, without making it.

        Raises UsageError.
        """
        owner, of = await self._store.reading(find, slug, subscription)
        slot = slots.Due(slot_at=as_of or self._clock())
        gathered = await self._store.reading(
            gather, owner, of, slot, Surroundings(), as_of=as_of, warnings=self._warnings()
        )
        if as_of is None:
            coming = await self._store.reading(rises.foreseen, of, gathered.spikes, now=slot.slot_at)
            gathered = replace(gathered, spikes=coming)
        due, _, rendered = await asyncio.to_thread(self._written, gathered)
        message = self._postmaster.seal(due, rendered, digest_id=0, now=slot.slot_at).message
        return self._postmaster.numbered(due, rendered, digest_id=0), message


def _waiting(connection: Connection, subscription_ids: Sequence[int]) -> frozenset[int]:
    """Those of these subscriptions to which a match, a correction or a spike waits to be told."""
    kinds = (attention.with_pending, corrections.with_waiting, spikes.with_waiting)
    return frozenset[int]().union(*(waits(connection, subscription_ids) for waits in kinds))


def find(connection: Connection, slug: str, subscription: str | None) -> tuple[Subscriber, Subscription]:
    """A subscriber's subscription by name, or the first one. Raises UsageError saying which there are."""
    found = subscribers.member(connection, slug)
    if found is None:
        raise UsageError(f"no such subscriber: {slug}", hint="`aggregator subscribers list` shows them")
    chosen = next((one for one in found.subscriptions if subscription in {None, one.slug}), None)
    if chosen is None:
        names = ", ".join(one.slug for one in found.subscriptions) or "none"
        raise UsageError(f"{slug} has no subscription {subscription or 'at all'}", hint=f"there are: {names}")
    return found.subscriber, chosen
