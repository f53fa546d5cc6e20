"""Waits for what happens elsewhere and rings no bell, and gives up late rather than fail on a busy machine."""

import asyncio
from collections.abc import Callable

PATIENCE = 120.0  # seconds


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - what is awaited happens inside an engine, which rings no bell
            await asyncio.sleep(0.005)
