"""What is due to a subscription, and the digest that claims it: one transaction for digest, ledger rows and bytes."""

import zlib
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, func, or_, select, update

from aggregator.core.digests.letter import DueDigest, Envelope
from aggregator.core.model.digests import DueItem
from aggregator.core.model.subscriptions import LedgerState, Phase
from aggregator.store import dialect, subscribers
from aggregator.store.codec import fired_of
from aggregator.store.schema import (
    delivery,
    digest,
    entry,
    evidence,
    feed,
    is_pending,
    ledger,
    match,
    revision,
    story_member,
    subscriber,
    subscription,
    topic,
)

ARCHIVE_ITEMS = 20  # baseline matches a subscription's first digest carries


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenDigest:
    """A digest that was made, as lists show it."""

    id: int
    subscriber: str
    subscription: str
    slot_at: datetime
    subject: str
    item_count: int
    story_count: int
    phase: str
    detail: str | None
    attempts: int
    channel: str
    recipient: str | None
    next_try_at: datetime | None


def due_items(connection: Connection, subscription_id: int, *, archive: bool, limit: int = 5000) -> tuple[DueItem, ...]:
    """The pending matches of a subscription, oldest first; with `archive` also its latest baseline ones."""
    mine = ledger.c.subscription_id == subscription_id
    found = [
        _item(row) for row in connection.execute(_items().where(mine, is_pending).order_by(match.c.id).limit(limit))
    ]
    if archive:
        baseline = and_(ledger.c.state == LedgerState.SUPPRESSED.value, ledger.c.reason == "baseline")
        old = _items().where(mine, baseline).order_by(entry.c.published.desc(), match.c.id.desc()).limit(ARCHIVE_ITEMS)
        found += [_item(row, archive=True) for row in connection.execute(old)]
    alerted = _alerted(connection, subscription_id, [item.match_id for item in found])
    return tuple(_with_alert(item, alerted.get(item.match_id)) for item in found)


def any_pending(connection: Connection, subscription_id: int) -> bool:
    """Whether anything at all waits to be told to a subscription."""
    query = select(ledger.c.match_id).where(ledger.c.subscription_id == subscription_id, is_pending).limit(1)
    return connection.execute(query).first() is not None


def _items() -> Select[Any]:
    proof = evidence.alias("proof")
    newest = select(func.max(proof.c.id)).where(proof.c.match_id == match.c.id).correlate(match).scalar_subquery()
    return (
        select(
            match.c.id.label("match_id"),
            match.c.topic_id,
            topic.c.name.label("topic_name"),
            match.c.entry_id,
            revision.c.n.label("revision"),
            entry.c.feed_id,
            feed.c.definition,
            revision.c.title,
            revision.c.text,
            revision.c.link,
            revision.c.language,
            entry.c.published,
            entry.c.date_suspect,
            entry.c.first_seen,
            evidence.c.score,
            evidence.c.alert,
            evidence.c.fired,
            story_member.c.story_id,
        )
        .select_from(ledger)
        .join(match, match.c.id == ledger.c.match_id)
        .join(topic, topic.c.id == match.c.topic_id)
        .join(entry, entry.c.id == match.c.entry_id)
        .join(feed, feed.c.id == entry.c.feed_id)
        .join(evidence, evidence.c.id == newest)
        .join(revision, revision.c.id == evidence.c.revision_id)
        .outerjoin(story_member, story_member.c.entry_id == entry.c.id)
    )


def _item(row: Any, *, archive: bool = False) -> DueItem:
    return DueItem(
        match_id=row.match_id,
        topic_id=row.topic_id,
        topic_name=row.topic_name,
        entry_id=row.entry_id,
        revision=row.revision,
        feed_id=row.feed_id,
        feed_name=row.definition["name"] or row.feed_id,
        tier=row.definition["tier"],
        title=row.title,
        text=row.text,
        link=row.link,
        language=row.language,
        published=row.published,
        date_suspect=row.date_suspect,
        first_seen=row.first_seen,
        score=row.score,
        alert=row.alert,
        fired=fired_of(row.fired),
        story_id=row.story_id,
        archive=archive,
    )


def _with_alert(item: DueItem, at: datetime | None) -> DueItem:
    return replace(item, alerted_at=at) if at is not None else item


