"""A small world for the stations: an App through `build`, with feeds from loopback, its own clock and mail in a list."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from aggregator.app import App, build
from aggregator.core.model.subscriptions import SendResult, Sent
from aggregator.settings import load
from tests.databases import make_ready
from tests.factories import NOW
from tests.patience import PATIENCE
from tests.servers import ScriptedServer, reply


@dataclass(slots=True)
class FakeClock:
    """A clock that a test moves by hand."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass(slots=True)
class MailBox:
    """A channel that keeps what it was given; `answers` are given first, then every message is accepted."""

    sent: list[bytes] = field(default_factory=list)
    answers: list[SendResult] = field(default_factory=list)

    async def send(
        self, *, sender: str, recipient: str | None, message: bytes, before_data: Callable[[], Awaitable[None]]
    ) -> SendResult:
        await before_data()
        if self.answers:
            return self.answers.pop(0)
        self.sent.append(message)
        return Sent(response="250 ok")

    async def check(self) -> SendResult:
        return Sent(response="250 ok")

    async def aclose(self) -> None:
        """Nothing is held open."""

    def describe(self) -> str:
        return "a list"


@dataclass(slots=True)
class World:
    """What a test of a station holds in its hands."""

    app: App
    server: ScriptedServer
    clock: FakeClock
    mail: MailBox
    folder: Path

    async def follow(self, yaml: str) -> None:
        (self.folder / "feeds.yaml").write_text(yaml, encoding="utf-8")
        await self.app.follow()


@asynccontextmanager
async def world(folder: Path, *, database: str | None = None, **environ: str) -> AsyncIterator[World]:
    """An open App on a fresh database in `folder`, and a server for its feeds."""
    given = {
        "AGGREGATOR_ALLOW_PRIVATE": "127.0.0.0/8",
        "AGGREGATOR_HOST_GAP": "0s",
        "AGGREGATOR_WORKERS": "1",
        "AGGREGATOR_DATA_DIR": str(folder / "data"),
        "AGGREGATOR_CONFIG": str(folder / "feeds.yaml"),
        **({"AGGREGATOR_DATABASE": database} if database else {}),
        **environ,
    }
    # Names of a test's own are settings only where the feed list refers to them.
    (folder / "feeds.yaml").write_text("# " + " ".join(f"${{{name}}}" for name in environ), encoding="utf-8")
    settings = load(given)
    clock, mail = FakeClock(), MailBox()
    make_ready(settings.database)
    app = build(settings, given, clock=clock, transports={"mail": mail, "outbox": mail})
    async with ScriptedServer() as server, app:
        yield World(app=app, server=server, clock=clock, mail=mail, folder=folder)


def rss(*items: tuple[str, str], extra: str = "") -> bytes:
    """A small RSS document of (guid, title) items."""
    told = "".join(
        f"<item><guid isPermaLink='false'>{guid}</guid><link>https://wire.example/{guid}</link><title>{title}</title></item>"
        for guid, title in items
    )
    return f"<?xml version='1.0'?><rss version='2.0'><channel><title>Wire</title>{extra}{told}</channel></rss>".encode()


def served(body: bytes, *, etag: str | None = None) -> bytes:
    """A feed's answer."""
    headers = [("Content-Type", "application/rss+xml")]
    return reply(body, headers=[*headers, ("ETag", etag)] if etag else headers)


def run(work: Callable[[], Awaitable[None]], *, at_most: float = 3 * PATIENCE) -> None:
    """Run a test's coroutine function to its end, unless it takes far too long."""

    async def bounded() -> None:
        async with asyncio.timeout(at_most):
            await work()

    asyncio.run(bounded())


def listed(feeds: Sequence[tuple[str, str]], *, more: str = "", backlog: str = "0") -> str:
    """A feed list of (id, url) feeds with one topic on fentanyl and one subscriber."""
    lines = "\n".join(f"  - {{id: {feed_id}, url: '{url}'}}" for feed_id, url in feeds)
    return f"""
defaults: {{backlog: {backlog}}}
feeds:
{lines}
topics:
  - {{id: narcotics, keywords: [fentanyl, "precursor chemicals"]}}
subscribers:
  - id: desk
    email: desk@example.org
    timezone: Asia/Kolkata
    subscriptions:
      - {{id: morning, topics: [narcotics], at: "12:30"}}
{more}"""
