"""How a thousand publishers see us over some days: 304s where nothing changed, and nothing they did not allow.

`python -m benchmarks.politeness [FEEDS] [DAYS]` polls them by a clock of its own, an hour a step, and prints the counts
that the publishers kept. The clock is ours, so the figures are the same on every machine.
"""

import asyncio
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

from aggregator import logs
from aggregator.fetch.gate import HostGate
from benchmarks.polling import Clock, opened
from benchmarks.publishers import Publishers

FEEDS, DAYS = 1000, 2


async def days(folder: Path, feeds: int, length: int) -> None:
    clock = Clock()
    async with Publishers(feeds, clock) as publishers, opened(folder, publishers.feed_list(), clock) as app:
        # A pause lasts by the publishers' clock, also within one process.
        app.fetcher.gate = HostGate(gap=0.0, monotonic=lambda: clock().timestamp())
        await app.follow()
        for _ in range(24 * length):
            await app.refresher.check()
            clock.now += timedelta(hours=1)
    tally = publishers.tally
    share = tally["unchanged polls answered 304"] / max(tally["unchanged polls"], 1)
    print(f"{feeds} feeds, {length} days, {tally['requests']} requests")
    print(f"unchanged polls of conforming hosts    {tally['unchanged polls']:7}")
    print(f"  answered 304                         {share:7.1%}")
    print(f"pauses that hosts asked for            {tally['pauses asked for']:7}")
    print(f"  requests before Retry-After          {tally['before Retry-After']:7}")
    print(f"unconditional requests after validators{tally['unconditional after validators']:7}")


def main() -> None:
    logs.configure(style="human", level="error")
    feeds = int(sys.argv[1]) if len(sys.argv) > 1 else FEEDS
    length = int(sys.argv[2]) if len(sys.argv) > 2 else DAYS
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(days(Path(folder), feeds, length))


if __name__ == "__main__":
    main()
