"""The service as an operator meets it: a real process that starts, refuses a twin, follows its file, and ends in order."""

import asyncio
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.farm import ENTRIES, Farm
from tests.house import House
from tests.patience import PATIENCE
from tests.servers import Asked
from tests.serving import serving

FEEDS = 4


@pytest.fixture(scope="module")
def farm() -> Iterator[Farm]:
    with Farm(feeds=FEEDS, hosts=4) as serving:
        yield serving


@pytest.fixture(params=["sqlite", "postgresql"])
def house(request: pytest.FixtureRequest, tmp_path: Path, farm: Farm) -> House:
    database = request.getfixturevalue("make_database")() if request.param == "postgresql" else None
    return House(tmp_path, farm, database, AGGREGATOR_TICK="1s")


@contextmanager
def running(house: House) -> Iterator[subprocess.Popen[bytes]]:
    service = house.start("run")
    try:
        house.wait(lambda: house.entries() >= ENTRIES)
        yield service
    finally:
        service.kill()
        service.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_service_in_order_and_soon(house: House, number: signal.Signals) -> None:
    with running(house) as service:
        house.wait(lambda: house.entries() == FEEDS * ENTRIES)
        service.send_signal(number)
        assert service.wait(PATIENCE) == 0
    assert house.ask("SELECT count(*) FROM host WHERE lease IS NOT NULL") == [(0,)]


def test_a_signal_while_a_host_keeps_us_waiting_ends_the_service_too(house: House) -> None:
    with serving() as web:

        async def dripping(writer: asyncio.StreamWriter, _asked: Asked) -> None:
            while True:
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.5)

        path = Path(house.environ["AGGREGATOR_CONFIG"])
        path.write_text(f"feeds:\n  - {{id: slow, url: '{web.on('/feed', dripping)}'}}\n", encoding="utf-8")
        # Were the fetch waited for, the test would lose its patience before it ends.
        house.environ["AGGREGATOR_FETCH_TIMEOUT"] = f"{10 * PATIENCE:.0f}s"
        service = house.start("run")
        try:
            house.wait(lambda: web.paths() == ["/feed"])
            service.terminate()
            assert service.wait(PATIENCE) == 0
        finally:
            service.kill()
            service.communicate()
    assert house.ask("SELECT count(*) FROM host WHERE lease IS NOT NULL") == [(0,)]


def test_a_second_service_is_told_who_holds_the_database(house: House) -> None:
    with running(house):
        second = house.start("run")
        _, errors = second.communicate(timeout=PATIENCE)
        assert second.returncode == 1
        assert b"another aggregator service holds this database" in errors


def test_a_changed_feed_list_is_followed_and_a_broken_one_is_not_and_the_log_tells_both(
    house: House, farm: Farm
) -> None:
    path = Path(house.environ["AGGREGATOR_CONFIG"])
    good = path.read_text(encoding="utf-8")
    with running(house) as service:
        path.write_text(good.replace("  - {id: f0,", "  - {id: renamed,"), encoding="utf-8")
        house.wait(lambda: ("renamed",) in house.ask("SELECT id FROM feed WHERE listed"))
        path.write_text("feeds: [oops", encoding="utf-8")
        house.wait(lambda: any("problems" in str(row[0]) for row in house.ask("SELECT detail FROM heartbeat")))
        assert ("renamed",) in house.ask("SELECT id FROM feed WHERE listed")
        service.terminate()
        _, log = service.communicate(timeout=PATIENCE)
    assert b"feeds_added=1 feeds_removed=1" in log
    assert b" problem=" in log
    assert b"feeds.yaml:1:" in log


def test_a_restart_with_a_broken_feed_list_goes_on_with_the_last_good_one(house: House) -> None:
    path = Path(house.environ["AGGREGATOR_CONFIG"])
    house.run("apply")
    path.write_text("feeds: [oops", encoding="utf-8")
    with running(house):
        assert house.ask("SELECT count(*) FROM feed WHERE listed") == [(FEEDS,)]


def test_a_first_start_with_a_broken_feed_list_says_where_it_is_broken(house: House) -> None:
    Path(house.environ["AGGREGATOR_CONFIG"]).write_text("feeds:\n  - {id: a, url: nonsense}\n", encoding="utf-8")
    service = house.start("run")
    _, errors = service.communicate(timeout=PATIENCE)
    assert service.returncode == 2
    assert b"feeds.yaml:2:" in errors


def test_nothing_is_left_running_after_a_kill(house: House, farm: Farm, workers_of: Callable[[int], list[int]]) -> None:
    with running(house) as service:
        children = workers_of(service.pid)
        assert children
        service.kill()
        service.wait()
        house.wait(lambda: not any(_alive(child) for child in children))


def _alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except FileNotFoundError:
        return False


@pytest.fixture
def workers_of() -> Callable[[int], list[int]]:
    import psutil  # noqa: PLC0415 - only here

    return lambda pid: [child.pid for child in psutil.Process(pid).children(recursive=True)]
