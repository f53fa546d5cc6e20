"""What an operator must look after: mail held back, refused or bounced, feeds that fail, topics that were flooded."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, func, or_, select

from aggregator.core.checking.cadence import POISONED
from aggregator.core.digests.address import masked_address, shown_recipient
from aggregator.core.digests.compose.flood import AT_LEAST, flood_of
from aggregator.core.model.digests import DigestKind
from aggregator.core.model.operator import Matter, OperatorReport, Trouble
from aggregator.core.model.subscriptions import Phase, SubscriberState
from aggregator.store import attention, bounces, health
from aggregator.store.audit import audit
from aggregator.store.schema import delivery, digest, feed, feed_state, is_news, match, relay, subscriber, topic
from aggregator.store.spike_proof import prove

DAY = timedelta(days=1)
REMINDED = timedelta(days=7)  # what stays open is told again after this long
AUDITED = timedelta(days=35)  # of matches; older ones were weighed before

_MOST = 200  # of a kind; nobody reads more
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


def report(
    connection: Connection,
    subscription_id: int,
    *,
    since: datetime,
    looked_at: datetime,
    now: datetime,
    warnings: Sequence[str] = (),
) -> OperatorReport:
    """Everything open at `now`; new is what began after `since`, the operator's last mail, or all when there was none.

    Floods are those since `looked_at`, when this was asked last, whether or not it made a mail. `warnings` are lines
    about this machine, from whoever knows it.
    """
    last = _last_mail(connection, subscription_id)
    known = _NEVER if last is None else since
    matters = (
        *_ledger(connection, now),
        *_relays(connection, known),
        *_deliveries(connection, known, now),
        *_bounced(connection, known),
        *_feeds(connection, known, now),
        *_floods(connection, max(since, looked_at), now),
        *_warnings(connection, known, warnings),
    )
    sources = health.sources(connection, since=since)
    return OperatorReport(
        slot_at=now,
        since=since,
        matters=matters,
        feeds=sources.feeds,
        checked=sources.checked,
        sent=_sent(connection, since),
        reminder=bool(matters) and last is not None and last <= now - REMINDED,
    )


def _ledger(connection: Connection, now: datetime) -> Iterator[Matter]:
    for fault in audit(connection, since=now - AUDITED).total.faults:
        where = "" if fault.digest_id is None else f", digest {fault.digest_id}"
        detail = f"{fault.count:,} {fault.flaw.value}, the first is match {fault.match_id}{where}"
        yield Matter(trouble=Trouble.AUDIT, name=fault.subscription, detail=detail)
    for lost in prove(connection, since=now - AUDITED).faults:
        detail = f"{lost.count:,} stuck, the first is spike {lost.spike_id}, digest {lost.digest_id}"
        yield Matter(trouble=Trouble.AUDIT, name=lost.subscription, detail=detail)


def _relays(connection: Connection, since: datetime) -> Iterator[Matter]:
    for row in connection.execute(select(relay).where(relay.c.parked_until.is_not(None)).order_by(relay.c.channel)):
        # A channel that is refused is parked anew at each try: as long as none succeeds it is news every day.
        yield Matter(trouble=Trouble.RELAY, name=row.channel, detail=row.detail, new=row.parked_until > since)


def _deliveries(connection: Connection, since: datetime, now: datetime) -> Iterator[Matter]:
    """What waits for a person, however long, and what was given up since they were written to, within a week."""
    kinds = {Phase.PARKED.value: Trouble.PARKED, Phase.DEAD.value: Trouble.DEAD}
    recent = or_(delivery.c.phase == Phase.PARKED.value, delivery.c.ended_at >= max(since, now - REMINDED))
    query = (
        select(
            delivery.c.digest_id, delivery.c.phase, delivery.c.channel, delivery.c.recipient, delivery.c.detail,
            delivery.c.ended_at, subscriber.c.slug,
        )
        .join(subscriber, subscriber.c.id == delivery.c.subscriber_id)
        .where(delivery.c.phase.in_(kinds), recent)
        .order_by(delivery.c.id.desc())
        .limit(_MOST)
    )  # fmt: skip
    for row in connection.execute(query):
        to = masked_address(shown_recipient(row.channel, row.recipient))
        detail = _without(row.detail or "", row.recipient)
        name = f"digest {row.digest_id} to {row.slug} ({to})"
        fresh = row.ended_at is None or row.ended_at >= since
        yield Matter(trouble=kinds[row.phase], name=name, detail=detail, since=row.ended_at, new=fresh)


def _bounced(connection: Connection, since: datetime) -> Iterator[Matter]:
    query = select(subscriber).where(subscriber.c.state == SubscriberState.BOUNCED.value, subscriber.c.listed)
    for row in connection.execute(query.order_by(subscriber.c.state_at.desc()).limit(_MOST)):
        yield Matter(
            trouble=Trouble.BOUNCED,
            name=f"{row.slug} ({masked_address(row.address or '')})",
            detail=_without(row.state_detail or "", row.address),
            since=row.state_at,
            new=row.state_at >= since,
        )


def _feeds(connection: Connection, since: datetime, now: datetime) -> Iterator[Matter]:
    """Feeds that nothing came from for a day, that harm their reader, or whose publisher ended them."""
    query = select(feed.c.id, feed.c.definition, feed_state).join(feed_state, feed_state.c.feed_id == feed.c.id)
    ill = or_(feed_state.c.gone, feed_state.c.strikes >= POISONED, feed_state.c.failing_since <= now - DAY)
    for row in connection.execute(query.where(feed.c.active, ill).order_by(feed.c.id).limit(_MOST)):
        name = f"{row.definition['name'] or row.id} ({row.id})" if row.definition["name"] else row.id
        told = ": ".join(filter(None, (row.error_kind, row.error_detail)))
        if row.gone:
            yield _feed(Trouble.GONE, name, "its publisher says that it is gone", row.gone_at, since)
        elif row.strikes >= POISONED:
            yield _feed(Trouble.POISONED, name, told, row.failing_since, since)
        else:
            # It became a matter when the first day was over.
            yield _feed(Trouble.FAILING, name, told, row.failing_since, since - DAY)


def _feed(trouble: Trouble, name: str, detail: str, began: datetime | None, since: datetime) -> Matter:
    return Matter(trouble=trouble, name=name, detail=detail, since=began, new=began is None or began >= since)


def _floods(connection: Connection, since: datetime, now: datetime) -> Iterator[Matter]:
    query = (
        select(topic.c.id, topic.c.name, func.count().label("number"), func.min(match.c.first_seen).label("first"))
        .join(match, match.c.topic_id == topic.c.id)
        .where(match.c.first_seen > since, match.c.first_seen <= now, is_news)
        .group_by(topic.c.id, topic.c.name)
        .having(func.count() > AT_LEAST)
    )
    for row in connection.execute(query.order_by(topic.c.id)).all():
        daily = attention.daily_matches(connection, row.id, until=row.first)
        if flood := flood_of(row.number, daily, days=(now - row.first) / DAY):
            usual = f"{flood.usual:,.1f}".removesuffix(".0")
            yield Matter(
                trouble=Trouble.FLOOD,
                name=f"{row.name} ({row.id})",
                detail=f"{flood.count:,} matches, usually {usual} a day",
                since=row.first,
            )


def _warnings(connection: Connection, since: datetime, warnings: Sequence[str]) -> Iterator[Matter]:
    beats = health.beats(connection)
    at, detail = beats.get("config", (since, {}))
    for problem in detail.get("problems", ()):
        told = f"{problem}; the last good state stays in force"
        yield Matter(trouble=Trouble.WARNING, name="the feed list is broken", detail=told, since=at, new=at >= since)
    if problem := bounces.mailbox_problem(connection):
        yield Matter(trouble=Trouble.WARNING, name="the bounce mailbox cannot be read", detail=problem)
    for mail in bounces.unread(connection, since=since):
        name = f"a mail in the bounce mailbox: {mail.subject}"
        yield Matter(trouble=Trouble.WARNING, name=name, detail=mail.why, since=mail.at)
    for told in warnings:
        yield Matter(trouble=Trouble.WARNING, name=told, detail="")


def _sent(connection: Connection, since: datetime) -> int:
    query = select(func.count()).select_from(delivery).where(delivery.c.phase == Phase.SENT.value)
    return connection.execute(query.where(delivery.c.created_at >= since)).scalar_one()


def _last_mail(connection: Connection, subscription_id: int) -> datetime | None:
    """When this subscription last wrote to its operator."""
    mine = digest.c.subscription_id == subscription_id
    query = select(func.max(digest.c.created_at)).where(mine, digest.c.kind == DigestKind.OPERATOR.value)
    last: datetime | None = connection.execute(query).scalar_one()
    return last


def _without(detail: str, address: str | None) -> str:
    """A server's words without the whole address in them."""
    return detail.replace(address, masked_address(address)) if address else detail
