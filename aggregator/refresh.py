"""Station 1, from due hosts to stored entries.

claim due hosts and their feeds > fetch > read and match in a worker > know > plan > apply, a batch at a time
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from hashlib import blake2b
from itertools import groupby

import structlog

from aggregator.core.checking.identity import asked, key_document
from aggregator.core.checking.plan import plan_check, result_of
from aggregator.core.errors import StoreError, UsageError
from aggregator.core.model.entries import FeedFacts, ReadDone, ReadJob, ReadResult
from aggregator.core.model.feeds import FailureKind, Fetched, FetchFailed, FetchRequest, FetchResult
from aggregator.core.model.plans import Check, CheckResult, Keyed, Known, Outcome
from aggregator.feedlist.references import MissingSecret, expand, fill
from aggregator.fetch.client import Fetcher
from aggregator.store import claims, dialect, entries, feeds, plans, subscribers
from aggregator.store.claims import ClaimedFeed
from aggregator.store.database import Connection, Store
from aggregator.store.group import GroupCommit
from aggregator.workers import Workers

log = structlog.get_logger(__name__)

MANUAL_GAP = timedelta(minutes=5)  # a person may ask a feed again after this long
BODY_HASH = 16  # bytes
RECLAIM = 5.0  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class HostDone:
    """A host's turn ended: its lease may go once its checks are written. `undone` feeds were not asked after all."""

    lease: str
    host_id: int
    undone: tuple[ClaimedFeed, ...] = ()


@dataclass(slots=True)
class Run:
    """One call of `Refresher.check`: its lease, what it claimed and what it has settled."""

    lease: str
    commits: "GroupCommit[Check | HostDone, CheckResult | None]"
    report: Callable[[CheckResult], None]
    open: dict[str, ClaimedFeed] = field(default_factory=dict)
    results: list[CheckResult] = field(default_factory=list)

    def settled(self, result: CheckResult) -> None:
        """A check came to its end, stored or not."""
        self.open.pop(result.feed_id, None)
        self.results.append(result)
        self.report(result)


