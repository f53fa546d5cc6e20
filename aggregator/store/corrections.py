"""Corrections: noted in the transaction that stores a change, for everyone who was sent the entry, and told once.

A person who reads the entry in a timed digest is corrected there; an alert is corrected by an alert only without one.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, delete, exists, func, or_, select, update

from aggregator.core.checking.revisions import is_notable
from aggregator.core.model.digests import Change, DueCorrection
from aggregator.core.model.subscriptions import LedgerState
from aggregator.store import dialect
from aggregator.store.chunks import rows_of
from aggregator.store.schema import correction, digest, entry, feed, ledger, match, revision, subscription

MOST = 10  # entries of one digest; the others wait for the next
LOOKED_AT = 200  # entries that one digest considers

# A row is on its way, or has arrived, once a digest has claimed it and no end but delivery has come to it.
_SENT = and_(
    ledger.c.digest_id.is_not(None), ledger.c.state.in_([LedgerState.PENDING.value, LedgerState.DELIVERED.value])
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What waits to be corrected in one subscription: what to tell, how many more, and rows that mean nothing any more."""

    told: tuple[DueCorrection, ...] = ()
    more: int = 0
    void: tuple[int, ...] = ()


def note(connection: Connection, changed: Iterable[tuple[int, int]], change: Change, *, now: datetime) -> None:
    """Note that entries changed: pairs of (entry id, its revision now). Who was not sent an entry is told nothing."""
    revisions = dict(changed)
    rows = [
        {"subscription_id": of, "entry_id": entry_id, "revision": revisions[entry_id], "kind": change.value, "at": now}
        for entry_id, of in _readers(connection, revisions)
    ]
    if rows:
        connection.execute(dialect.insert(connection, correction).on_conflict_do_nothing(), rows)


def _readers(connection: Connection, entry_ids: Iterable[int]) -> list[tuple[int, int]]:
    """(entry id, subscription id) of those to be told."""
    sent: dict[tuple[int, int], dict[int, bool]] = defaultdict(dict)
    query = (
        select(match.c.entry_id, subscription.c.id, subscription.c.subscriber_id, subscription.c.schedule)
        .join(ledger, ledger.c.match_id == match.c.id)
        .join(subscription, subscription.c.id == ledger.c.subscription_id)
        .where(_SENT)
    )
    for row in rows_of(connection, query, match.c.entry_id, entry_ids):
        sent[row.entry_id, row.subscriber_id][row.id] = bool(row.schedule["immediate"])
    return [
        (entry_id, of)
        for (entry_id, _), mine in sorted(sent.items())
        for of, immediate in sorted(mine.items())
        if not immediate or all(mine.values())
    ]


def waiting(connection: Connection, subscription_id: int, *, as_of: datetime | None = None) -> Waiting:
    """What waits to be corrected in a subscription's next digest, or waited at an instant, oldest first.

    What the reader has not got yet waits on; what never reached them, or says again what they were told, is void.
    """
    mine = select(correction).where(correction.c.subscription_id == subscription_id)
    if as_of is None:
        query = mine.where(correction.c.digest_id.is_(None))
    else:
        later = select(digest.c.id).where(digest.c.created_at >= as_of)
        open_then = or_(correction.c.digest_id.is_(None), correction.c.digest_id.in_(later))
        query = mine.where(open_then, correction.c.at <= as_of)
    pending: dict[int, list[Any]] = defaultdict(list)
    for row in connection.execute(query.order_by(correction.c.id)):
        pending[row.entry_id].append(row)
    told: list[DueCorrection] = []
    void: list[int] = []
    for entry_id, rows in list(pending.items())[:LOOKED_AT]:
        found = _judged(connection, subscription_id, entry_id, rows, as_of)
        if isinstance(found, DueCorrection):
            told.append(found)
        elif found:
            void += [row.id for row in rows]
    unseen = max(len(pending) - LOOKED_AT, 0)
    return Waiting(told=tuple(told[:MOST]), more=max(len(told) - MOST, 0) + unseen, void=tuple(void))


