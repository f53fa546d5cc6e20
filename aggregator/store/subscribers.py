"""Subscribers and their subscriptions: what the file says of them, and the state that is theirs and outlives it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, literal, select, true, update

from aggregator.core.model.subscriptions import (
    LedgerState,
    Subscriber,
    SubscriberSpec,
    SubscriberState,
    Subscription,
    SubscriptionSpec,
)
from aggregator.store import dialect, spikes
from aggregator.store.codec import schedule_json, subscriber_of, subscription_of
from aggregator.store.schema import ledger, match, opt_out, subscriber, subscription, subscription_topic

BASELINE = "baseline"  # the reason of what was matched before somebody watched


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A subscriber with the listed subscriptions."""

    subscriber: Subscriber
    subscriptions: tuple[Subscription, ...]


def members(connection: Connection, *, unlisted: bool = False) -> tuple[Member, ...]:
    """Subscribers by slug with their listed subscriptions; removed subscribers too when `unlisted`."""
    return _members(connection, true() if unlisted else subscriber.c.listed)


def member(connection: Connection, slug: str, *, unlisted: bool = False) -> Member | None:
    """The one of `members` that has this slug, None when none has."""
    found = _members(connection, subscriber.c.slug == slug)
    return next((one for one in found if unlisted or one.subscriber.listed), None)


def _members(connection: Connection, wanted: ColumnElement[bool]) -> tuple[Member, ...]:
    """`wanted` is a condition on `subscriber`."""
    query = select(subscription).join(subscriber, subscriber.c.id == subscription.c.subscriber_id)
    query = query.where(wanted, subscription.c.listed).order_by(subscription.c.id)
    ids = query.with_only_columns(subscription.c.id)
    topics: dict[int, list[str]] = defaultdict(list)
    watched = select(subscription_topic).where(subscription_topic.c.subscription_id.in_(ids))
    for row in connection.execute(watched.order_by(subscription_topic.c.position)):
        topics[row.subscription_id].append(row.topic_id)
    left: dict[int, set[str]] = defaultdict(set)
    for row in connection.execute(select(opt_out).where(opt_out.c.subscription_id.in_(ids))):
        left[row.subscription_id].add(row.topic_id)
    owned: dict[int, list[Subscription]] = defaultdict(list)
    for row in connection.execute(query):
        owned[row.subscriber_id].append(subscription_of(row, topics[row.id], left[row.id]))
    rows = connection.execute(select(subscriber).where(wanted).order_by(subscriber.c.slug))
    return tuple(Member(subscriber=subscriber_of(row), subscriptions=tuple(owned[row.id])) for row in rows)


def save(
    connection: Connection, people: Sequence[SubscriberSpec], public_ids: Mapping[str, str], *, now: datetime
) -> None:
    """Make the store hold exactly these subscribers as listed; people's own state is never touched.

    `public_ids` gives an unguessable id for each new slug. A new subscription, or a topic newly added to one, gets
    suppressed ledger rows for what its topics already matched, so that the past is known and not mailed.
    """
    dialect.lock_subscriptions(connection, exclusive=True)
    stored = {row.slug: row for row in connection.execute(select(subscriber))}
    for spec in people:
        values = {"address": spec.address, "name": spec.name, "timezone": spec.timezone, "listed": True}
        known = stored.get(spec.slug)
        erased = known is not None and known.state == SubscriberState.ERASED.value
        if erased:
            values |= {"address": None, "name": None}  # what the file says of them stays out until they are resumed
        if known is not None:
            subscriber_id = known.id
            connection.execute(update(subscriber).where(subscriber.c.id == subscriber_id).values(values))
        else:
            made = {"public_id": public_ids[spec.slug], "slug": spec.slug, "created_at": now, **values}
            made |= {"state": SubscriberState.ACTIVE.value, "state_at": now}
            subscriber_id = connection.execute(subscriber.insert().values(made).returning(subscriber.c.id)).scalar_one()
        back = known is not None and not known.listed
        specs = [replace(one, target=None) for one in spec.subscriptions] if erased else spec.subscriptions
        _save_subscriptions(connection, subscriber_id, specs, now, back=back)
    dropped = set(stored) - {spec.slug for spec in people}
    if dropped:
        connection.execute(update(subscriber).where(subscriber.c.slug.in_(dropped)).values(listed=False))


