"""What a poll of many feeds costs: cold, unchanged, and with one feed in ten changed.

`python -m benchmarks.poll [FEEDS]` serves a farm from loopback and prints wall and CPU seconds (workers included), peak
memory, requests and stored entries of each round. Compare rounds of one run; machines differ.
"""

import asyncio
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import psutil

from aggregator import logs
from aggregator.store import entries
from benchmarks.polling import Clock, opened
from tests.farm import Farm


@contextmanager
def measured(name: str, farm: Farm) -> Iterator[None]:
    asked, wall, cpu = sum(farm.asked.values()), time.perf_counter(), _cpu()
    yield
    took, spent = time.perf_counter() - wall, _cpu() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    requests = sum(farm.asked.values()) - asked
    print(f"{name:10} {took:7.2f} s wall {spent:7.2f} s CPU {peak:5} MB peak {requests:6} requests")


def _cpu() -> float:
    """Seconds used so far, by this process and by its workers, which are alive throughout."""
    family = [psutil.Process(), *psutil.Process().children(recursive=True)]
    return float(sum(sum(process.cpu_times()[:2]) for process in family))


async def rounds(farm: Farm, folder: Path) -> None:
    clock = Clock()
    async with opened(folder, farm.feed_list(), clock) as app:
        with measured("follow", farm):
            await app.follow()
        for name in ("cold", "unchanged", "unchanged"):
            with measured(name, farm):
                await app.refresher.check()
            clock.now += timedelta(days=2)
        farm.edition += 1
        with measured("changed", farm):
            await app.refresher.check()
        print(f"{await app.store.reading(entries.count)} entries stored of {len(farm.expected())} expected")


def main() -> None:
    logs.configure(style="human", level="error")
    feeds = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    print(f"{feeds} feeds on {os.cpu_count()} cores")
    with Farm(feeds=feeds, hosts=min(feeds, 250)) as farm, tempfile.TemporaryDirectory() as folder:
        asyncio.run(rounds(farm, Path(folder)))


if __name__ == "__main__":
    main()
