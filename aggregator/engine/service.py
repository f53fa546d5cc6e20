"""The service: holds the database's lock, follows feeds.yaml while it changes, lets an engine tick, and ends in order."""

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from datetime import timedelta
from functools import partial
from pathlib import Path

import structlog
from watchfiles import awatch

from aggregator.app import App
from aggregator.core.errors import AggregatorError, ConfigError
from aggregator.engine.contract import Engine, Job
from aggregator.feedlist.changes import ChangeKind
from aggregator.store import clock, dialect, feeds, health, retention, search, stories
from aggregator.store.lock import service_lock

log = structlog.get_logger(__name__)

UNMATCHED_KEPT = timedelta(days=180)
HOUSEKEEPING = timedelta(hours=1)
MAILBOX = timedelta(minutes=5)
SEND_PATIENCE = 30.0  # seconds that one round waits for a receiver that does not answer
CLOCK_STEP = timedelta(minutes=5)  # less is waited for
LANES = 4  # checks of feeds that workers on one database run beside each other
SPREAD_LEAST = timedelta(minutes=10)
SPREAD_EACH = timedelta(seconds=0.5)

_DONE = {ChangeKind.ADD: "added", ChangeKind.REMOVE: "removed", ChangeKind.CHANGE: "changed"}


def jobs(app: App, *, lanes: int = 1) -> tuple[Job, ...]:
    """What every engine runs: check feeds, make and send digests, try changed topics on the archive, index words, keep house.

    Where a mailbox is named into which mail comes back, it is read too. With more `lanes` as many workers may check
    feeds at the same time: row leases keep them apart.
    """
    tick = app.settings.tick

    async def refresh() -> None:
        if await clock_is_sane(app):
            await heed_step_back(app)
            # Another process may have applied the file: `aggregator apply`, `poll`, or the service of this worker.
            await app.keep_following()
            results = await app.refresher.check()
            await _beat(app, "refresh", checked=len(results), new=sum(result.new for result in results))

    async def dispatch() -> None:
        if await clock_is_sane(app):
            done = await app.dispatcher.run(patience=SEND_PATIENCE)
            await _beat(app, "dispatch", digests=len(done.digests), deliveries=len(done.deliveries))

    async def replay() -> None:
        if await clock_is_sane(app):
            await app.keep_following()
            if made := await app.replayer.run():
                await _beat(app, "replay", matches=sum(made.values()))

    checking = ["refresh"] if lanes == 1 else [f"refresh-{lane}" for lane in range(1, lanes + 1)]
    return (
        *(Job(kind, refresh, tick) for kind in checking),
        Job("dispatch", dispatch, tick),
        Job("replay", replay, tick),
        Job("search", partial(index_words, app), tick),
        Job("housekeeping", partial(keep_house, app), HOUSEKEEPING),
        *([Job("mailbox", partial(read_returns, app), MAILBOX)] if app.returns is not None else []),
    )


async def keep_house(app: App) -> None:
    """Let go of what nobody needs any more."""
    now = app.clock()
    while await app.store.writing(retention.prune, before=now - UNMATCHED_KEPT, now=now):
        continue
    await stories.tidy(app.store, now=now)
    await _beat(app, "housekeeping")


async def read_returns(app: App) -> None:
    """Heed what came back into the bounce mailbox."""
    if app.returns is not None and await clock_is_sane(app):
        await app.returns.collect()


async def index_words(app: App) -> None:
    """Put the words of what was stored lately into the archive's word index."""
    if indexed := await search.catch_up(app.store):
        await _beat(app, "search", indexed=indexed)


async def clock_is_sane(app: App) -> bool:
    """Whether our clock and the database's agree; while they do not, nothing is claimed. A set clock is not compared."""
    if app.settings.clock is not None:
        return True
    theirs = await app.store.reading(dialect.now_of)
    apart = abs(theirs - app.clock())
    if apart > clock.TOLERANCE:
        log.error("clock.apart", seconds=apart.total_seconds(), hint="set this machine's or the database's clock")
        return False
    return True


async def heed_step_back(app: App) -> None:
    """When the clock went back since feeds were last checked, let what is due come sooner by as much."""
    beats = await app.store.reading(health.beats)
    step = beats["refresh"][0] - app.clock() if "refresh" in beats else timedelta()
    if step > CLOCK_STEP:
        log.warning("clock.went_back", seconds=step.total_seconds())
        await app.store.writing(clock.pull_back, now=app.clock(), step=step, lasts=app.settings.lease)
        await _beat(app, "refresh")


