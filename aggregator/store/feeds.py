"""Feeds, what checking learned of them, and the hosts they live on."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, func, select, update

from aggregator.core.model.feeds import Feed, FeedState
from aggregator.core.urls import host_of
from aggregator.store import claims, dialect
from aggregator.store.chunks import rows_of
from aggregator.store.codec import feed_json, feed_of, state_of, state_row
from aggregator.store.schema import entry, feed, feed_day, feed_event, feed_state, host


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowedFeed:
    """A feed with what was learned of it, as `feeds list` shows it."""

    feed: Feed
    state: FeedState
    listed: bool
    gap_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """Something that happened to a feed."""

    feed_id: str
    at: datetime
    kind: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DayRow:
    """One feed's day in counts."""

    feed_id: str
    day: date
    checks: int
    ok: int
    new: int
    gaps: int
    not_modified: int = 0  # 304
    same_body: int = 0  # 200 with the body of the last check
    unconditional: int = 0  # without a validator
    early: int = 0  # before the host wanted to be asked again
    pages: int = 0  # older ones, after a gap
    articles: int = 0
    articles_failed: int = 0


def followed(connection: Connection, *, ids: Collection[str] = (), unlisted: bool = False) -> tuple[FollowedFeed, ...]:
    """Followed feeds by id; only the named ones when `ids` is given, removed ones too when `unlisted`."""
    gap = select(func.max(feed_event.c.at)).where(feed_event.c.feed_id == feed.c.id, feed_event.c.kind == "gap")
    query = (
        select(feed.c.definition, feed.c.listed, host.c.name.label("host_name"), feed_state, gap.label("gap_at"))
        .join(feed_state, feed_state.c.feed_id == feed.c.id)
        .join(host, host.c.id == feed_state.c.host_id)
        .order_by(feed.c.id)
    )
    if ids:
        query = query.where(feed.c.id.in_(ids))
    if not unlisted:
        query = query.where(feed.c.listed)
    return tuple(
        FollowedFeed(
            feed=feed_of(row.definition),
            state=state_of(row, row.host_name),
            listed=row.listed,
            gap_at=row.gap_at,
        )
        for row in connection.execute(query)
    )


def definitions(connection: Connection) -> tuple[Feed, ...]:
    """Every listed feed as it was last applied."""
    query = select(feed.c.definition).where(feed.c.listed).order_by(feed.c.id)
    return tuple(feed_of(row.definition) for row in connection.execute(query))


def moved(connection: Connection) -> Mapping[str, str]:
    """The addresses, by feed id, that permanent redirects led to and that are asked now."""
    query = select(feed_state.c.feed_id, feed_state.c.url_in_use).where(feed_state.c.url_in_use.is_not(None))
    return {row.feed_id: row.url_in_use for row in connection.execute(query)}


def save(connection: Connection, feeds: Sequence[Feed], *, now: datetime) -> None:
    """Add feeds, or take over their changed definitions; a changed address is asked at once, without validators.

    One that a permanent redirect had led to before is no change: what was learned there stays.
    """
    if not feeds:
        return
    hosts = host_ids(connection, {host_of(one.url) for one in feeds})
    written = select(feed.c.id, feed.c.url, feed_state.c.url_in_use).join(feed_state, feed_state.c.feed_id == feed.c.id)
    before = {row.id: (row.url, row.url_in_use) for row in connection.execute(written)}
    for one in feeds:
        row = {
            "url": one.url,
            "definition": feed_json(one),
            "listed": True,
            "active": not one.disabled,
            "removed_at": None,
        }
        host_id = hosts[host_of(one.url)]
        if one.id not in before:
            connection.execute(feed.insert().values(id=one.id, added_at=now, **row))
            fresh = FeedState(feed_id=one.id, host=host_of(one.url), next_check_at=now)
            connection.execute(feed_state.insert().values(state_row(fresh, host_id)))
            continue
        connection.execute(update(feed).where(feed.c.id == one.id).values(row))
        url, in_use = before[one.id]
        if url != one.url and in_use == one.url:
            connection.execute(update(feed_state).where(feed_state.c.feed_id == one.id).values(url_in_use=None))
        elif url != one.url:
            _ask_anew(connection, one.id, host_id, now)
    claims.settle_all_hosts(connection)


def _ask_anew(connection: Connection, feed_id: str, host_id: int, now: datetime) -> None:
    validators = ("etag", "last_modified", "validators_from", "body_hash", "spans")
    forgotten: dict[str, Any] = dict.fromkeys((*validators, "url_in_use", "self_link", "moved_to", "moved_since"))
    forgotten |= {"moved_count": 0, "gone_at": None, "gone": False, "slow_until": None}
    forgotten |= {"failures": 0, "strikes": 0, "failing_since": None}
    values = {"host_id": host_id, "next_check_at": now, "error_kind": None, "error_detail": None, **forgotten}
    connection.execute(update(feed_state).where(feed_state.c.feed_id == feed_id).values(values))


