"""What is due to a subscription, and the digest that claims it: one transaction for digest, ledger rows and bytes."""

import zlib
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select, update

from aggregator.core.digests.attention import Verdict, verdict
from aggregator.core.digests.letter import DueDigest, Envelope
from aggregator.core.model.digests import Change, DigestKind, DueItem
from aggregator.core.model.subscriptions import LedgerState, Phase
from aggregator.store import attention, corrections, dialect, spikes, subscribers
from aggregator.store.attention import ALERT_LIMIT
from aggregator.store.chunks import chunks, rows_of
from aggregator.store.due import ITEMS_A_QUERY, TextRoom, item_of, items_query
from aggregator.store.schema import delivery, digest, entry, is_news, is_open, is_pending, ledger, match, subscription

ARCHIVE_ITEMS = 20  # baseline matches a subscription's first digest carries
KNOWN_STORY = "known_story"


def due_items(
    connection: Connection, subscription_id: int, *, archive: bool, limit: int = 5000, as_of: datetime | None = None
) -> tuple[DueItem, ...]:
    """The pending matches of a subscription, oldest first; with `archive` also its latest baseline ones.

    With `as_of` what a digest made at that instant found pending, in the words and with the evidence known then.
    """
    mine = ledger.c.subscription_id == subscription_id
    if as_of is None:
        waiting, baseline = is_pending, _is_baseline()
    else:
        later = ledger.c.digest_id.in_(select(digest.c.id).where(digest.c.created_at >= as_of))
        left_out = and_(ledger.c.reason.in_([KNOWN_STORY, ALERT_LIMIT]), ledger.c.at >= as_of)
        mine = and_(mine, match.c.first_seen <= as_of)
        waiting = or_(is_pending, left_out, and_(later, is_news))
        baseline = or_(_is_baseline(), and_(later, ~is_news))
    found = _read(connection, as_of, and_(mine, waiting), limit)
    if archive:
        query = items_query(as_of).where(mine, baseline)
        old = query.order_by(entry.c.published.desc(), match.c.id.desc()).limit(ARCHIVE_ITEMS)
        found += [item_of(row, archive=True) for row in connection.execute(old)]
    alerted = _alerted(connection, subscription_id, [item.match_id for item in found], as_of)
    return tuple(_with_alert(item, alerted.get(item.match_id)) for item in found)


def _read(connection: Connection, as_of: datetime | None, wanted: ColumnElement[bool], limit: int) -> list[DueItem]:
    """The matches of these ledger rows in the order of their ids, some at a time, with as much of their texts as has room."""
    room, found, after = TextRoom(), list[DueItem](), 0
    while len(found) < limit:
        size = min(ITEMS_A_QUERY, limit - len(found))
        query = room.query(as_of).where(wanted, ledger.c.match_id > after).order_by(ledger.c.match_id).limit(size)
        page = room.hold(item_of(row) for row in connection.execute(query))
        found += page
        if len(page) < size:
            break
        after = page[-1].match_id
    return found


def _is_baseline() -> ColumnElement[bool]:
    """A match of a first import that no digest has taken."""
    return and_(
        ledger.c.state == LedgerState.SUPPRESSED.value,
        ledger.c.reason == subscribers.BASELINE,
        ledger.c.digest_id.is_(None),
    )


def _with_alert(item: DueItem, at: datetime | None) -> DueItem:
    return replace(item, alerted_at=at) if at is not None else item


def _alerted(
    connection: Connection, subscription_id: int, match_ids: Collection[int], as_of: datetime | None
) -> dict[int, datetime]:
    """When this person's immediate subscriptions told these matches, in mail that arrived or is on its way.

    Two digests never hide from each other.
    """
    owner = select(subscription.c.subscriber_id).where(subscription.c.id == subscription_id).scalar_subquery()
    theirs = select(subscription.c.id, subscription.c.schedule).where(
        subscription.c.subscriber_id == owner, subscription.c.listed, subscription.c.id != subscription_id
    )
    others = [row.id for row in connection.execute(theirs) if row.schedule["immediate"]]
    if not others or not match_ids:
        return {}
    query = (
        select(ledger.c.match_id, func.min(ledger.c.at).label("at"))
        .where(ledger.c.subscription_id.in_(others))
        .where(ledger.c.match_id.in_(match_ids))
        .where(or_(ledger.c.state == LedgerState.DELIVERED.value, _is_under_way()))
        .group_by(ledger.c.match_id)
    )
    query = query if as_of is None else query.where(ledger.c.at < as_of)
    return {row.match_id: row.at for row in connection.execute(query)}


