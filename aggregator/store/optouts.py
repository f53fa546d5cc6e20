"""What people did themselves: left a topic or a subscription, paused, unsubscribed, asked for less; and its end.

It outlives the file. Each change takes the lock under which matches are written, so that no match slips past it, and
takes with it what waits untold; mail that is queued already is looked at once more just before it is sent, and is not
when its reader left all that it tells.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, delete, exists, func, or_, select, update

from aggregator.core.model.subscriptions import WHOLE, LedgerState, Subscriber, SubscriberState
from aggregator.store import dialect, spikes, subscribers
from aggregator.store.schema import (
    bounce,
    correction,
    digest,
    is_pending,
    ledger,
    match,
    opt_out,
    spike,
    subscriber,
    subscription,
    subscription_topic,
)

CAUGHT_UP = 50  # matches of a pause that each subscription is told at its end
LEFT_OUT = "resume_limit"  # the reason of the others
OPTED_OUT = "opted_out"
RESUMED = "resumed"

HELD = (SubscriberState.PAUSED.value, SubscriberState.BOUNCED.value)  # reasons that the end of a pause lifts


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """What the end of a pause brought back to one subscription: `back` matches are told, `left_out` are not."""

    at: datetime
    back: int
    left_out: int


def leave(connection: Connection, subscription_id: int, topic_id: str = WHOLE, *, now: datetime) -> None:
    """Take a topic, or all, out of a subscription, for its reader; once or more often, it is the same."""
    dialect.lock_subscriptions(connection, exclusive=True)
    row = {"subscription_id": subscription_id, "topic_id": topic_id, "at": now}
    connection.execute(dialect.insert(connection, opt_out).values(row).on_conflict_do_nothing())
    which = ledger.c.subscription_id == subscription_id
    if topic_id != WHOLE:
        which = and_(which, ledger.c.match_id.in_(select(match.c.id).where(match.c.topic_id == topic_id)))
    _suppress(connection, which, OPTED_OUT, now)
    spikes.leave_out(connection, [subscription_id], OPTED_OUT, topics=[topic_id] if topic_id != WHOLE else [])


def unsubscribe(connection: Connection, subscriber_id: int, *, detail: str, now: datetime) -> None:
    """End everything for a person, for the reason in `detail`; one who was erased stays so."""
    dialect.lock_subscriptions(connection, exclusive=True)
    if _person(connection, subscriber_id).state in {SubscriberState.UNSUBSCRIBED.value, SubscriberState.ERASED.value}:
        return
    subscribers.set_state(connection, subscriber_id, SubscriberState.UNSUBSCRIBED, detail=detail, now=now)
    _suppress(connection, ledger.c.subscription_id.in_(_of(subscriber_id)), SubscriberState.UNSUBSCRIBED.value, now)
    spikes.leave_out(connection, _of(subscriber_id), SubscriberState.UNSUBSCRIBED.value)


def pause(connection: Connection, subscriber_id: int, *, until: datetime | None, detail: str, now: datetime) -> bool:
    """Hold a person's mail until an instant, or until they are resumed; False for one to whom nothing is mailed anyway.

    What is pending stays so, what is matched meanwhile is kept aside (see `resume`). A pause is only ever made longer.
    """
    dialect.lock_subscriptions(connection, exclusive=True)
    person = _person(connection, subscriber_id)
    if person.state == SubscriberState.PAUSED.value:
        if person.paused_until is not None and (until is None or until > person.paused_until):
            longer = update(subscriber).where(subscriber.c.id == subscriber_id)
            connection.execute(longer.values(paused_until=until, state_detail=detail))
        return True
    if person.state != SubscriberState.ACTIVE.value:
        return False
    subscribers.set_state(connection, subscriber_id, SubscriberState.PAUSED, detail=detail, now=now, until=until)
    return True


def ask_weekly(connection: Connection, subscription_id: int, *, weekly: bool) -> None:
    """Write down whether a subscription's reader wants one mail a week, whatever the file says."""
    connection.execute(update(subscription).where(subscription.c.id == subscription_id).values(weekly=weekly))


def any_pause_over(connection: Connection, *, now: datetime) -> bool:
    """Whether `end_pauses` would find anybody."""
    found: bool = connection.execute(select(exists().where(_is_over(now)))).scalar_one()
    return found


def _is_over(now: datetime) -> ColumnElement[bool]:
    return and_(subscriber.c.state == SubscriberState.PAUSED.value, subscriber.c.paused_until <= now)


def end_pauses(connection: Connection, *, now: datetime) -> tuple[str, ...]:
    """Make active again whose pause is over; their slugs."""
    dialect.lock_subscriptions(connection, exclusive=True)
    due = connection.execute(select(subscriber.c.id, subscriber.c.slug).where(_is_over(now))).all()
    for row in due:
        end_pause(connection, row.id, now=now)
    return tuple(row.slug for row in due)


def end_pause(connection: Connection, subscriber_id: int, *, now: datetime) -> bool:
    """Make a person active who is paused, and tell them the latest of what was kept aside; False when they are not."""
    dialect.lock_subscriptions(connection, exclusive=True)
    if _person(connection, subscriber_id).state != SubscriberState.PAUSED.value:
        return False
    _activate(connection, subscriber_id, now)
    return True