def _judged(
    connection: Connection, subscription_id: int, entry_id: int, rows: Sequence[Any], as_of: datetime | None
) -> DueCorrection | bool:
    """The correction to tell; else whether it is void: False where the reader's own mail is not through yet."""
    sent = _sent(connection, subscription_id, entry_id, as_of)
    if sent.arrived is None:
        return not sent.under_way
    last = sent.revision if as_of is not None else max(sent.revision, _told(connection, subscription_id, entry_id))
    query = select(entry, feed.c.definition).join(feed, feed.c.id == entry.c.feed_id).where(entry.c.id == entry_id)
    now = connection.execute(query).one()
    newest = now.current_revision if as_of is None else max(row.revision for row in rows)
    before, after = (_words(connection, entry_id, n) for n in (last, newest))
    if before is None or after is None:
        return True
    withdrawn = any(row.kind == Change.WITHDRAWN.value for row in rows) and now.withdrawn_at is not None
    if not withdrawn and not is_notable(before.title, before.text, after.title, after.text):
        return True
    return DueCorrection(
        ids=tuple(row.id for row in rows),
        entry_id=entry_id,
        change=Change.WITHDRAWN if withdrawn else Change.CHANGED,
        revision=newest,
        feed_id=now.feed_id,
        feed_name=now.definition["name"] or now.feed_id,
        link=after.link,
        language=after.language,
        told_at=sent.arrived,
        at=max(row.at for row in rows),
        title=before.title,
        text=before.text,
        title_now=after.title,
        text_now=after.text,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sent:
    """What a reader has of an entry: when it was first mailed, None when it has not arrived, and in which words."""

    arrived: datetime | None
    revision: int
    under_way: bool


def _sent(connection: Connection, subscription_id: int, entry_id: int, as_of: datetime | None) -> _Sent:
    query = (
        select(ledger.c.state, ledger.c.revision_sent, digest.c.created_at)
        .join(match, match.c.id == ledger.c.match_id)
        .join(digest, digest.c.id == ledger.c.digest_id)
        .where(ledger.c.subscription_id == subscription_id, match.c.entry_id == entry_id, _SENT)
    )
    rows = connection.execute(query if as_of is None else query.where(digest.c.created_at < as_of)).all()
    here = [row for row in rows if row.state == LedgerState.DELIVERED.value]
    return _Sent(
        arrived=min((row.created_at for row in here), default=None),
        revision=max((row.revision_sent or 0 for row in here), default=0),
        under_way=len(here) < len(rows),
    )


def _told(connection: Connection, subscription_id: int, entry_id: int) -> int:
    """The last revision that a correction told, 0 when none did."""
    query = select(func.max(correction.c.revision)).where(
        correction.c.subscription_id == subscription_id,
        correction.c.entry_id == entry_id,
        correction.c.digest_id.is_not(None),
    )
    return connection.execute(query).scalar_one() or 0


def _words(connection: Connection, entry_id: int, n: int) -> Any:
    columns = (revision.c.title, revision.c.text, revision.c.link, revision.c.language)
    return connection.execute(select(*columns).where(revision.c.entry_id == entry_id, revision.c.n == n)).one_or_none()


def claim(connection: Connection, found: Sequence[DueCorrection], digest_id: int) -> bool:
    """Give corrections to the digest that tells them; False when another process took one of them."""
    for one in found:
        mine = update(correction).where(correction.c.id.in_(one.ids), correction.c.digest_id.is_(None))
        if connection.execute(mine.values(digest_id=digest_id)).rowcount != len(one.ids):
            return False
        # What is told may be newer than the change that called for it; the next correction starts from there.
        told = update(correction).where(correction.c.id == max(one.ids))
        connection.execute(told.values(revision=one.revision))
    return True


def release(connection: Connection, digest_id: int) -> None:
    """Let the corrections of a digest that was never sent wait for the next one."""
    connection.execute(update(correction).where(correction.c.digest_id == digest_id).values(digest_id=None))


def forget(connection: Connection, void: Sequence[int]) -> None:
    """Take out rows that mean nothing any more."""
    if void:
        connection.execute(delete(correction).where(correction.c.id.in_(void), correction.c.digest_id.is_(None)))


def with_waiting(connection: Connection, subscription_ids: Sequence[int]) -> frozenset[int]:
    """Those of these subscriptions to which any change waits to be told, of whatever worth."""
    waits = exists().where(correction.c.subscription_id == subscription.c.id, correction.c.digest_id.is_(None))
    query = select(subscription.c.id).where(waits)
    return frozenset(row.id for row in rows_of(connection, query, subscription.c.id, subscription_ids))