def remove(connection: Connection, ids: Collection[str], *, now: datetime) -> None:
    """Stop following feeds; their entries, matches and history stay."""
    if ids:
        gone = update(feed).where(feed.c.id.in_(ids)).values(listed=False, active=False, removed_at=now)
        connection.execute(gone)
        claims.settle_all_hosts(connection)


def host_ids(connection: Connection, names: Collection[str]) -> dict[str, int]:
    """The ids of hosts by name, made where they are new."""
    found = _known_hosts(connection, names)
    if missing := sorted(set(names) - found.keys()):
        fresh = dialect.insert(connection, host).on_conflict_do_nothing(index_elements=["name"])
        connection.execute(fresh, [{"name": name} for name in missing])
        found |= _known_hosts(connection, missing)
    return found


def _known_hosts(connection: Connection, names: Collection[str]) -> dict[str, int]:
    query = select(host.c.name, host.c.id)
    return {row.name: row.id for row in rows_of(connection, query, host.c.name, sorted(names))}


def hosts_of(connection: Connection, feed_ids: Collection[str]) -> Mapping[str, int]:
    """The host id of each feed."""
    query = select(feed_state.c.feed_id, feed_state.c.host_id).where(feed_state.c.feed_id.in_(feed_ids))
    return {row.feed_id: row.host_id for row in connection.execute(query)}


def hosts_held(
    connection: Connection, feed_ids: Collection[str], *, now: datetime
) -> Mapping[str, tuple[str, datetime]]:
    """Of the named feeds, those whose host is held or leased now: why, and until when."""
    query = select(feed_state.c.feed_id, host.c.hold_until, host.c.lease_until)
    query = query.join(host, host.c.id == feed_state.c.host_id).where(feed_state.c.feed_id.in_(feed_ids))
    held: dict[str, tuple[str, datetime]] = {}
    for row in connection.execute(query):
        if row.hold_until is not None and row.hold_until > now:
            held[row.feed_id] = ("its host asked us to wait", row.hold_until)
        elif row.lease_until is not None and row.lease_until > now:
            held[row.feed_id] = ("another process is checking its host", row.lease_until)
    return held


def holds(connection: Connection, *, now: datetime) -> Mapping[str, datetime]:
    """The hosts that asked us to wait, by name, and until when."""
    query = select(host.c.name, host.c.hold_until).where(host.c.hold_until > now)
    return {row.name: row.hold_until for row in connection.execute(query)}


def spread(connection: Connection, *, now: datetime, over: timedelta) -> int:
    """After downtime, spread overdue feeds over a length of time, oldest first; how many were moved.

    Feeds never checked are due at once and stay so.
    """
    dialect.lock_subscriptions(connection, exclusive=True)  # it touches every host, and checks hold theirs
    query = select(feed_state.c.feed_id).join(feed, feed.c.id == feed_state.c.feed_id)
    late = query.where(feed.c.active, feed_state.c.next_check_at <= now, feed_state.c.checked_at.is_not(None))
    ids = connection.execute(late.order_by(feed_state.c.next_check_at, feed_state.c.feed_id)).scalars().all()
    if ids:
        connection.execute(
            update(feed_state).where(feed_state.c.feed_id == bindparam("of_feed")),
            [{"of_feed": feed_id, "next_check_at": now + over * place / len(ids)} for place, feed_id in enumerate(ids)],
        )
    claims.settle_all_hosts(connection)
    return len(ids)


def next_due(connection: Connection) -> datetime | None:
    """When the next host is due; None when no feed is followed."""
    soonest: datetime | None = connection.execute(select(func.min(host.c.next_due_at))).scalar_one()
    return soonest


def events(
    connection: Connection, *, feed_id: str | None = None, since: datetime | None = None, limit: int = 50
) -> tuple[EventRow, ...]:
    """What happened to feeds, newest first."""
    query = select(feed_event).order_by(feed_event.c.at.desc(), feed_event.c.id.desc()).limit(limit)
    if feed_id is not None:
        query = query.where(feed_event.c.feed_id == feed_id)
    if since is not None:
        query = query.where(feed_event.c.at >= since)
    rows = connection.execute(query)
    return tuple(EventRow(feed_id=row.feed_id, at=row.at, kind=row.kind, detail=row.detail) for row in rows)


def days(connection: Connection, feed_id: str, *, limit: int = 30) -> tuple[DayRow, ...]:
    """A feed's last days in counts, newest first."""
    query = select(feed_day).where(feed_day.c.feed_id == feed_id).order_by(feed_day.c.day.desc()).limit(limit)
    return tuple(DayRow(**row._mapping) for row in connection.execute(query))  # noqa: SLF001 - SQLAlchemy's public name


def entry_counts(connection: Connection, feed_ids: Collection[str]) -> Mapping[str, int]:
    """How many entries are stored of each feed."""
    query = select(entry.c.feed_id, func.count()).where(entry.c.feed_id.in_(feed_ids)).group_by(entry.c.feed_id)
    return {row[0]: row[1] for row in connection.execute(query)}
