"""One host, one request at a time: measured with a clock that only moves when somebody sleeps."""

import asyncio
from collections.abc import Callable
from itertools import pairwise

import pytest

from aggregator.fetch.gate import HostGate, HostHeldError
from tests.patience import PATIENCE

pytestmark = pytest.mark.anyio


class Clock:
    """Time that passes only in `sleep`."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gate(clock: Clock) -> HostGate:
    return HostGate(1.0, monotonic=clock.monotonic, sleep=clock.sleep)


async def visit(gate: HostGate, host: str, starts: list[float], now: Callable[[], float]) -> None:
    async with gate.turn(host):
        starts.append(now())
        await asyncio.sleep(0)


async def test_case_7_51_a_hundred_feeds_of_one_host_start_a_gap_apart(gate: HostGate, clock: Clock) -> None:
    starts: list[float] = []
    await asyncio.gather(*(visit(gate, "a.example", starts, clock.monotonic) for _ in range(100)))
    gaps = [later - earlier for earlier, later in pairwise(starts)]
    assert len(starts) == 100
    assert min(gaps) == pytest.approx(1.0)


async def test_case_7_51_other_hosts_do_not_wait(gate: HostGate, clock: Clock) -> None:
    starts: list[float] = []
    await asyncio.gather(*(visit(gate, f"{number}.example", starts, clock.monotonic) for number in range(100)))
    assert set(starts) == {100.0}


async def test_the_second_request_waits_for_the_end_of_the_first(gate: HostGate) -> None:
    inside = 0
    most = 0

    async def slow() -> None:
        nonlocal inside, most
        async with gate.turn("a.example"):
            inside += 1
            most = max(most, inside)
            for _ in range(5):
                await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(slow() for _ in range(5)))
    assert most == 1


async def test_a_host_on_hold_is_refused_until_the_pause_is_over(gate: HostGate, clock: Clock) -> None:
    gate.hold("a.example", 60)
    gate.hold("a.example", 5)
    with pytest.raises(HostHeldError) as caught:
        async with gate.turn("a.example"):
            pytest.fail("a held host was asked")
    assert caught.value.seconds == pytest.approx(60)
    assert gate.held("a.example") == pytest.approx(60)
    assert gate.held("b.example") == 0
    clock.now += 60
    async with gate.turn("a.example"):
        assert gate.held("a.example") == 0


async def test_a_hold_that_comes_while_others_wait_refuses_them(gate: HostGate) -> None:
    refused = 0

    async def late() -> None:
        nonlocal refused
        try:
            async with gate.turn("a.example"):
                pytest.fail("a held host was asked")
        except HostHeldError:
            refused += 1

    async with gate.turn("a.example"):
        waiting = [asyncio.create_task(late()) for _ in range(3)]
        await asyncio.sleep(0)
        gate.hold("a.example", 60)
    await asyncio.gather(*waiting)
    assert refused == 3


async def test_a_failure_inside_a_turn_lets_the_next_one_in(gate: HostGate) -> None:
    with pytest.raises(ZeroDivisionError):
        async with gate.turn("a.example"):
            raise ZeroDivisionError
    async with asyncio.timeout(PATIENCE), gate.turn("a.example"):
        pass


async def test_those_who_wait_for_a_host_hold_no_slot(gate: HostGate) -> None:
    slots = asyncio.Semaphore(1)
    async with gate.turn("a.example"):
        waiting = asyncio.create_task(gate.turn("a.example", slot=slots).__aenter__())
        await asyncio.sleep(0)
        assert not slots.locked()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)


async def test_idle_hosts_are_forgotten_and_held_ones_are_not(gate: HostGate, clock: Clock) -> None:
    gate.hold("held.example", 10_000)
    for number in range(2000):
        async with gate.turn(f"{number}.example"):
            clock.now += 0.1
    assert len(gate._hosts) < 600
    assert gate.held("held.example") > 0
