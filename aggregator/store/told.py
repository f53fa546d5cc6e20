"""What a reader was mailed before of the stories that a digest is about to tell, and the alerts it may continue."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, and_, func, or_, select

from aggregator.core.model.digests import DigestKind, DueItem, ToldItem
from aggregator.core.model.subscriptions import LedgerState, Subscription
from aggregator.store.chunks import chunks
from aggregator.store.digests import KNOWN_STORY
from aggregator.store.due import TextRoom, item_of
from aggregator.store.schema import delivery, digest, ledger, match, story_member, subscription

STORIES_A_QUERY = 50
_CLAIMED = and_(ledger.c.state == LedgerState.PENDING.value, ledger.c.digest_id.is_not(None))


def told_before(
    connection: Connection, of: Subscription, items: Sequence[DueItem], *, as_of: datetime | None = None
) -> Mapping[int, tuple[ToldItem, ...]]:
    """What was mailed of the stories of these items, by story, oldest first.

    A timed digest knows what it told itself: what another of the same person told is no reason to leave a match out.
    Mail that comes at once interrupts, so it knows what the person was mailed by any of theirs.
    """
    stories = sorted({item.story_id for item in items if item.story_id is not None})
    mine = ledger.c.subscription_id == of.id
    arrived = ledger.c.state == LedgerState.DELIVERED.value
    sent = and_(mine, or_(arrived, _CLAIMED))
    if of.schedule.immediate:
        theirs = select(subscription.c.id).where(subscription.c.subscriber_id == of.subscriber_id)
        sent = or_(sent, and_(ledger.c.subscription_id.in_(theirs), arrived))
    if as_of is not None:
        sent = and_(sent, ledger.c.digest_id.in_(select(digest.c.id).where(digest.c.created_at < as_of)))
    room, found = TextRoom(), defaultdict[int, list[ToldItem]](list)
    for some in chunks(stories, STORIES_A_QUERY):
        part = story_member.c.story_id.in_(some)
        for row in connection.execute(room.query(as_of).where(part, sent).order_by(ledger.c.at, match.c.id)):
            (item,) = room.hold([item_of(row)])
            found[row.story_id].append(ToldItem(item=item, at=row.ledger_at, digest_id=row.digest_id))
    return {story_id: tuple(members) for story_id, members in found.items()}


def left_out_since(connection: Connection, of: Subscription, since: datetime) -> int:
    """How many matches made after a subscription's last digest it left out because its reader knew their stories."""
    recent = and_(match.c.topic_id.in_(of.topics), match.c.first_seen > since)
    query = select(func.count()).select_from(match).join(ledger, ledger.c.match_id == match.c.id).where(recent)
    known = query.where(ledger.c.subscription_id == of.id, ledger.c.reason == KNOWN_STORY)
    return connection.execute(known).scalar_one()


def first_alert(connection: Connection, of: Subscription, before: Sequence[ToldItem]) -> str | None:
    """The Message-ID of the alert that first told this subscription's reader of a story, None when none did."""
    ids = [one.digest_id for one in before if one.digest_id is not None]
    query = (
        select(delivery.c.message_id)
        .join(digest, digest.c.id == delivery.c.digest_id)
        .where(digest.c.id.in_(ids), digest.c.subscription_id == of.id, digest.c.kind == DigestKind.ALERT.value)
        .order_by(digest.c.id)
        .limit(1)
    )
    return connection.execute(query).scalar_one_or_none()
