"""An App on a fresh database in a folder, wired as the program wires it, for benchmarks to poll with."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from aggregator.app import App, build, prepare_database
from aggregator.settings import load
from benchmarks.publishers import START


@dataclass(slots=True)
class Clock:
    """A clock that stands still until it is set."""

    now: datetime = START

    def __call__(self) -> datetime:
        """The time."""
        return self.now


@asynccontextmanager
async def opened(folder: Path, feed_list: str, clock: Callable[[], datetime], **settings: str) -> AsyncIterator[App]:
    """The App of a feed list, open; its hosts are on loopback and need no gap between requests."""
    (folder / "feeds.yaml").write_text(feed_list, encoding="utf-8")
    environ = {
        "AGGREGATOR_CONFIG": str(folder / "feeds.yaml"),
        "AGGREGATOR_DATA_DIR": str(folder / "data"),
        "AGGREGATOR_ALLOW_PRIVATE": "127.0.0.0/8",
        "AGGREGATOR_HOST_GAP": "0s",
        **settings,
    }
    loaded = load(environ)
    prepare_database(loaded, now=clock(), upgrade=False)
    async with build(loaded, environ, clock=clock) as app:
        yield app
