"""A farm of many distinct feeds on many loopback hosts, served from a thread of the test, and what must be stored of it."""

import asyncio
import threading
from collections import Counter
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from tests.patience import PATIENCE

ENTRIES = 3
HEAD = b"HTTP/1.1 %b\r\nContent-Type: application/rss+xml\r\nConnection: close\r\n%bContent-Length: %d\r\n\r\n%b"


@dataclass(slots=True)
class Farm:
    """`feeds` feeds on `hosts` addresses of 127.0.0.0/8, one port. Every tenth ignores conditional requests."""

    feeds: int = 1000
    hosts: int = 250
    asked: Counter[int] = field(default_factory=Counter)
    port: int = 0
    silent_from: int = 1_000_000  # feeds of this number and above are not answered
    edition: int = 0  # each further edition brings one more entry to every tenth feed
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _thread: threading.Thread | None = None
    _servers: list[asyncio.Server] = field(default_factory=list)
    _guests: set[asyncio.Task[None]] = field(default_factory=set)

    def address(self, number: int) -> str:
        host = number % self.hosts
        return f"127.0.{1 + host // 200}.{1 + host % 200}"

    def url(self, number: int) -> str:
        return f"http://{self.address(number)}:{self.port}/{number}"

    def body(self, number: int) -> bytes:
        items = "".join(
            f"<item><guid isPermaLink='false'>{number}-{n}</guid><title>{'Fentanyl' if n == 0 else 'Item'} {number}.{n}"
            f"</title><link>http://news.example/{number}/{n}</link></item>"
            for n in range(self._entries(number))
        )
        return f"<rss version='2.0'><channel><title>Feed {number}</title>{items}</channel></rss>".encode()

    def expected(self) -> set[tuple[str, str, str]]:
        """(feed id, key, title) of every entry."""
        return {
            (f"f{number}", f"id:{number}-{n}", f"{'Fentanyl' if n == 0 else 'Item'} {number}.{n}")
            for number in range(self.feeds)
            for n in range(self._entries(number))
        }

    def _entries(self, number: int) -> int:
        return ENTRIES + (self.edition if number % 10 == 1 else 0)

    def feed_list(self) -> str:
        lines = "\n".join(f"  - {{id: f{number}, url: '{self.url(number)}'}}" for number in range(self.feeds))
        return (
            f"defaults: {{backlog: 0}}\nfeeds:\n{lines}\n"
            "topics:\n  - {id: narcotics, keywords: [fentanyl]}\n"
            "subscribers:\n  - id: desk\n    subscriptions:\n"
            "      - {id: morning, topics: [narcotics], at: '07:30'}\n"
        )

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(PATIENCE)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(PATIENCE)
        self._loop.call_soon_threadsafe(self._loop.stop)
        if self._thread is not None:
            self._thread.join(PATIENCE)
        self._loop.close()

    async def _listen(self) -> None:
        first = await asyncio.start_server(self._answer, self.address(0), 0)
        self.port = first.sockets[0].getsockname()[1]
        others = sorted({self.address(number) for number in range(self.feeds)} - {self.address(0)})
        self._servers = [first]
        if others:
            self._servers.append(await asyncio.start_server(self._answer, others, self.port, backlog=64))

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        for guest in list(self._guests):
            guest.cancel()
        await asyncio.gather(*self._guests, return_exceptions=True)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if guest := asyncio.current_task():
            self._guests.add(guest)
            guest.add_done_callback(self._guests.discard)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            number = int(head.split(b" ", 2)[1].lstrip(b"/"))
            self.asked[number] += 1
            while number >= self.silent_from:  # noqa: ASYNC110 - another thread lets it go on
                await asyncio.sleep(0.02)
            tag = b'"%d-%d"' % (number, self._entries(number))
            body = self.body(number)
            if number % 10 == 0:
                writer.write(HEAD % (b"200 OK", b"", len(body), body))
            elif b"if-none-match: " + tag in head.lower():
                writer.write(b"HTTP/1.1 304 Not Modified\r\nETag: %b\r\nConnection: close\r\n\r\n" % tag)
            else:
                writer.write(HEAD % (b"200 OK", b"ETag: %b\r\n" % tag, len(body), body))
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the poller was killed
        finally:
            writer.close()
