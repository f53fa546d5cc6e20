"""What every engine promises, held for each of them: jobs run soon, at their pace, and one of a kind at a moment."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
import structlog.testing

from aggregator.engine import procrastinate
from aggregator.engine.contract import Engine, Job, JobStatus
from aggregator.engine.embedded import EmbeddedEngine
from aggregator.engine.procrastinate import ProcrastinateEngine, apply_schema
from tests.patience import PATIENCE, until

NOW = datetime(2026, 1, 21, 7, 30, tzinfo=UTC)
NEVER_AGAIN = timedelta(hours=6)
OFTEN = timedelta(milliseconds=40)

MakeEngine = Callable[[], Engine]


@pytest.fixture(params=["embedded", "procrastinate"])
def make_engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> MakeEngine:
    if request.param == "embedded":
        return lambda: EmbeddedEngine(clock=lambda: NOW)
    monkeypatch.setattr(procrastinate, "CLOSING", PATIENCE)  # a pool that is cut off leaves warnings behind
    url = request.getfixturevalue("make_database")()
    apply_schema(url)
    return lambda: ProcrastinateEngine(url, clock=lambda: NOW, poll=timedelta(milliseconds=20))


@asynccontextmanager
async def started(engine: Engine, *jobs: Job) -> AsyncIterator[Engine]:
    await engine.start(jobs)
    try:
        yield engine
    finally:
        await engine.stop()


class Work:
    """A job that counts its runs, and can be held, broken or made deaf to cancellation."""

    def __init__(self, kind: str = "refresh", *, every: timedelta = NEVER_AGAIN, held: bool = False) -> None:
        self.job = Job(kind, self.run, every)
        self.gate = asyncio.Event()
        if not held:
            self.gate.set()
        self.error: Exception | None = None
        self.begun = self.ended = self.cancelled = self.inside = self.most_inside = 0

    async def run(self) -> None:
        self.begun += 1
        self.inside += 1
        self.most_inside = max(self.most_inside, self.inside)
        try:
            await self.gate.wait()
            if self.error is not None:
                raise self.error
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.inside -= 1
            self.ended += 1


def test_each_job_runs_at_once_after_start(make_engine: MakeEngine) -> None:
    async def scene() -> None:
        refresh, dispatch = Work("refresh"), Work("dispatch")
        async with started(make_engine(), refresh.job, dispatch.job):
            await until(lambda: refresh.ended == dispatch.ended == 1)

    asyncio.run(scene())


def test_a_job_runs_again_at_its_pace(make_engine: MakeEngine) -> None:
    async def scene() -> None:
        work = Work(every=OFTEN)
        async with started(make_engine(), work.job):
            await until(lambda: work.ended >= 4)

    asyncio.run(scene())


def test_a_kind_never_runs_twice_at_a_moment_however_often_it_ticks(make_engine: MakeEngine) -> None:
    async def scene() -> None:
        work = Work(every=timedelta(milliseconds=10), held=True)
        async with started(make_engine(), work.job) as engine:
            await until(lambda: work.begun == 1)
            engine.wake("refresh")
            await asyncio.sleep(0.1)
            assert work.begun == 1
            work.gate.set()
            await until(lambda: work.ended >= 3)
        assert work.most_inside == 1

    asyncio.run(scene())


def test_a_long_job_of_one_kind_does_not_hold_up_another(make_engine: MakeEngine) -> None:
    async def scene() -> None:
        slow, quick = Work("refresh", held=True), Work("dispatch", every=OFTEN)
        async with started(make_engine(), slow.job, quick.job):
            await until(lambda: slow.begun == 1 and quick.ended >= 3)
            assert slow.ended == 0

    asyncio.run(scene())


def test_wake_runs_an_idle_kind_soon(make_engine: MakeEngine) -> None:
    async def scene() -> None:
        work = Work()
        async with started(make_engine(), work.job) as engine:
            await until(lambda: work.ended == 1)
            engine.wake("refresh")
            await until(lambda: work.ended == 2)

    asyncio.run(scene())


def test_many_wakes_during_a_run_make_exactly_one_more(make_engine: MakeEngine) -> None:
    async def scene() -> None:
        work = Work(held=True)
        async with started(make_engine(), work.job) as engine:
            await until(lambda: work.begun == 1)
            for _ in range(5):
                engine.wake("refresh")
            await asyncio.sleep(0.1)
            await until(lambda: not any("wake" in task.get_name() for task in asyncio.all_tasks()))
            work.gate.set()
            await until(lambda: work.ended == 2)
            await asyncio.sleep(0.15)
            assert work.begun == 2

    asyncio.run(scene())


def test_wake_may_come_from_another_thread(make_engine: MakeEngine) -> None:
    async def scene() -> None:
        work = Work()
        async with started(make_engine(), work.job) as engine:
            await until(lambda: work.ended == 1)
            caller = threading.Thread(target=engine.wake, args=("refresh",))
            caller.start()
            await until(lambda: work.ended == 2)
            caller.join()

    asyncio.run(scene())


def test_a_job_that_fails_is_logged_and_recorded_and_tried_again_at_its_pace(make_engine: MakeEngine) -> None:
    async def scene() -> None:
        work, other = Work(every=OFTEN), Work("dispatch", every=OFTEN)
        work.error = OSError("disk full:\n  /data")
        with structlog.testing.capture_logs() as logs:
            async with started(make_engine(), work.job, other.job) as engine:
                await until(lambda: work.ended >= 2 and other.ended >= 2)
                assert engine.status()["refresh"].last_error == "OSError: disk full: /data"
                assert engine.status()["dispatch"].last_error is None
                work.error = None
                await until(lambda: engine.status()["refresh"].last_error is None)
        failures = [entry for entry in logs if entry["event"] == "job.failed"]
        assert {entry["kind"] for entry in failures} == {"refresh"}
        assert len(failures) >= 2

    asyncio.run(scene())


def test_a_job_that_cancels_itself_does_not_end_the_engine(make_engine: MakeEngine) -> None:
    async def scene() -> None:
        runs = 0

        async def give_up() -> None:
            nonlocal runs
            runs += 1
            raise asyncio.CancelledError

        async with started(make_engine(), Job("refresh", give_up, OFTEN)):
            await until(lambda: runs >= 3)

    asyncio.run(scene())


def test_status_tells_what_runs_and_when_it_began_and_ended(make_engine: MakeEngine) -> None:
    async def scene() -> None:
        work = Work(held=True)
        async with started(make_engine(), work.job) as engine:
            await until(lambda: work.begun == 1)
            assert engine.status() == {"refresh": JobStatus(last_started=NOW, running=True)}
            work.gate.set()
            await until(lambda: not engine.status()["refresh"].running)
            assert engine.status() == {"refresh": JobStatus(last_started=NOW, last_ended=NOW)}

    asyncio.run(scene())


def test_stop_cancels_what_runs_and_nothing_runs_after_it(make_engine: MakeEngine) -> None:
    async def scene() -> None:
        work, ticking = Work(held=True), Work("dispatch", every=OFTEN)
        engine = make_engine()
        async with started(engine, work.job, ticking.job):
            await until(lambda: work.begun == 1)
            engine.wake("refresh")
        assert (work.cancelled, work.inside) == (1, 0)
        assert not engine.status()["refresh"].running
        before = (work.begun, ticking.begun)
        engine.wake("refresh")
        await asyncio.sleep(0.15)
        assert (work.begun, ticking.begun) == before

    asyncio.run(scene())


def test_stop_returns_while_a_job_that_does_not_listen_goes_on_to_its_end(make_engine: MakeEngine) -> None:
    async def scene() -> None:
        begun, may_end, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def deaf() -> None:
            begun.set()
            while not may_end.is_set():
                try:
                    await may_end.wait()
                except asyncio.CancelledError:
                    continue
            ended.set()

        engine = make_engine()
        await engine.start([Job("dispatch", deaf, NEVER_AGAIN)])
        async with asyncio.timeout(PATIENCE):
            await begun.wait()
            await engine.stop()
            assert not ended.is_set()
            may_end.set()
            await ended.wait()
            await until(lambda: not engine.status()["dispatch"].running)

    asyncio.run(scene())


def test_stop_is_harmless_when_it_comes_twice_or_before_start(make_engine: MakeEngine) -> None:
    async def scene() -> None:
        engine = make_engine()
        await engine.stop()
        engine.wake("refresh")
        work = Work()
        async with started(engine, work.job):
            await until(lambda: work.ended == 1)
        await engine.stop()

    asyncio.run(scene())


def test_an_unknown_kind_cannot_be_woken(make_engine: MakeEngine) -> None:
    async def scene() -> None:
        async with started(make_engine(), Work().job) as engine:
            with pytest.raises(KeyError, match="compost"):
                engine.wake("compost")

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("kinds", "every"), [(("refresh", "refresh"), NEVER_AGAIN), (("refresh",), timedelta(0))], ids=["twins", "no pace"]
)
def test_impossible_jobs_are_refused(make_engine: MakeEngine, kinds: tuple[str, ...], every: timedelta) -> None:
    async def scene() -> None:
        with pytest.raises(ValueError, match=r"two jobs|not a pace"):
            await make_engine().start([Work(kind, every=every).job for kind in kinds])

    asyncio.run(scene())
