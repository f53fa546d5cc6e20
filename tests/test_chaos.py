"""What machines do to the program: a disk that fills up, a process that is stopped past its lease and goes on."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from aggregator.store import dialect
from tests.farm import ENTRIES, Farm
from tests.house import House
from tests.patience import PATIENCE

FEEDS = 120
FULL = 256 * 1024  # bytes that a file may have: room for some claims in the log, not for the entries
LIMITED = (
    "import resource, runpy, sys\n"
    "resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop(1)),) * 2)\n"
    "runpy.run_module('aggregator', run_name='__main__')\n"
)


@pytest.fixture(scope="module")
def farm() -> Iterator[Farm]:
    with Farm(feeds=FEEDS, hosts=60) as serving:
        yield serving


@pytest.fixture(params=["sqlite", "postgresql"])
def house(request: pytest.FixtureRequest, tmp_path: Path, farm: Farm) -> House:
    database = request.getfixturevalue("make_database")() if request.param == "postgresql" else None
    return House(tmp_path, farm, database)


def holds_everything_once(house: House, farm: Farm) -> None:
    stored = house.ask("SELECT e.feed_id, e.key, r.title FROM entry e JOIN revision r ON r.entry_id = e.id")
    assert len(stored) == FEEDS * ENTRIES
    assert set(stored) == farm.expected()
    assert house.ask("SELECT count(*), count(DISTINCT entry_id) FROM match") == [(FEEDS, FEEDS)]


def limited(house: House, size: int, *command: str) -> tuple[int, str]:
    """A command that may write no file beyond `size` bytes: its exit code and what it said of errors."""
    call = [sys.executable, "-c", LIMITED, str(size), *command]
    ended = subprocess.run(call, env=house.environ, capture_output=True, text=True, timeout=PATIENCE, check=False)
    return ended.returncode, ended.stderr


def test_a_poll_on_a_full_disk_says_so_and_the_next_one_makes_up_for_it(tmp_path: Path, farm: Farm) -> None:
    house = House(tmp_path, farm)
    house.run("apply")
    code, errors = limited(house, FULL, "poll")
    assert code == 1
    assert "the database failed" in errors
    assert "Traceback" not in errors
    assert house.ask("PRAGMA integrity_check") == [("ok",)]
    assert (
        set(house.ask("SELECT feed_id, key, title FROM entry JOIN revision ON entry_id = entry.id")) < farm.expected()
    )
    house.later(hours=1)
    house.run("poll")
    holds_everything_once(house, farm)


def test_a_service_on_a_full_disk_says_so(tmp_path: Path, farm: Farm) -> None:
    house = House(tmp_path, farm)
    house.run("apply")
    code, errors = limited(house, 0, "run", "--once")
    assert code == 1
    assert errors.startswith("error: ")
    assert "Traceback" not in errors


def stopped_outside_a_transaction(house: House, process: subprocess.Popen[bytes]) -> None:
    """Stop `process` where it holds no lock of the database: who stops inside one makes everybody wait, and may."""
    engine = create_engine(dialect.parse_url(house.database), connect_args=_impatient(house.database))
    for _ in range(1000):
        process.send_signal(signal.SIGSTOP)
        try:
            with engine.connect() as connection:
                connection.execute(text(_LOCK_ALL[engine.dialect.name]))
            break
        except OperationalError:
            process.send_signal(signal.SIGCONT)
            time.sleep(0.02)
    else:
        pytest.fail("the process is always inside a transaction")
    engine.dispose()


_LOCK_ALL = {"sqlite": "BEGIN IMMEDIATE", "postgresql": "LOCK TABLE feed_state, host, entry IN EXCLUSIVE MODE NOWAIT"}


def _impatient(database: str) -> dict[str, float]:
    return {"timeout": 0.0} if database.startswith("sqlite") else {}


def test_a_poll_that_is_stopped_past_its_lease_and_goes_on_loses_and_doubles_nothing(house: House, farm: Farm) -> None:
    house.run("apply")
    farm.silent_from = FEEDS // 2
    try:
        sleeper = house.start("poll")
        house.wait(lambda: house.entries() > 0)
        stopped_outside_a_transaction(house, sleeper)
    finally:
        farm.silent_from = FEEDS
    house.later(hours=1)
    house.run("poll")
    sleeper.send_signal(signal.SIGCONT)
    _, errors = sleeper.communicate(timeout=PATIENCE)
    assert sleeper.returncode == 0, errors.decode()
    assert b"Traceback" not in errors
    holds_everything_once(house, farm)
    assert house.ask("SELECT count(*) FROM host WHERE lease IS NOT NULL") == [(0,)]


def test_a_clock_that_is_set_back_and_forth_loses_and_doubles_nothing(tmp_path: Path, farm: Farm) -> None:
    house = House(tmp_path, farm)
    for instant in ("2026-03-02T09:00:00Z", "2026-03-01T09:00:00Z", "2026-03-04T09:00:00Z"):
        house.environ["AGGREGATOR_CLOCK"] = instant
        house.run("poll")
        holds_everything_once(house, farm)
    assert house.ask("SELECT count(*) FROM feed_state WHERE next_check_at < '2026-03-04 09:00:00'") == [(0,)]
