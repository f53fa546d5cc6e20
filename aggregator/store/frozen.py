"""Digests that were made: what lists show of them, and the very bytes that were sent, years later."""

import zlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, select

from aggregator.store.schema import delivery, digest, subscriber, subscription


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenDigest:
    """A digest that was made, as lists show it."""

    id: int
    kind: str
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


def latest(
    connection: Connection,
    *,
    limit: int = 50,
    message_ids: Collection[str] | None = None,
    subscriber_id: int | None = None,
) -> tuple[FrozenDigest, ...]:
    """Digests that were made, newest first, with the fate of their delivery; only those of `message_ids`, or of a person."""
    query = _lines().order_by(digest.c.id.desc()).limit(limit)
    if message_ids is not None:
        query = query.where(delivery.c.message_id.in_(message_ids))
    if subscriber_id is not None:
        query = query.where(delivery.c.subscriber_id == subscriber_id)
    return tuple(FrozenDigest(**row._mapping) for row in connection.execute(query))  # noqa: SLF001 - public name


def one(connection: Connection, digest_id: int) -> tuple[FrozenDigest, bytes | None] | None:
    """A digest by its number with the bytes that were sent, None in their place once they were erased."""
    row = connection.execute(_lines().where(digest.c.id == digest_id)).first()
    if row is None:
        return None
    query = select(delivery.c.message).where(delivery.c.digest_id == digest_id).order_by(delivery.c.id).limit(1)
    message = connection.execute(query).scalar_one()
    told = FrozenDigest(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for a row by column
    return told, None if message is None else zlib.decompress(message)


def _lines() -> Select[Any]:
    return (
        select(
            digest.c.id,
            digest.c.kind,
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
    )
