"""Several workers on one PostgreSQL: they share the ticks, take over from the dead, and come back after a cut."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from importlib import metadata, resources

import psycopg
import pytest
from procrastinate.exceptions import ConnectorException

from aggregator.core.errors import SchemaMismatchError, StoreError
from aggregator.engine import procrastinate
from aggregator.engine.contract import Job
from aggregator.engine.procrastinate import ProcrastinateEngine, apply_schema, schema_applied
from tests.patience import PATIENCE, until

NOW = datetime(2026, 1, 21, 7, 30, tzinfo=UTC)
NEVER_AGAIN = timedelta(hours=6)
OTHER_SESSIONS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"

MakeDatabase = Callable[[], str]


@pytest.fixture
def database(make_database: MakeDatabase, monkeypatch: pytest.MonkeyPatch) -> str:
    # What is looked at after `stop` is what a worker leaves that had the time to sign off, also on a busy machine.
    monkeypatch.setattr(procrastinate, "GRACE", timedelta(seconds=PATIENCE))
    monkeypatch.setattr(procrastinate, "CLOSING", PATIENCE)
    url = make_database()
    apply_schema(url)
    return url


@asynccontextmanager
async def worker(url: str, *jobs: Job, stalled_after: float = 30.0) -> AsyncIterator[ProcrastinateEngine]:
    engine = ProcrastinateEngine(
        url,
        clock=lambda: NOW,
        poll=timedelta(milliseconds=20),
        stalled_after=timedelta(seconds=stalled_after),
        rescue_every=timedelta(milliseconds=50),
        settle_every=timedelta(milliseconds=250),
    )
    await engine.start(jobs)
    try:
        yield engine
    finally:
        await engine.stop()


def rows(url: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url, options="-c search_path=procrastinate", autocommit=True) as connection:
        return connection.execute(query.encode()).fetchall()


def queued(url: str) -> list[tuple[object, ...]]:
    """The jobs that wait or run, by kind and status: what ended well has no row any more."""
    return rows(url, "SELECT task_name, status FROM procrastinate_jobs ORDER BY 1, status::text")


async def all_asked_for_their_first_runs(*engines: ProcrastinateEngine) -> None:
    await until(lambda: not any("first" in task.get_name() for engine in engines for task in engine._background))


def test_two_workers_share_the_ticks_and_never_run_a_kind_at_the_same_moment(database: str) -> None:
    async def scene() -> None:
        inside = most_inside = 0
        runs = {"east": 0, "west": 0}

        def work(who: str) -> Job:
            async def run() -> None:
                nonlocal inside, most_inside
                inside += 1
                most_inside = max(most_inside, inside)
                await asyncio.sleep(0.01)
                inside -= 1
                runs[who] += 1

            return Job("refresh", run, timedelta(milliseconds=30))

        async with worker(database, work("east")), worker(database, work("west")):
            await until(lambda: min(runs.values()) >= 3)
        assert most_inside == 1

    asyncio.run(scene())


def test_two_workers_tick_once_a_slot_together_and_not_once_each(database: str) -> None:
    async def scene() -> None:
        runs = 0

        async def run() -> None:
            nonlocal runs
            runs += 1

        async with (
            worker(database, Job("refresh", run, NEVER_AGAIN)) as east,
            worker(database, Job("refresh", run, NEVER_AGAIN)) as west,
        ):
            await all_asked_for_their_first_runs(east, west)
            await until(lambda: runs >= 1 and not queued(database))
            begun, slot = runs, 1_800_000_000_000
            await asyncio.gather(east._defer_slot("refresh", slot), west._defer_slot("refresh", slot))
            await until(lambda: runs > begun and not queued(database))
            await asyncio.gather(east._defer_slot("refresh", slot), west._defer_slot("refresh", slot))
            await until(lambda: not queued(database))
            assert runs == begun + 1

    asyncio.run(scene())


def test_what_a_dead_worker_had_begun_is_taken_over(database: str) -> None:
    async def scene() -> None:
        runs = 0

        async def run() -> None:
            nonlocal runs
            runs += 1

        async with worker(database, Job("refresh", run, NEVER_AGAIN)):
            await until(lambda: runs == 1 and not queued(database))
        rows(
            database,
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '31 seconds') RETURNING id",
        )
        rows(
            database,
            "INSERT INTO procrastinate_jobs (queue_name, task_name, lock, queueing_lock, status, worker_id) "
            "SELECT 'refresh', 'refresh', 'refresh', 'refresh', 'doing', id FROM procrastinate_workers RETURNING id",
        )
        async with worker(database, Job("refresh", run, NEVER_AGAIN)):
            await until(lambda: runs >= 2 and not queued(database))
            await until(lambda: rows(database, "SELECT count(*) FROM procrastinate_workers") == [(1,)])
        assert rows(database, "SELECT count(*) FROM procrastinate_workers") == [(0,)]

    asyncio.run(scene())


def test_what_a_living_worker_has_begun_is_left_to_it(database: str) -> None:
    async def scene() -> None:
        runs = 0
        gate = asyncio.Event()

        async def run() -> None:
            nonlocal runs
            runs += 1
            await gate.wait()

        async with (
            worker(database, Job("refresh", run, NEVER_AGAIN)) as east,
            worker(database, Job("refresh", run, NEVER_AGAIN)),
        ):
            await until(lambda: runs == 1)
            east.wake("refresh")
            await until(lambda: queued(database) == [("refresh", "doing"), ("refresh", "todo")])
            await asyncio.sleep(0.15)
            assert runs == 1
            gate.set()
            await until(lambda: runs >= 2)

    asyncio.run(scene())


def test_a_worker_comes_back_when_its_connections_were_cut(database: str) -> None:
    async def scene() -> None:
        runs = 0

        async def run() -> None:
            nonlocal runs
            runs += 1

        async with worker(database, Job("refresh", run, timedelta(milliseconds=30))):
            await until(lambda: runs >= 2)
            for _ in range(3):
                rows(
                    database,
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
                )
                await asyncio.sleep(0.03)
            before = runs
            await until(lambda: runs >= before + 3)

    asyncio.run(scene())


def test_a_run_whose_end_could_not_be_noted_does_not_lock_its_kind(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene() -> None:
        runs = cuts = 0

        async def run() -> None:
            nonlocal runs
            runs += 1

        async def cut(**_: object) -> None:
            nonlocal cuts
            cuts += 1
            raise ConnectorException

        async with worker(database, Job("refresh", run, NEVER_AGAIN)) as engine:
            with monkeypatch.context() as patch:
                patch.setattr(engine._app.job_manager, "finish_job", cut)
                await until(lambda: cuts >= 1)
            await until(lambda: runs >= 2 and not queued(database))

    asyncio.run(scene())


def test_nothing_is_left_behind_by_runs_that_went_well_failed_or_were_dropped(database: str) -> None:
    async def scene() -> None:
        held = asyncio.Event()
        begun = 0

        async def well() -> None:
            pass

        async def fails() -> None:
            raise OSError

        async def hangs() -> None:
            nonlocal begun
            begun += 1
            await held.wait()

        jobs = [Job("well", well, NEVER_AGAIN), Job("fails", fails, NEVER_AGAIN), Job("hangs", hangs, NEVER_AGAIN)]
        async with worker(database, *jobs) as engine:
            await until(lambda: begun == 1 and engine.status()["fails"].last_error is not None)
            await until(lambda: queued(database) == [("hangs", "doing")])
        assert queued(database) == []
        assert rows(database, "SELECT count(*) FROM procrastinate_workers") == [(0,)]
        # A backend notices only a moment later that its client has hung up.
        await until(lambda: rows(database, OTHER_SESSIONS) == [(0,)])

    asyncio.run(scene())


def test_a_worker_leaves_kinds_that_only_newer_workers_know_alone(database: str) -> None:
    async def scene() -> None:
        runs = 0

        async def run() -> None:
            nonlocal runs
            runs += 1

        rows(
            database,
            "INSERT INTO procrastinate_jobs (queue_name, task_name) VALUES ('compost', 'compost') RETURNING id",
        )
        async with worker(database, Job("refresh", run, NEVER_AGAIN)):
            await until(lambda: runs == 1 and len(queued(database)) == 1)
        assert queued(database) == [("compost", "todo")]

    asyncio.run(scene())


def test_the_schema_stays_out_of_the_stores_way_and_is_made_once(make_database: MakeDatabase) -> None:
    url = make_database()
    assert not schema_applied(url)
    assert apply_schema(url)
    assert schema_applied(url)
    assert not apply_schema(url)
    assert rows(url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]
    assert rows(url, "SELECT DISTINCT procrastinate FROM aggregator_migration") == [
        (metadata.version("procrastinate"),)
    ]


def catalogue(url: str) -> list[tuple[object, ...]]:
    return rows(
        url,
        "SELECT 'column', table_name, column_name, data_type, is_nullable FROM information_schema.columns WHERE table_schema = 'procrastinate' "
        "UNION SELECT 'function', proname, pg_get_function_arguments(pg_proc.oid), '', '' FROM pg_proc WHERE pronamespace = 'procrastinate'::regnamespace "
        "UNION SELECT 'trigger', tgname, tgrelid::regclass::text, '', '' FROM pg_trigger WHERE NOT tgisinternal "
        "UNION SELECT 'index', indexname, tablename, '', '' FROM pg_indexes WHERE schemaname = 'procrastinate' ORDER BY 1, 2, 3",
    )


@pytest.mark.parametrize("last_seen", ["03.00.00_50", "03.02.00_01"])
def test_a_schema_of_an_older_release_is_brought_up_to_the_present_one(
    make_database: MakeDatabase, last_seen: str
) -> None:
    fresh, older = make_database(), make_database()
    apply_schema(fresh)
    with psycopg.connect(older, options="-c search_path=procrastinate", autocommit=True) as connection:
        connection.execute("CREATE SCHEMA procrastinate")
        connection.execute(
            "CREATE TABLE aggregator_migration (name text PRIMARY KEY, procrastinate text NOT NULL, at timestamptz DEFAULT now())"
        )
        files = sorted((resources.files("procrastinate.sql") / "migrations").iterdir(), key=lambda file: file.name)
        for file in files:
            if file.name.endswith(".sql") and file.name[: len(last_seen)] <= last_seen:
                connection.execute(file.read_bytes())
                connection.execute(
                    "INSERT INTO aggregator_migration (name, procrastinate) VALUES (%s, '3.0')", (file.name,)
                )
    assert not schema_applied(older)
    assert apply_schema(older)
    assert schema_applied(older)
    assert catalogue(older) == catalogue(fresh)


def test_two_upgrades_at_once_take_turns(make_database: MakeDatabase) -> None:
    url = make_database()

    async def scene() -> list[bool]:
        return list(await asyncio.gather(*(asyncio.to_thread(apply_schema, url) for _ in range(3))))

    assert sorted(asyncio.run(scene())) == [False, False, True]


def test_a_schema_that_someone_else_made_is_not_touched(make_database: MakeDatabase) -> None:
    url = make_database()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA procrastinate")
        connection.execute("CREATE TABLE procrastinate.procrastinate_jobs (id int)")
    with pytest.raises(SchemaMismatchError, match="did not make"):
        apply_schema(url)
    assert not schema_applied(url)


def test_a_worker_refuses_to_start_on_a_missing_schema_and_says_what_to_run(make_database: MakeDatabase) -> None:
    async def scene() -> None:
        with pytest.raises(SchemaMismatchError, match="db upgrade"):
            await ProcrastinateEngine(make_database(), clock=lambda: NOW).start([])

    asyncio.run(scene())


def test_a_database_that_is_away_is_a_store_error_without_the_password() -> None:
    url = f"postgresql://someone:s3cret@/nothing?host=/nowhere-{os.getpid()}"
    for attempt in (schema_applied, apply_schema):
        with pytest.raises(StoreError) as told:
            attempt(url)
        assert "s3cret" not in str(told.value)


def test_the_url_of_the_store_works_with_its_driver_and_its_own_options(make_database: MakeDatabase) -> None:
    url = make_database().replace("postgresql:", "postgresql+psycopg:") + "&options=-c%20statement_timeout%3D30000"
    assert apply_schema(url)
    assert schema_applied(url)
