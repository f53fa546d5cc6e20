"""Writes what checks decided: entries, revisions, matches, evidence, ledger rows and feed states, in one transaction."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from aggregator.core.model.digests import Change
from aggregator.core.model.plans import MatchPlan, Outcome, RefreshPlan
from aggregator.core.model.topics import Evaluation
from aggregator.store import claims, corrections, dialect, feeds, stories
from aggregator.store.chunks import rows_of
from aggregator.store.codec import day_of, fired_json, revision_row, state_row
from aggregator.store.schema import (
    entry,
    entry_alias,
    evidence,
    feed_day,
    feed_event,
    feed_state,
    ledger,
    match,
    revision,
)
from aggregator.store.story_shelf import Signed


def apply(connection: Connection, plans: Sequence[RefreshPlan], *, now: datetime) -> tuple[RefreshPlan, ...]:
    """Write every plan whose lease is still held; which ones those were. The others left no trace."""
    held = claims.still_held(connection, {plan.lease for plan in plans})
    hosts = feeds.hosts_of(connection, [plan.feed_id for plan in plans])
    ours = tuple(plan for plan in plans if (plan.lease, hosts.get(plan.feed_id)) in held)
    signed = _write_entries(connection, ours)
    _write_revisions(connection, ours, now)
    _write_aliases(connection, ours, now)
    _write_states(connection, ours, now)
    if ours:
        _count_days(connection, ours, now)
    changed = [(one.entry_id, one.signature) for plan in ours for one in plan.revised if one.signature]
    stories.join(connection, [*signed, *changed], now=now)
    return ours


def _write_entries(connection: Connection, plans: Sequence[RefreshPlan]) -> list[Signed]:
    """Write new entries; the signatures of those that matched."""
    rows = [
        {
            "feed_id": plan.feed_id,
            "key": new.key,
            "first_seen": new.first_seen,
            "published": new.published,
            "published_raw": new.published_raw,
            "date_suspect": new.date_suspect,
            "updated": new.updated,
            "link_hash": new.link_hash,
            "current_revision": new.revision.n,
            "withdrawn_at": None,
        }
        for plan in plans
        for new in plan.new
    ]
    if not rows:
        return []
    connection.execute(dialect.insert(connection, entry), rows)
    ids = _ids(connection, [(plan.feed_id, new.key) for plan in plans for new in plan.new])
    made = [(ids[plan.feed_id, new.key], new) for plan in plans for new in plan.new]
    connection.execute(revision.insert(), [revision_row(entry_id, new.revision) for entry_id, new in made])
    matched = [(entry_id, new.revision.n, one) for entry_id, new in made for one in new.matches]
    write_matches(connection, matched, {entry_id: new.first_seen for entry_id, new in made})
    return [(entry_id, new.signature) for entry_id, new in made if new.matches and new.signature]


def _ids(connection: Connection, wanted: Sequence[tuple[str, str]]) -> dict[tuple[str, str], int]:
    by_feed: dict[str, list[str]] = defaultdict(list)
    for feed_id, key in wanted:
        by_feed[feed_id].append(key)
    found: dict[tuple[str, str], int] = {}
    for feed_id, keys in by_feed.items():
        query = select(entry.c.id, entry.c.key).where(entry.c.feed_id == feed_id)
        found |= {(feed_id, row.key): row.id for row in rows_of(connection, query, entry.c.key, keys)}
    return found


def _write_revisions(connection: Connection, plans: Sequence[RefreshPlan], now: datetime) -> None:
    changed = [one for plan in plans for one in plan.revised]
    if changed:
        connection.execute(revision.insert(), [revision_row(one.entry_id, one.revision) for one in changed])
        connection.execute(
            update(entry)
            .where(entry.c.id == bindparam("of_entry"))
            .values(
                current_revision=bindparam("n"),
                updated=bindparam("at"),
                link_hash=bindparam("link"),
            ),
            [
                {
                    "of_entry": one.entry_id,
                    "n": one.revision.n,
                    "at": one.updated,
                    "link": one.link_hash,
                }
                for one in changed
            ],
        )
        write_matches(
            connection,
            [(one.entry_id, one.revision.n, made) for one in changed for made in one.matches],
            {one.entry_id: now for one in changed},
        )
        append_evidence(
            connection, [(one.entry_id, one.revision.n, seen, now) for one in changed for seen in one.evidence]
        )
        told = [(one.entry_id, one.revision.n) for one in changed if one.notable]
        corrections.note(connection, told, Change.CHANGED, now=now)
    for plan in plans:
        if plan.withdrawn:
            gone = update(entry).where(entry.c.feed_id == plan.feed_id, entry.c.key.in_(plan.withdrawn))
            left = gone.where(entry.c.withdrawn_at.is_(None)).values(withdrawn_at=now)
            found = connection.execute(left.returning(entry.c.id, entry.c.current_revision)).all()
            corrections.note(connection, [(row[0], row[1]) for row in found], Change.WITHDRAWN, now=now)


def write_matches(
    connection: Connection, planned: Sequence[tuple[int, int, MatchPlan]], at: Mapping[int, datetime]
) -> None:
    """Write new matches of (entry id, revision, match), made `at` an instant an entry, with evidence and ledger rows."""
    if not planned:
        return
    rows = [
        {
            "topic_id": one.evaluation.topic_id,
            "entry_id": entry_id,
            "origin": one.origin.value,
            "score": one.evaluation.score,
            "first_seen": at[entry_id],
        }
        for entry_id, _, one in planned
    ]
    connection.execute(dialect.insert(connection, match).on_conflict_do_nothing(), rows)
    append_evidence(connection, [(entry_id, n, one.evaluation, at[entry_id]) for entry_id, n, one in planned])
    ids = _match_ids(connection, [entry_id for entry_id, _, _ in planned])
    due = [
        {
            "subscription_id": row.subscription_id,
            "match_id": ids[entry_id, one.evaluation.topic_id],
            "state": row.state.value,
            "reason": row.reason,
            "at": at[entry_id],
        }
        for entry_id, _, one in planned
        for row in one.ledger
    ]
    if due:
        connection.execute(dialect.insert(connection, ledger).on_conflict_do_nothing(), due)


def _match_ids(connection: Connection, entry_ids: Sequence[int]) -> dict[tuple[int, str], int]:
    query = select(match.c.id, match.c.entry_id, match.c.topic_id)
    return {(row.entry_id, row.topic_id): row.id for row in rows_of(connection, query, match.c.entry_id, entry_ids)}


def append_evidence(connection: Connection, seen: Sequence[tuple[int, int, Evaluation, datetime]]) -> None:
    """Add evidence of (entry id, revision, evaluation, instant) to matches that are there."""
    if not seen:
        return
    ids = _match_ids(connection, [entry_id for entry_id, *_ in seen])
    revisions = _revision_ids(connection, [entry_id for entry_id, *_ in seen])
    rows = [
        {
            "match_id": ids[entry_id, evaluation.topic_id],
            "topic_version": evaluation.version,
            "revision_id": revisions[entry_id, n],
            "score": evaluation.score,
            "alert": evaluation.alert,
            "fired": fired_json(evaluation.fired),
            "at": at,
        }
        for entry_id, n, evaluation, at in seen
    ]
    connection.execute(evidence.insert(), rows)


def _revision_ids(connection: Connection, entry_ids: Sequence[int]) -> dict[tuple[int, int], int]:
    query = select(revision.c.id, revision.c.entry_id, revision.c.n)
    return {(row.entry_id, row.n): row.id for row in rows_of(connection, query, revision.c.entry_id, entry_ids)}


def _write_aliases(connection: Connection, plans: Sequence[RefreshPlan], now: datetime) -> None:
    rows = [
        {"feed_id": plan.feed_id, "key": key, "entry_id": entry_id, "at": now}
        for plan in plans
        for key, entry_id in plan.aliases
    ]
    made = [(plan.feed_id, new.key, alias) for plan in plans for new in plan.new for alias in new.aliases]
    if made:
        ids = _ids(connection, [(feed_id, key) for feed_id, key, _ in made])
        rows += [
            {"feed_id": feed_id, "key": alias, "entry_id": ids[feed_id, key], "at": now} for feed_id, key, alias in made
        ]
    if rows:
        connection.execute(dialect.insert(connection, entry_alias).on_conflict_do_nothing(), rows)


def _write_states(connection: Connection, plans: Sequence[RefreshPlan], now: datetime) -> None:
    if not plans:
        return
    host_ids = feeds.host_ids(connection, {plan.state.host for plan in plans})
    rows: list[dict[str, Any]] = []
    for plan in plans:
        row = state_row(plan.state, host_ids[plan.state.host])
        rows.append({"of_feed": row.pop("feed_id"), **row})
    connection.execute(update(feed_state).where(feed_state.c.feed_id == bindparam("of_feed")), rows)
    events = [
        {"feed_id": plan.feed_id, "at": now, "kind": event.kind, "detail": event.detail}
        for plan in plans
        for event in plan.events
    ]
    if events:
        connection.execute(feed_event.insert(), events)
    for plan in plans:
        if plan.host_hold_until is not None:
            claims.hold(connection, name=plan.state.host, until=plan.host_hold_until)


def _count_days(connection: Connection, plans: Sequence[RefreshPlan], now: datetime) -> None:
    rows = [
        {
            "feed_id": plan.feed_id,
            "day": day_of(now),
            "checks": 1,
            "ok": int(plan.outcome in {Outcome.FETCHED, Outcome.NOT_MODIFIED}),
            "new": len(plan.new),
            "gaps": int(plan.gap),
            **asdict(plan.requests),
        }
        for plan in plans
    ]
    row = dialect.insert(connection, feed_day)
    added = {name: feed_day.c[name] + row.excluded[name] for name in rows[0] if name not in {"feed_id", "day"}}
    connection.execute(row.on_conflict_do_update(index_elements=["feed_id", "day"], set_=added), rows)