def resume(connection: Connection, subscriber_id: int, *, now: datetime) -> None:
    """Lift all that a person did, or their mail server or the operator did to them: they get what the file says.

    Of what a pause or bounces kept aside, the latest 50 of each subscription are pending again. What was matched while
    they had left, or had left a topic, is written down as past: it is not told.
    """
    dialect.lock_subscriptions(connection, exclusive=True)
    state = _person(connection, subscriber_id).state
    mine = _of(subscriber_id)
    gone = state in {SubscriberState.UNSUBSCRIBED.value, SubscriberState.ERASED.value}
    watching = subscription_topic.c.subscription_id.in_(mine.where(subscription.c.listed))
    subscribers.put_in_the_past(connection, watching, reason=state if gone else OPTED_OUT, now=now)
    whole = select(opt_out.c.subscription_id).where(opt_out.c.subscription_id.in_(mine), opt_out.c.topic_id == WHOLE)
    for subscription_id in list(connection.execute(whole).scalars()):
        subscribers.reached(connection, subscription_id, now)  # the times it was left for are over
    connection.execute(delete(opt_out).where(opt_out.c.subscription_id.in_(mine)))
    connection.execute(update(subscription).where(subscription.c.id.in_(mine)).values(weekly=False))
    wishes = update(subscription).where(subscription.c.id.in_(mine), subscription.c.spikes_since.is_not(None))
    connection.execute(wishes.values(spikes_since=now))
    connection.execute(delete(bounce).where(bounce.c.subscriber_id == subscriber_id))
    if state != SubscriberState.ACTIVE.value:
        _activate(connection, subscriber_id, now)


def resumed(connection: Connection, owner: Subscriber, subscription_id: int, *, since: datetime) -> Resumed | None:
    """What the end of a pause since an instant brought to a subscription, None when it kept nothing aside."""
    if owner.state is not SubscriberState.ACTIVE or owner.state_detail != RESUMED:
        return None
    if owner.state_at is None or owner.state_at < since:
        return None
    counted = (
        select(
            func.count().filter(ledger.c.state == LedgerState.PENDING.value),
            func.count().filter(ledger.c.reason == LEFT_OUT),
        )
        .select_from(ledger)
        .where(ledger.c.subscription_id == subscription_id, ledger.c.at == owner.state_at)
    )
    back, left_out = connection.execute(counted).one()
    return Resumed(at=owner.state_at, back=back, left_out=left_out) if back or left_out else None


def _activate(connection: Connection, subscriber_id: int, now: datetime) -> None:
    for subscription_id in list(connection.execute(_of(subscriber_id)).scalars()):
        _catch_up(connection, subscription_id, now)
        # The next digest comes at its own time: one made at once would speak of the pause as of an outage.
        subscribers.reached(connection, subscription_id, now)
    subscribers.set_state(connection, subscriber_id, SubscriberState.ACTIVE, detail=RESUMED, now=now)


def _catch_up(connection: Connection, subscription_id: int, now: datetime) -> None:
    aside = and_(
        ledger.c.subscription_id == subscription_id,
        ledger.c.state == LedgerState.SUPPRESSED.value,
        ledger.c.reason.in_(HELD),
    )
    latest = select(ledger.c.match_id).where(aside).order_by(ledger.c.match_id.desc()).limit(CAUGHT_UP)
    told = list(connection.execute(latest).scalars())
    # A digest that was cancelled on the way has let go of its rows: the next one tells them.
    again = {"state": LedgerState.PENDING.value, "reason": None, "digest_id": None, "revision_sent": None, "at": now}
    mine = update(ledger).where(ledger.c.subscription_id == subscription_id)
    connection.execute(mine.where(ledger.c.match_id.in_(told)).values(again))
    connection.execute(update(ledger).where(aside).values(reason=LEFT_OUT, at=now))


def _suppress(connection: Connection, which: ColumnElement[bool], reason: str, now: datetime) -> None:
    """End what waits and is in no digest yet, and what was kept aside for a first digest or the end of a pause."""
    aside = and_(ledger.c.state == LedgerState.SUPPRESSED.value, ledger.c.reason.in_((*HELD, subscribers.BASELINE)))
    ended = {"state": LedgerState.SUPPRESSED.value, "reason": reason, "at": now}
    connection.execute(update(ledger).where(which, or_(is_pending, aside)).values(ended))


def left_of_digest(connection: Connection, digest_id: int) -> str:
    """What its reader left, so that nothing a digest tells is wanted any more; empty while something is.

    A mail that tells of no match is wanted as long as its subscription is, and so is one that corrects another.
    """
    mine = select(digest.c.subscription_id).where(digest.c.id == digest_id).scalar_subquery()
    gone = exists().where(opt_out.c.subscription_id == mine, opt_out.c.topic_id == WHOLE)
    if connection.execute(select(gone)).scalar_one():
        return "this subscription"
    matches = select(ledger.c.match_id).join(match, match.c.id == ledger.c.match_id)
    matches = matches.where(ledger.c.digest_id == digest_id)
    days = select(spike.c.id).where(spike.c.digest_id == digest_id)
    corrected = exists().where(correction.c.digest_id == digest_id)
    wanted = or_(
        matches.where(~has_left(ledger.c.subscription_id, match.c.topic_id)).exists(),
        days.where(~has_left(spike.c.subscription_id, spike.c.topic_id)).exists(),
        corrected,
    )
    tells = or_(matches.exists(), days.exists())
    return "its topics" if connection.execute(select(and_(tells, ~wanted))).scalar_one() else ""


def has_left(subscription_id: Any, topic_id: Any) -> ColumnElement[bool]:
    """The condition that a reader left a topic of a subscription, or all of it; for queries over both columns."""
    which = or_(opt_out.c.topic_id == WHOLE, opt_out.c.topic_id == topic_id)
    return exists().where(opt_out.c.subscription_id == subscription_id, which)


def _of(subscriber_id: int) -> Select[Any]:
    return select(subscription.c.id).where(subscription.c.subscriber_id == subscriber_id)


def _person(connection: Connection, subscriber_id: int) -> Row[Any]:
    return connection.execute(select(subscriber).where(subscriber.c.id == subscriber_id)).one()