class Refresher:
    """Checks feeds. `clock` gives the time, `token` a fresh lease, `secrets` fill what feeds.yaml calls `${NAME}`."""

    def __init__(
        self,
        *,
        store: Store,
        fetcher: Fetcher,
        workers: Workers,
        clock: Callable[[], datetime],
        token: Callable[[], str],
        secrets: Mapping[str, str],
        lease: timedelta,
        concurrency: int,
        max_entries: int,
    ) -> None:
        self._store = store
        self._fetcher = fetcher
        self._workers = workers
        self._clock = clock
        self._token = token
        self._secrets = secrets
        self._lease = lease
        self._concurrency = concurrency
        self._max_entries = max_entries

    async def check(
        self, *, only: Collection[str] = (), report: Callable[[CheckResult], None] = lambda _: None
    ) -> tuple[CheckResult, ...]:
        """Check every due feed, or the named ones, until none is left; `report` hears of each as it ends.

        Cancelling drops what is under way: nothing of it is stored, its leases are given back, it stays due.
        Raises UsageError for a name that is not followed.
        """
        now = self._clock()
        refused = await self._store.reading(refusals, only, now=now) if only else ()
        wanted = set(only) - {result.feed_id for result in refused}
        async with GroupCommit(self._store, self._settle) as commits:
            run = Run(lease=self._token(), commits=commits, report=report)
            for result in refused:
                run.settled(result)
            if wanted or not only:
                await self._take_turns(run, wanted)
            for feed_id in sorted(wanted - {result.feed_id for result in run.results}):
                busy = "its host is being checked by another process, or asked us to wait"
                run.settled(CheckResult(feed_id=feed_id, outcome=Outcome.SKIPPED, error_detail=busy))
        return tuple(run.results)

    async def _take_turns(self, run: Run, only: set[str]) -> None:
        turns: set[asyncio.Task[None]] = set()
        keeper = asyncio.create_task(self._keep_lease(run.lease))
        try:
            while True:
                if len(turns) <= self._concurrency // 2:
                    for claimed in await self._claim(run, only):
                        turns.add(asyncio.create_task(self._turn(run, claimed)))
                if not turns:
                    return
                # Feeds that come due meanwhile do not wait for a slow host.
                ended, turns = await asyncio.wait(turns, timeout=RECLAIM, return_when=asyncio.FIRST_COMPLETED)
                for turn in ended:
                    turn.result()
        finally:
            keeper.cancel()
            for turn in turns:
                turn.cancel()
            await asyncio.gather(keeper, *turns, return_exceptions=True)
            await self._give_back(run)

    async def _claim(self, run: Run, only: set[str]) -> list[list[ClaimedFeed]]:
        names = only - {result.feed_id for result in run.results} - set(run.open) if only else set()
        if only and not names:
            return []
        claimed = await self._store.writing(
            claims.claim, now=self._clock(), lease=run.lease, lasts=self._lease, only=names, limit=self._concurrency
        )
        run.open |= {one.feed.id: one for one in claimed}
        by_host = sorted(claimed, key=lambda one: one.host_id)
        return [list(turn) for _, turn in groupby(by_host, key=lambda one: one.host_id)]

    async def _turn(self, run: Run, claimed: Sequence[ClaimedFeed]) -> None:
        """One host's due feeds, one after another; its lease goes when the last is written."""
        waiting: list[asyncio.Future[CheckResult | None]] = []
        undone: tuple[ClaimedFeed, ...] = ()
        for place, one in enumerate(claimed):
            if self._fetcher.gate.held(one.state.host) > 0:
                undone = tuple(claimed[place:])  # the host just asked for patience: its other feeds stay due
                break
            check = await self._check_one(one)
            written = run.commits.submit(check)
            written.add_done_callback(partial(_tell, run, one))
            waiting.append(written)
        for one in undone:
            run.open.pop(one.feed.id, None)
        waiting.append(run.commits.submit(HostDone(lease=run.lease, host_id=claimed[0].host_id, undone=undone)))
        await asyncio.gather(*waiting, return_exceptions=True)

    async def _check_one(self, one: ClaimedFeed) -> Check:
        feed, state = one.feed, one.state
        headers, url = fill(feed.headers, self._secrets), expand(state.url_in_use or feed.url, self._secrets)
        if isinstance(headers, MissingSecret) or isinstance(url, MissingSecret):
            missing = headers if isinstance(headers, MissingSecret) else url
            failed = FetchFailed(kind=FailureKind.NO_CREDENTIAL, detail=str(missing))
            return Check(feed=feed, state=state, lease=one.lease, fetched=failed)
        request = FetchRequest(
            url=url,
            etag=state.etag,
            last_modified=state.last_modified,
            headers=headers,
            verify_tls=feed.verify_tls,
        )
        fetched = await self._fetch(request)
        check = Check(feed=feed, state=state, lease=one.lease, fetched=fetched)
        if not isinstance(fetched, Fetched):
            return check
        check = replace(check, body_hash=blake2b(fetched.body, digest_size=BODY_HASH).digest())
        return check if check.body_hash == state.body_hash else replace(check, read=await self._read(check, fetched))

    async def _fetch(self, request: FetchRequest) -> FetchResult:
        try:
            return await self._fetcher.fetch(request, now=self._clock())
        except Exception as error:  # one of the two places that may: whatever a feed provokes costs that feed its turn
            log.exception("fetch.surprise", url=request.url)
            return FetchFailed(kind=FailureKind.INTERNAL, detail=f"{type(error).__name__}: {error}"[:300])

    async def _read(self, check: Check, fetched: Fetched) -> ReadResult:
        feed, state = check.feed, check.state
        job = ReadJob(
            facts=FeedFacts(
                feed_id=feed.id,
                url=fetched.answer.url,
                tags=feed.tags,
                tier=feed.tier,
                language=feed.language or state.language,
                timezone=feed.timezone,
                region=feed.region,
            ),
            body=fetched.body,
            now=self._clock(),
            content_type=fetched.answer.content_type,
            known_spans=frozenset(state.spans),
            max_entries=self._max_entries,
        )
        return (await self._workers.read([job]))[0]

    def _settle(self, connection: Connection, items: Sequence[Check | HostDone]) -> Sequence[CheckResult | None]:
        return settle(connection, items, now=self._clock())

    async def _keep_lease(self, lease: str) -> None:
        while True:
            await asyncio.sleep(self._lease.total_seconds() / 2)
            await self._store.writing(claims.extend, lease=lease, until=self._clock() + self._lease)

    async def _give_back(self, run: Run) -> None:
        if run.open:
            hosts = {one.host_id for one in run.open.values()}
            undone = tuple(run.open.values())
            await asyncio.shield(self._store.writing(claims.release, lease=run.lease, host_ids=hosts, undone=undone))


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
        claims.release(connection, lease=lease, host_ids={item.host_id for item in done}, undone=undone)
    return tuple(
        written.get(item.feed.id, CheckResult(feed_id=item.feed.id, outcome=Outcome.SKIPPED))
        if isinstance(item, Check)
        else None
        for item in items
    )


def know(connection: Connection, checks: Sequence[Check], keyed: Mapping[str, Keyed]) -> Mapping[str, Known]:
    """One read for a whole batch: what the store knows of each checked document."""
    flagged = any(one.flags for check in checks if isinstance(check.read, ReadDone) for one in check.read.entries)
    sought = {check.feed.id: asked(check, keyed[check.feed.id]) for check in checks}
    return entries.known(
        connection,
        keys={feed_id: keys for feed_id, (keys, _) in sought.items()},
        links={feed_id: links for feed_id, (_, links) in sought.items()},
        watchers=subscribers.watchers(connection) if flagged else {},
    )


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


def _tell(run: Run, one: ClaimedFeed, done: "asyncio.Future[CheckResult | None]") -> None:
    if done.cancelled():
        return
    error = done.exception()
    if error is not None:
        log.error("check.not_stored", feed=one.feed.id, error=str(error), expected=isinstance(error, StoreError))
        detail = f"could not be stored: {error}"
        run.settled(
            CheckResult(
                feed_id=one.feed.id,
                outcome=Outcome.FAILED,
                error_kind=FailureKind.INTERNAL,
                error_detail=detail,
                next_check_at=one.state.next_check_at,
            )
        )
    elif (result := done.result()) is not None:
        run.settled(result)
