"""Ended checks -> what is stored of them: know, plan and apply a batch in one transaction. And who may not be checked now."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby

from aggregator.core.checking.identity import asked, key_document
from aggregator.core.checking.plan import plan_check, result_of
from aggregator.core.errors import UsageError
from aggregator.core.model.entries import ReadDone
from aggregator.core.model.plans import Check, CheckResult, Keyed, Known, Outcome
from aggregator.store import audience, claims, dialect, entries, feeds, plans
from aggregator.store.claims import ClaimedFeed
from aggregator.store.database import Connection

MANUAL_GAP = timedelta(minutes=5)  # a person may ask a feed again after this long


@dataclass(frozen=True, slots=True, kw_only=True)
class HostDone:
    """A host's turn ended: its lease may go once its checks are written.

    `undone` feeds were not asked after all, because their host wants a `pause`: it holds for every process from then on.
    """

    lease: str
    host_id: int
    undone: tuple[ClaimedFeed, ...] = ()
    pause: timedelta = timedelta()


def settle(
    connection: Connection, items: Sequence[Check | HostDone], *, now: datetime
) -> tuple[CheckResult | None, ...]:
    """Know, plan and apply a batch of ended checks in one transaction, then free the hosts whose turn ended.

    A result for each item: None for a host, and SKIPPED for a check whose lease was lost meanwhile.
    """
    dialect.lock_subscriptions(connection, exclusive=False)
    checks = [item for item in items if isinstance(item, Check)]
    keyed = {check.feed.id: key_document(check) for check in checks}
    known = know(connection, checks, keyed)
    planned = [plan_check(check, keyed[check.feed.id], known[check.feed.id], now=now) for check in checks]
    written = {plan.feed_id: result_of(plan) for plan in plans.apply(connection, planned, now=now)}
    for lease, ended in groupby((item for item in items if isinstance(item, HostDone)), key=lambda item: item.lease):
        done = list(ended)
        undone = [one for item in done for one in item.undone]
        for name, pause in {(item.undone[0].state.host, item.pause) for item in done if item.undone}:
            claims.hold(connection, name=name, until=now + pause)
        claims.release(connection, lease=lease, host_ids={item.host_id for item in done}, undone=undone)
    return tuple(
        written.get(item.feed.id, CheckResult(feed_id=item.feed.id, outcome=Outcome.SKIPPED))
        if isinstance(item, Check)
        else None
        for item in items
    )


def know(connection: Connection, checks: Sequence[Check], keyed: Mapping[str, Keyed]) -> Mapping[str, Known]:
    """One read for a whole batch: what the store knows of each checked document."""
    flagged = {topic_id for check in checks for topic_id in _flagged(check)}
    sought = {check.feed.id: asked(check, keyed[check.feed.id]) for check in checks}
    return entries.known(
        connection,
        keys={feed_id: keys for feed_id, (keys, _) in sought.items()},
        links={feed_id: links for feed_id, (_, links) in sought.items()},
        watchers=audience.watchers(connection, flagged),
    )


def know_one(connection: Connection, check: Check, keyed: Keyed) -> Known:
    """`know` for a single check, on the way to its end."""
    return know(connection, [check], {check.feed.id: keyed})[check.feed.id]


def _flagged(check: Check) -> set[str]:
    """The topics that something in a document is flagged for."""
    read = check.read.entries if isinstance(check.read, ReadDone) else ()
    older = check.backfill.entries if check.backfill else ()
    return {flag.topic_id for one in (*read, *older) for flag in one.flags}


def refusals(connection: Connection, names: Collection[str], *, now: datetime) -> tuple[CheckResult, ...]:
    """Why named feeds are not checked now: disabled, asked a moment ago, or their host is held."""
    followed = {one.feed.id: one for one in feeds.followed(connection, ids=names)}
    if missing := sorted(set(names) - set(followed)):
        raise UsageError(f"no such feed: {', '.join(missing)}", hint="`aggregator feeds list` shows their ids")
    held = feeds.hosts_held(connection, names, now=now)
    told: list[CheckResult] = []
    for feed_id, one in followed.items():
        asked = one.state.checked_at
        if one.feed.disabled:
            why = "it is disabled in feeds.yaml"
        elif asked is not None and now - asked < MANUAL_GAP:
            why = f"it was checked at {asked:%H:%M:%S} UTC; ask again after five minutes"
        elif feed_id in held:
            why = f"{held[feed_id][0]} until {held[feed_id][1]:%Y-%m-%d %H:%M:%S} UTC"
        else:
            continue
        skipped = CheckResult(feed_id=feed_id, outcome=Outcome.SKIPPED, error_detail=why)
        told.append(replace(skipped, next_check_at=one.state.next_check_at))
    return tuple(told)