def _save_subscriptions(
    connection: Connection, subscriber_id: int, specs: Sequence[SubscriptionSpec], now: datetime, *, back: bool
) -> None:
    """`back` says that the subscriber was unlisted: what was matched meanwhile is baseline, as for someone new."""
    mine = select(subscription).where(subscription.c.subscriber_id == subscriber_id)
    stored = {row.slug: row for row in connection.execute(mine)}
    for spec in specs:
        values = {"schedule": schedule_json(spec.schedule), "empty": spec.empty.value, "kind": spec.kind.value}
        values |= {"channel": spec.channel, "target": spec.target, "listed": True}
        known = stored.get(spec.slug)
        again = known is not None and (back or not known.listed)
        before = None if known is None or again else known.spikes_since
        values["spikes_since"] = (before or now) if spec.spikes else None  # what was over by then is not told
        if known is not None:
            id_ = known.id
            connection.execute(update(subscription).where(subscription.c.id == id_).values(values))
        else:
            row = {"subscriber_id": subscriber_id, "slug": spec.slug, "created_at": now, **values}
            id_ = connection.execute(subscription.insert().values(row).returning(subscription.c.id)).scalar_one()
        _save_topics(connection, id_, spec.topics, now)
        if again:
            put_in_the_past(connection, subscription_topic.c.subscription_id == id_, reason=BASELINE, now=now)
        if again or not spec.spikes:
            spikes.leave_out(connection, [id_], spikes.UNWISHED)
    dropped = set(stored) - {spec.slug for spec in specs}
    if dropped:
        gone = update(subscription).where(subscription.c.subscriber_id == subscriber_id)
        connection.execute(gone.where(subscription.c.slug.in_(dropped)).values(listed=False))


def _save_topics(connection: Connection, subscription_id: int, topics: Sequence[str], now: datetime) -> None:
    mine = subscription_topic.c.subscription_id == subscription_id
    before = connection.execute(select(subscription_topic).where(mine).order_by(subscription_topic.c.position))
    watched = {row.topic_id: row.added_at for row in before}
    if list(watched) == list(topics):
        return
    connection.execute(delete(subscription_topic).where(mine))
    rows = [
        {"subscription_id": subscription_id, "topic_id": topic_id, "position": position, "added_at": since}
        for position, topic_id in enumerate(topics)
        for since in [watched.get(topic_id, now)]
    ]
    if rows:
        connection.execute(subscription_topic.insert(), rows)
    if added := set(topics) - set(watched):
        watching = and_(mine, subscription_topic.c.topic_id.in_(added))
        put_in_the_past(connection, watching, reason=BASELINE, now=now)
    if dropped := set(watched) - set(topics):
        spikes.leave_out(connection, [subscription_id], spikes.UNWISHED, topics=dropped)


def put_in_the_past(connection: Connection, watching: ColumnElement[bool], *, reason: str, now: datetime) -> None:
    """Give a suppressed ledger row, for a reason, to every match without one of those who watch its topic.

    `watching` is a condition on `subscription_topic`.
    """
    columns = ("subscription_id", "match_id", "state", "reason", "at")
    known = exists().where(
        ledger.c.subscription_id == subscription_topic.c.subscription_id, ledger.c.match_id == match.c.id
    )
    unknown = (
        select(
            subscription_topic.c.subscription_id,
            match.c.id,
            literal(LedgerState.SUPPRESSED.value),
            literal(reason),
            literal(now, ledger.c.at.type),
        )
        .join(match, match.c.topic_id == subscription_topic.c.topic_id)
        .where(watching, ~known)
    )
    connection.execute(dialect.insert(connection, ledger).from_select(columns, unknown).on_conflict_do_nothing())


def reached(connection: Connection, subscription_id: int, slot_at: datetime) -> None:
    """Record that a slot was dealt with, whether or not it made a mail."""
    done = update(subscription).where(subscription.c.id == subscription_id).values(slot_at=slot_at)
    connection.execute(done)


def set_state(
    connection: Connection,
    subscriber_id: int,
    state: SubscriberState,
    *,
    detail: str | None,
    now: datetime,
    until: datetime | None = None,
) -> None:
    """Change a person's own state, which outlives the file; `until` ends a pause."""
    values = {"state": state.value, "state_detail": detail, "state_at": now, "paused_until": until}
    connection.execute(update(subscriber).where(subscriber.c.id == subscriber_id).values(values))