async def _beat(app: App, kind: str, **detail: int) -> None:
    await app.store.writing(health.beat, kind, now=app.clock(), detail=detail)


async def serve(
    app: App, engine: Engine, *, lanes: int = 1, beside: AbstractAsyncContextManager[None] | None = None
) -> None:
    """Run until SIGTERM or Ctrl-C, then end, also while it begins.

    Running work is dropped and its leases given back, only a mail past DATA is awaited.

    `beside` is what else runs as long as the service does: its pages. Raises AlreadyRunningError, ConfigError when there
    is nothing to follow, StoreError when the database fails at start, and what `beside` raises when it begins.
    """
    with service_lock(app.settings.database, now=app.clock()):
        async with _stop_signal() as stop, app, beside or nullcontext():
            await _unless(stop, _begin(app))
            watcher = asyncio.create_task(follow_changes(app))
            try:
                await _tick_until(stop, app, engine, lanes)
            finally:
                watcher.cancel()
                await asyncio.gather(watcher, return_exceptions=True)
    log.info("service.stopped")


async def _begin(app: App) -> None:
    """What the service does once, before it ticks."""
    await start_following(app)
    await heed_step_back(app)
    await spread_overdue(app)


async def work(app: App, engine: Engine, *, lanes: int) -> None:
    """Share the service's jobs with other processes until SIGTERM or Ctrl-C; feeds.yaml is the service's to follow."""
    async with _stop_signal() as stop, app:
        await _tick_until(stop, app, engine, lanes)
    log.info("worker.stopped")


async def _tick_until(stop: asyncio.Event, app: App, engine: Engine, lanes: int) -> None:
    if stop.is_set():
        return
    await engine.start(jobs(app, lanes=lanes))
    log.info("service.started", database=app.settings.database_shown, outbox=str(app.settings.mail_dir))
    try:
        await stop.wait()
    finally:
        log.info("service.stopping")
        await engine.stop()
        await app.dispatcher.drain()


async def _unless(stop: asyncio.Event, work: Coroutine[None, None, None]) -> None:
    """Run `work` to its end, or drop it when `stop` is set before."""
    working, told = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({working, told}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            working.result()
    finally:
        working.cancel()
        told.cancel()
        await asyncio.gather(working, told, return_exceptions=True)


@asynccontextmanager
async def _stop_signal() -> AsyncIterator[asyncio.Event]:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    former = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    for number in former:
        loop.add_signal_handler(number, stop.set)
    try:
        yield stop
    finally:
        for number, handler in former.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)


async def start_following(app: App) -> None:
    """Apply feeds.yaml. A broken file keeps what was followed before, and raises only when nothing was."""
    try:
        await _follow(app)
    except ConfigError as error:
        followed = await app.store.reading(feeds.definitions)
        if not followed:
            raise
        await app.keep_following()
        await _report_config(app, error)


async def _follow(app: App) -> None:
    changes = await app.follow()
    await app.store.writing(health.beat, "config", now=app.clock(), detail={})
    if changes.changes:
        log.info("config.applied", **Counter(f"{change.noun}s_{_DONE[change.kind]}" for change in changes.changes))


async def _report_config(app: App, error: ConfigError) -> None:
    problems: Sequence[str] = [str(problem) for problem in error.problems]
    for problem in problems:
        log.error("config.broken", problem=problem, hint="the last good state stays in force")
    await app.store.writing(health.beat, "config", now=app.clock(), detail={"problems": list(problems)})


async def follow_changes(app: App) -> None:
    """Apply feeds.yaml and subscribers.yaml each time they change; a broken file keeps the last good state."""
    names = {app.settings.config.name, "subscribers.yaml"}
    folder = app.settings.config.resolve().parent
    async for changed in awatch(folder, recursive=False, step=200):
        if names.isdisjoint(Path(path).name for _, path in changed):
            continue
        try:
            await _follow(app)
        except ConfigError as error:
            await _report_config(app, error)
        except AggregatorError as error:
            log.error("config.not_applied", error=str(error))  # noqa: TRY400 - one clear line; the cause is expected


async def spread_overdue(app: App) -> None:
    """After downtime, ask overdue feeds over a while rather than all at once."""
    overdue = await app.store.reading(health.overdue, now=app.clock())
    await app.store.writing(feeds.spread, now=app.clock(), over=max(SPREAD_LEAST, SPREAD_EACH * overdue))
