"""What the database tells of the service: heartbeats, counts, and the source report that explains silence."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, exists, func, select

from aggregator.core.checking.gaps import missing_in
from aggregator.core.model.digests import SourceNote, SourceReport
from aggregator.store import dialect
from aggregator.store.schema import entry, feed, feed_day, feed_event, feed_state, heartbeat, ledger, match
from aggregator.store.silence import quiet_notes

TOLD = 20  # sources a report names before it only counts

_A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """The archive in numbers."""

    entries: int
    matches: int
    ledger: Mapping[str, int]


def beat(connection: Connection, kind: str, *, now: datetime, detail: Mapping[str, Any] | None = None) -> None:
    """Record that something of this kind (tick, refresh, dispatch, config) happened now."""
    values = {"at": now, "detail": dict(detail or {})}
    row = dialect.insert(connection, heartbeat).values(kind=kind, **values)
    connection.execute(row.on_conflict_do_update(index_elements=["kind"], set_=values))


def beats(connection: Connection) -> Mapping[str, tuple[datetime, Mapping[str, Any]]]:
    """When each kind of thing last happened, and what it left to say."""
    return {row.kind: (row.at, row.detail) for row in connection.execute(select(heartbeat))}


def emptied(connection: Connection) -> Mapping[str, datetime]:
    """When the document of each feed last lost all its entries; feeds to which that never happened are left out."""
    query = select(feed_event.c.feed_id, func.max(feed_event.c.at)).where(feed_event.c.kind == "emptied")
    return {row[0]: row[1] for row in connection.execute(query.group_by(feed_event.c.feed_id))}


def totals(connection: Connection) -> Totals:
    """Count what is stored."""
    count = func.count()
    states = connection.execute(select(ledger.c.state, count).group_by(ledger.c.state))
    return Totals(
        entries=connection.execute(select(count).select_from(entry)).scalar_one(),
        matches=connection.execute(select(count).select_from(match)).scalar_one(),
        ledger={row[0]: row[1] for row in states},
    )


def sources(connection: Connection, *, since: datetime, quiet: tuple[SourceNote, ...] | None = None) -> SourceReport:
    """What was checked since an instant, of all followed feeds: the reason to trust a silence.

    A feed is failing when nothing was read of it since then, or for a day now. `quiet` are the unusually quiet ones
    where they are known: they are the same for every span.
    """
    followed = select(feed.c.id, feed.c.definition, feed_state).join(feed_state, feed_state.c.feed_id == feed.c.id)
    rows = connection.execute(followed.where(feed.c.active).order_by(feed.c.id)).all()
    labels = {row.id: row.definition["name"] or row.id for row in rows}
    failing = [
        SourceNote(
            feed_id=row.id,
            name=labels[row.id],
            detail=row.error_detail or str(row.error_kind),
            since=row.failing_since,
        )
        for row in rows
        if row.error_kind is not None and _is_failing(row, since)
    ]
    checks = select(func.coalesce(func.sum(feed_day.c.checks), 0)).where(feed_day.c.day >= since.astimezone(UTC).date())
    gaps = _gaps(connection, since, labels)
    return SourceReport(
        feeds=len(rows),
        checked=sum(1 for row in rows if row.succeeded_at is not None and row.succeeded_at >= since),
        checks=int(connection.execute(checks).scalar_one()),
        entries=connection.execute(
            select(func.count()).select_from(entry).where(entry.c.first_seen >= since)
        ).scalar_one(),
        failing=tuple(failing),
        gaps=gaps,
        quiet=quiet_notes(connection, labels) if quiet is None else quiet,
        recovered=_recovered(connection, since, {row.id: labels[row.id] for row in rows if row.error_kind is None}),
        missing=sum(missing_in(note.detail) for note in gaps),
    )


def _is_failing(row: Any, since: datetime) -> bool:
    if row.succeeded_at is None or row.succeeded_at < since:
        return True
    return bool(row.failing_since and row.checked_at - row.failing_since >= _A_DAY)


def shaken(connection: Connection, *, since: datetime) -> tuple[tuple[SourceNote, ...], tuple[SourceNote, ...]]:
    """All followed feeds that may have dropped entries since an instant, and all that answer again."""
    query = select(feed.c.id, feed.c.definition).join(feed_state, feed_state.c.feed_id == feed.c.id)
    well = query.where(feed.c.active, feed_state.c.error_kind.is_(None))
    labels = {row.id: row.definition["name"] or row.id for row in connection.execute(well)}
    return _gaps(connection, since, labels, most=None), _recovered(connection, since, labels, most=None)


def _gaps(
    connection: Connection, since: datetime, labels: Mapping[str, str], *, most: int | None = TOLD
) -> tuple[SourceNote, ...]:
    filled = feed_event.alias()
    closed = exists().where(
        filled.c.kind == "filled", filled.c.feed_id == feed_event.c.feed_id, filled.c.at == feed_event.c.at
    )
    query = select(feed_event).where(feed_event.c.kind == "gap", feed_event.c.at >= since, ~closed)
    rows = connection.execute(query.order_by(feed_event.c.at.desc()).limit(most))
    return tuple(
        SourceNote(feed_id=row.feed_id, name=labels.get(row.feed_id, row.feed_id), detail=row.detail, since=row.at)
        for row in rows
    )


def _recovered(
    connection: Connection, since: datetime, labels: Mapping[str, str], *, most: int | None = TOLD
) -> tuple[SourceNote, ...]:
    """The feeds of `labels` that answer again since an instant, each by the last time it began to."""
    query = select(feed_event).where(feed_event.c.kind == "recovered", feed_event.c.at >= since)
    rows = connection.execute(query.order_by(feed_event.c.at, feed_event.c.id))
    last = {row.feed_id: row for row in rows if row.feed_id in labels}
    newest = sorted(last.values(), key=lambda row: row.at, reverse=True)[:most]
    return tuple(
        SourceNote(feed_id=row.feed_id, name=labels[row.feed_id], detail=row.detail, since=row.at) for row in newest
    )


def overdue(connection: Connection, *, now: datetime) -> int:
    """How many followed feeds are due now or were due before."""
    return _count(connection, feed_state.c.gone.is_(False), feed_state.c.next_check_at <= now)


def unanswered(connection: Connection) -> int:
    """How many followed feeds were never read successfully."""
    return _count(connection, feed_state.c.succeeded_at.is_(None))


def _count(connection: Connection, *wanted: ColumnElement[bool]) -> int:
    """How many followed feeds are in a state."""
    query = select(func.count()).select_from(feed_state).join(feed, feed.c.id == feed_state.c.feed_id)
    return connection.execute(query.where(feed.c.active, *wanted)).scalar_one()
