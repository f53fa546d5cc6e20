"""Due slots -> digests: gathered, composed, rendered, and frozen with their ledger rows and final bytes."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from aggregator.core.digests import slots
from aggregator.core.digests.letter import DueDigest, Envelope, Postmaster
from aggregator.core.errors import UsageError
from aggregator.core.model.digests import Rendered
from aggregator.core.model.subscriptions import Empty, Subscriber, SubscriberState, Subscription
from aggregator.store import digests, health, subscribers, topics
from aggregator.store.database import Connection, Store

log = structlog.get_logger(__name__)

BURST = timedelta(minutes=15)  # alerts within this time share a mail
WEEK = timedelta(days=7)


class Opener:
    """Makes digests. Nothing is sent here: a frozen digest waits in the outbox."""

    def __init__(self, *, store: Store, postmaster: Postmaster, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._postmaster = postmaster
        self._clock = clock

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
