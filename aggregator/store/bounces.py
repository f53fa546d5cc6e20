"""Mail that came back, counted a day and a person, and the addresses that are mailed no more because of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select, update

from aggregator.core.digests.bounces import NO_SUCH_ADDRESS, Bounce
from aggregator.core.model.subscriptions import SubscriberState
from aggregator.store import dialect, health, subscribers
from aggregator.store.codec import day_of
from aggregator.store.schema import bounce, delivery, heartbeat, subscriber

REMEMBERED = timedelta(days=30)
ENOUGH = 3.0  # of weight in that time
ENOUGH_HARD = 2  # days on which a server said that there is no such address

MAILBOX = "mailbox"  # the heartbeat of reading the bounce mailbox
_KEPT = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What came back on one day, the worst of it."""

    day: date
    weight: float
    code: str | None
    detail: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadMail:
    """A mail in the bounce mailbox that a person must look at."""

    at: datetime
    subject: str
    why: str


def record(connection: Connection, subscriber_id: int, found: Bounce, *, source: str, now: datetime) -> bool:
    """Count a bounce, at most one a day, the worst; whether it was one too many and the address is mailed no more.

    `source` is `smtp` for a relay's own answer and `report` for a mail that came back later.
    """
    today = day_of(now)
    mine = (bounce.c.subscriber_id == subscriber_id, bounce.c.day == today)
    values = {"weight": found.weight, "code": found.code, "detail": found.detail, "source": source}
    row = dialect.insert(connection, bounce).values(subscriber_id=subscriber_id, day=today, **values)
    connection.execute(row.on_conflict_do_nothing())
    connection.execute(update(bounce).where(*mine, bounce.c.weight < found.weight).values(values))
    state = connection.execute(select(subscriber.c.state).where(subscriber.c.id == subscriber_id)).scalar_one()
    if state != SubscriberState.ACTIVE.value or not _enough(of(connection, subscriber_id, now=now)):
        return False
    subscribers.set_state(connection, subscriber_id, SubscriberState.BOUNCED, detail=found.detail, now=now)
    return True


def _enough(days: Sequence[Day]) -> bool:
    nowhere = sum(day.code in NO_SUCH_ADDRESS for day in days)
    return nowhere >= ENOUGH_HARD or sum(day.weight for day in days) >= ENOUGH


def of(connection: Connection, subscriber_id: int, *, now: datetime) -> tuple[Day, ...]:
    """What came back from a person in the last 30 days, the latest first."""
    since = day_of(now - REMEMBERED)
    query = select(bounce).where(bounce.c.subscriber_id == subscriber_id, bounce.c.day > since)
    rows = connection.execute(query.order_by(bounce.c.day.desc()))
    return tuple(
        Day(day=row.day, weight=row.weight, code=row.code, detail=row.detail, source=row.source) for row in rows
    )


def subscriber_of_digest(connection: Connection, digest_id: int) -> int | None:
    """To whom a digest was sent, None when it never was."""
    query = select(delivery.c.subscriber_id).where(delivery.c.digest_id == digest_id).limit(1)
    return connection.execute(query).scalar()


def subscriber_of_message(connection: Connection, message_id: str) -> int | None:
    """To whom the mail of a Message-ID was sent, None when it is none of ours."""
    return connection.execute(select(delivery.c.subscriber_id).where(delivery.c.message_id == message_id)).scalar()


def keep_unread(connection: Connection, found: Sequence[UnreadMail], *, problem: str | None, now: datetime) -> None:
    """Write down that the mailbox was read, or why it could not be, and which mails a person must look at."""
    kept = (*found, *unread(connection))[:_KEPT]
    told = [{"at": one.at.isoformat(), "subject": one.subject, "why": one.why} for one in kept]
    health.beat(connection, MAILBOX, now=now, detail={"unread": told, "problem": problem})


def unread(connection: Connection, *, since: datetime | None = None) -> tuple[UnreadMail, ...]:
    """Mails in the bounce mailbox that a person must look at, the latest first, at most 20."""
    found = [
        UnreadMail(at=datetime.fromisoformat(one["at"]), subject=one["subject"], why=one["why"])
        for one in _last_reading(connection).get("unread", ())
    ]
    return tuple(one for one in found if since is None or one.at >= since)


def mailbox_problem(connection: Connection) -> str | None:
    """Why the bounce mailbox could not be read the last time, None when it could, or when there is none."""
    problem: str | None = _last_reading(connection).get("problem")
    return problem


def _last_reading(connection: Connection) -> Mapping[str, Any]:
    return connection.execute(select(heartbeat.c.detail).where(heartbeat.c.kind == MAILBOX)).scalar() or {}