def _is_under_way() -> ColumnElement[bool]:
    """In a digest that is still being sent: what comes in a moment is no news in the next mail either."""
    return and_(
        ledger.c.state == LedgerState.PENDING.value,
        ledger.c.digest_id.in_(select(delivery.c.digest_id).where(is_open)),
    )


def last_digest_at(connection: Connection, subscription_id: int, *, as_of: datetime | None = None) -> datetime | None:
    """The slot of a subscription's last digest (made before `as_of`, when given), None before its first."""
    query = select(func.max(digest.c.slot_at)).where(digest.c.subscription_id == subscription_id)
    query = query if as_of is None else query.where(digest.c.created_at < as_of)
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
    if due.kind is DigestKind.ALERT and not _may_alert(connection, due, now):
        return None
    row = {"subscription_id": due.of.id, "kind": due.kind.value, "slot_at": due.slot_at, "since": due.since}
    row |= {"subject": subject, "item_count": len(due.items), "story_count": stories, "created_at": now}
    fresh = dialect.insert(connection, digest).values(row).on_conflict_do_nothing().returning(digest.c.id)
    with connection.begin_nested() as attempt:
        digest_id: int | None = connection.execute(fresh).scalar_one_or_none()
        if digest_id is None:
            return None
        # Before what waits for it, as a change of the file has it: in another order the two could wait for each other.
        subscribers.reached(connection, due.of.id, due.slot_at)
        if not (_claim_all(connection, due, digest_id, now) and _leave_known(connection, due, now)):
            attempt.rollback()
            return None
    corrections.forget(connection, due.undone)
    _queue(connection, digest_id, due.owner.id, seal(digest_id), now)
    return digest_id


def pass_over(connection: Connection, due: DueDigest, *, now: datetime) -> None:
    """Deal with a slot that has nothing to tell: what its reader knows is left out, and nothing is mailed."""
    if not due.of.schedule.immediate:
        subscribers.reached(connection, due.of.id, due.slot_at)
    _leave_known(connection, due, now)
    corrections.forget(connection, due.undone)


def _may_alert(connection: Connection, due: DueDigest, now: datetime) -> bool:
    """Whether the day has room for one more alert, asked again where no other process can fill it."""
    sent = attention.alerts_of(connection, due.owner.id, now=now, hold=True)
    return verdict(sent=sent, quiet=None, timezone=due.owner.timezone, now=now) is Verdict.SEND


def _claim_all(connection: Connection, due: DueDigest, digest_id: int, now: datetime) -> bool:
    if _claim_rows(connection, due.of.id, digest_id, due.items, now) != len(due.items):
        return False
    _correct_outdated(connection, due.items, now)
    return corrections.claim(connection, due.corrections, digest_id) and spikes.claim(connection, due.spikes, digest_id)


def _correct_outdated(connection: Connection, items: Sequence[DueItem], now: datetime) -> None:
    """Note what changed after it was read for this digest: its reader gets the words of before."""
    told = {item.entry_id: item.revision for item in items}
    now_in = rows_of(connection, select(entry.c.id, entry.c.current_revision), entry.c.id, told)
    newer = [(row.id, row.current_revision) for row in now_in if row.current_revision > told[row.id]]
    corrections.note(connection, newer, Change.CHANGED, now=now)


def _leave_known(connection: Connection, due: DueDigest, now: datetime) -> bool:
    """Suppress what says nothing new; False when another process took one of the rows."""
    values = {"state": LedgerState.SUPPRESSED.value, "reason": KNOWN_STORY, "at": now}
    rows = update(ledger).where(ledger.c.subscription_id == due.of.id, is_pending).values(values)
    parts = chunks(item.match_id for item in due.known)
    left = sum(connection.execute(rows.where(ledger.c.match_id.in_(part))).rowcount for part in parts)
    return left == len(due.known)


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
    free = or_(ledger.c.state == LedgerState.PENDING.value, ledger.c.reason == subscribers.BASELINE)
    values = {"state": LedgerState.PENDING.value, "digest_id": digest_id, "at": now}
    by_revision: dict[int, list[int]] = defaultdict(list)
    for item in items:
        by_revision[item.revision].append(item.match_id)
    claimed = 0
    for revision_told, match_ids in by_revision.items():
        for part in chunks(match_ids):
            rows = update(ledger).where(ledger.c.subscription_id == subscription_id, ledger.c.match_id.in_(part))
            told = rows.where(free, ledger.c.digest_id.is_(None)).values(**values, revision_sent=revision_told)
            claimed += connection.execute(told).rowcount
    return claimed
