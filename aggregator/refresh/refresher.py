"""The station's turns, from due hosts to stored entries.

claim due hosts and their feeds > visit each: fetch > read and match in a worker > know > plan > apply, a batch at a time
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
from types import MappingProxyType

import structlog

from aggregator.core.errors import StoreError
from aggregator.core.model.feeds import FailureKind, Fetched
from aggregator.core.model.plans import Check, CheckResult, Outcome
from aggregator.refresh.settle import HostDone, refusals, settle
from aggregator.refresh.visit import Visitor
from aggregator.store import claims
from aggregator.store.claims import ClaimedFeed
from aggregator.store.database import Connection, Store
from aggregator.store.group import GroupCommit

log = structlog.get_logger(__name__)

RECLAIM = 5.0  # seconds


@dataclass(slots=True)
class Run:
    """One call of `Refresher.check`: its lease, what it claimed and what it has settled."""

    lease: str
    commits: "GroupCommit[Check | HostDone, CheckResult | None]"
    report: Callable[[CheckResult], None]
    brought: Mapping[str, Fetched]
    open: dict[str, ClaimedFeed] = field(default_factory=dict)
    results: list[CheckResult] = field(default_factory=list)

    def settled(self, result: CheckResult) -> None:
        """A check came to its end, stored or not."""
        self.open.pop(result.feed_id, None)
        self.results.append(result)
        self.report(result)


class Refresher:
    """Checks feeds. `visitor` asks each, `clock` gives the time, `token` a fresh lease that lasts for `lease`."""

    def __init__(
        self,
        *,
        store: Store,
        visitor: Visitor,
        clock: Callable[[], datetime],
        token: Callable[[], str],
        lease: timedelta,
        concurrency: int,
    ) -> None:
        self._store = store
        self._visitor = visitor
        self._clock = clock
        self._token = token
        self._lease = lease
        self._concurrency = concurrency

    async def check(
        self,
        *,
        only: Collection[str] = (),
        report: Callable[[CheckResult], None] = lambda _: None,
        brought: Mapping[str, Fetched] = MappingProxyType({}),
    ) -> tuple[CheckResult, ...]:
        """Check every due feed, or the named ones, until none is left; `report` hears of each as it ends.

        `brought` are documents that discovery fetched a moment ago, by feed: those feeds are not asked a second time.

        Cancelling drops what is under way: nothing of it is stored, its leases are given back, it stays due.
        Raises UsageError for a name that is not followed.
        """
        now = self._clock()
        refused = await self._store.reading(refusals, only, now=now) if only else ()
        wanted = set(only) - {result.feed_id for result in refused}
        async with GroupCommit(self._store, self._settle) as commits:
            run = Run(lease=self._token(), commits=commits, report=report, brought=brought)
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
        pause = timedelta()
        for place, one in enumerate(claimed):
            if pause := self._visitor.pause_of(one.state.host):
                undone = tuple(claimed[place:])  # the host just asked for patience: its other feeds stay due
                break
            check = await self._visitor.check(one, brought=run.brought.get(one.feed.id))
            written = run.commits.submit(check)
            written.add_done_callback(partial(_tell, run, one))
            waiting.append(written)
        for one in undone:
            patience = "its host just asked us to wait; it stays due"
            run.settled(CheckResult(feed_id=one.feed.id, outcome=Outcome.SKIPPED, error_detail=patience))
        done = HostDone(lease=run.lease, host_id=claimed[0].host_id, undone=undone, pause=pause)
        waiting.append(run.commits.submit(done))
        await asyncio.gather(*waiting, return_exceptions=True)

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
        _log_turn(one, result)
        run.settled(result)


def _log_turn(one: ClaimedFeed, result: CheckResult) -> None:
    """A line where a feed begins to fail and where it recovers, none for the failures between."""
    before = one.state.failures
    if result.outcome is Outcome.FAILED and not before:
        due = result.next_check_at.isoformat(timespec="seconds") if result.next_check_at else None
        log.info("feed.failing", feed=one.feed.id, error=result.error_kind, detail=result.error_detail, next=due)
    elif result.outcome in {Outcome.FETCHED, Outcome.NOT_MODIFIED} and before:
        log.info("feed.recovered", feed=one.feed.id, failures=before)
