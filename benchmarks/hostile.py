"""What hostile feeds cost the others: the memory a gzip bomb takes, the time a feed that hangs takes from its neighbours.

`python -m benchmarks.hostile` serves them from loopback and prints. The bomb is met by a process of its own, whose peak
memory is compared with what it held after polling a good feed.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path

import psutil

from aggregator import logs
from aggregator.core.model.plans import CheckResult
from benchmarks.polling import Clock, opened
from benchmarks.publishers import Publishers

FEEDS = 200
BOMB = 200 * 2**20  # bytes, unpacked
KILL = 10.0  # seconds that a worker may take
WORKERS = 2
HANGING = b"<rss version='2.0'><channel><title>x</title><item><author>%b</author></item></channel></rss>" % (
    b"a." * 200_000
)


def bomb() -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    parts = [packer.compress(b"<rss><channel><title>")]
    parts += [packer.compress(bytes(2**20)) for _ in range(BOMB // 2**20)]
    return b"".join([*parts, packer.flush()])


async def meet(folder: Path, feed_list: str) -> None:
    """In a process of its own: poll a good feed, then the bomb, and print both memories in MiB."""
    async with opened(folder, feed_list, Clock(), AGGREGATOR_WORKERS="1") as app:
        await app.follow()
        (good,) = await app.refresher.check(only=["f0"])
        before = held_from_now_on()
        (bad,) = await app.refresher.check(only=["f1"])
        print(
            f"gzip bomb of {BOMB // 2**20} MiB: {bad.error_kind}, {peak() - before:.1f} MiB above the "
            f"{before:.0f} MiB held after a good feed ({good.new} entries)"
        )


def held_from_now_on() -> float:
    """MiB that this process holds; its peak is counted anew from here."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # proc(5): resets VmHWM
    return float(psutil.Process().memory_info().rss) / 2**20


def peak() -> float:
    """The most MiB that this process held since `held_from_now_on`."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


async def memory() -> None:
    """Serve a good feed and the bomb to a fresh process."""
    async with Publishers(2, Clock(), odd={1: bomb()}, plain=True) as publishers:
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "list").write_text(publishers.feed_list(), encoding="utf-8")
            call = [sys.executable, "-m", "benchmarks.hostile", folder]
            await asyncio.to_thread(subprocess.run, call, check=True)


async def others(odd: dict[int, bytes | None]) -> float:
    """Seconds until every feed but the odd ones was checked, from a cold start."""
    ended: list[float] = []
    names = {f"f{number}" for number in odd}
    all_ended = asyncio.Event()

    def report(result: CheckResult) -> None:
        if result.feed_id not in names:
            ended.append(time.perf_counter())
        if len(ended) == FEEDS - len(odd):
            all_ended.set()

    async with Publishers(FEEDS, Clock(), odd=odd, plain=True) as publishers:
        settings = {"AGGREGATOR_WORKERS": str(WORKERS), "AGGREGATOR_PARSE_TIMEOUT": f"{KILL:g}s"}
        with tempfile.TemporaryDirectory() as folder:
            async with opened(Path(folder), publishers.feed_list(), Clock(), **settings) as app:
                await app.follow()
                began = time.perf_counter()
                checking = asyncio.create_task(app.refresher.check(report=report))
                await all_ended.wait()
                checking.cancel()
                await asyncio.gather(checking, return_exceptions=True)
    return max(ended) - began


async def neighbours() -> None:
    """Compare the others' time without and with one feed that hangs."""
    alone = await others({})
    allowed = 1.2 * alone + KILL / WORKERS
    print(f"{FEEDS} good feeds: {alone:.2f} s; beside one that hangs, the others may take {allowed:.2f} s")
    for name, body in (("hangs the parser", HANGING), ("accepts and never answers", None)):
        print(f"  one {name}: the others end in {await others({FEEDS // 3: body}):.2f} s")


def main() -> None:
    logs.configure(style="human", level="error")
    if len(sys.argv) > 1:
        folder = Path(sys.argv[1])
        asyncio.run(meet(folder, (folder / "list").read_text(encoding="utf-8")))
        return
    print(f"{os.cpu_count()} cores, {WORKERS} workers, a task is killed after {KILL:g} s", flush=True)
    asyncio.run(memory())
    asyncio.run(neighbours())


if __name__ == "__main__":
    main()