def _alerted(connection: Connection, subscription_id: int, match_ids: Collection[int]) -> dict[int, datetime]:
    """When this person's immediate subscriptions delivered these matches; two digests never hide from each other."""
    owner = select(subscription.c.subscriber_id).where(subscription.c.id == subscription_id).scalar_subquery()
    others = [
        one.id
        for member in subscribers.members(connection)
        for one in member.subscriptions
        if one.schedule.immediate and one.id != subscription_id
    ]
    if not others or not match_ids:
        return {}
    query = (
        select(ledger.c.match_id, func.min(ledger.c.at).label("at"))
        .join(subscription, subscription.c.id == ledger.c.subscription_id)
        .where(subscription.c.subscriber_id == owner, ledger.c.subscription_id.in_(others))
        .where(ledger.c.state == LedgerState.DELIVERED.value, ledger.c.match_id.in_(match_ids))
        .group_by(ledger.c.match_id)
    )
    return {row.match_id: row.at for row in connection.execute(query)}


def last_digest_at(connection: Connection, subscription_id: int) -> datetime | None:
    """The slot of a subscription's last digest, None before its first."""
    query = select(func.max(digest.c.slot_at)).where(digest.c.subscription_id == subscription_id)
    latest: datetime | None = connection.execute(query).scalar_one()
    return latest


def freeze(
    connection: Connection,
    due: DueDigest,
    *,
    subject: str,
    stories: int,
    seal: Callable[[int], Envelope],
    now: datetime,
) -> int | None:
    """Write a digest, claim its ledger rows and queue its final bytes, all or nothing; the digest's id.

    `seal` makes the finished message once the digest's id is known. None when another process made this slot's digest,
    or took one of the rows, since the items were read: nothing is written then, the next tick tells anew.
    """
    row = {"subscription_id": due.of.id, "slot_at": due.slot_at, "since": due.since, "subject": subject}
    row |= {"item_count": len(due.items), "story_count": stories, "created_at": now}
    fresh = dialect.insert(connection, digest).values(row).on_conflict_do_nothing().returning(digest.c.id)
    with connection.begin_nested() as attempt:
        digest_id: int | None = connection.execute(fresh).scalar_one_or_none()
        if digest_id is None:
            return None
        if _claim_rows(connection, due.of.id, digest_id, due.items, now) != len(due.items):
            attempt.rollback()
            return None
    _queue(connection, digest_id, due.owner.id, seal(digest_id), now)
    subscribers.reached(connection, due.of.id, due.slot_at)
    return digest_id


def _queue(connection: Connection, digest_id: int, subscriber_id: int, envelope: Envelope, now: datetime) -> None:
    connection.execute(
        delivery.insert().values(
            digest_id=digest_id,
            subscriber_id=subscriber_id,
            message_id=envelope.message_id,
            sender=envelope.sender,
            recipient=envelope.recipient,
            channel=envelope.channel,
            message=zlib.compress(envelope.message),
            phase=Phase.QUEUED.value,
            attempts=0,
            ambiguous=0,
            next_try_at=now,
            created_at=now,
        )
    )


def _claim_rows(
    connection: Connection, subscription_id: int, digest_id: int, items: Sequence[DueItem], now: datetime
) -> int:
    free = or_(ledger.c.state == LedgerState.PENDING.value, ledger.c.reason == "baseline")
    values = {"state": LedgerState.PENDING.value, "digest_id": digest_id, "at": now}
    by_revision: dict[int, list[int]] = defaultdict(list)
    for item in items:
        by_revision[item.revision].append(item.match_id)
    claimed = 0
    for revision_told, match_ids in by_revision.items():
        for start in range(0, len(match_ids), 500):
            part = ledger.c.match_id.in_(match_ids[start : start + 500])
            rows = update(ledger).where(ledger.c.subscription_id == subscription_id, part)
            told = rows.where(free, ledger.c.digest_id.is_(None)).values(**values, revision_sent=revision_told)
            claimed += connection.execute(told).rowcount
    return claimed


def latest(
    connection: Connection, *, limit: int = 50, message_ids: Collection[str] | None = None
) -> tuple[FrozenDigest, ...]:
    """Digests that were made, newest first, with the fate of their delivery; only those of `message_ids` when given."""
    query = (
        select(
            digest.c.id,
            subscriber.c.slug.label("subscriber"),
            subscription.c.slug.label("subscription"),
            digest.c.slot_at,
            digest.c.subject,
            digest.c.item_count,
            digest.c.story_count,
            delivery.c.phase,
            delivery.c.detail,
            delivery.c.attempts,
            delivery.c.channel,
            delivery.c.recipient,
            delivery.c.next_try_at,
        )
        .join(subscription, subscription.c.id == digest.c.subscription_id)
        .join(subscriber, subscriber.c.id == subscription.c.subscriber_id)
        .join(delivery, delivery.c.digest_id == digest.c.id)
        .order_by(digest.c.id.desc())
        .limit(limit)
    )
    if message_ids is not None:
        query = query.where(delivery.c.message_id.in_(message_ids))
    return tuple(FrozenDigest(**row._mapping) for row in connection.execute(query))  # noqa: SLF001 - public name
