"""A thousand publishers on loopback hosts of their own, good, odd and hostile, who judge every request they are asked.

It serves documents that change by a clock, and keeps count of what a polite client must never do.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import TracebackType
from typing import Self

START = datetime(2026, 1, 1, tzinfo=UTC)
ENTRIES = 20
PAUSE = timedelta(hours=5)
WORDS = "The committee heard how shipments were traced and what the laboratories found in them. " * 6

KINDS = (
    *["both validators"] * 8,
    *["ETag only"] * 2,
    *["Last-Modified only"] * 2,
    "weak ETag",
    "ETag without quotes, not in ASCII",
    "new ETag on every 304",
    "moved for good",
    "429 at times",
    "503 at times",
    "ignores conditions",
    "no validators",
)
CONFORMING = frozenset(KINDS) - {"ignores conditions", "no validators"}


@dataclass(slots=True)
class Publisher:
    """One feed on one host, and what it remembers of its reader."""

    number: int
    kind: str
    requests: int = 0
    served: int | None = None  # the version that the reader has
    validated: bool = False  # whether its last 200 gave validators
    closed_until: datetime = START

    @property
    def address(self) -> str:
        """The host, one of 127.0.0.0/8."""
        return f"127.1.{self.number // 250}.{1 + self.number % 250}"

    def version(self, now: datetime) -> int:
        """Which edition is out: a new one every 4 to 120 hours, each with one more entry."""
        return int((now - START) / timedelta(hours=4 + self.number * 37 % 117))

    def validators(self, now: datetime) -> dict[bytes, bytes]:
        """The validators of the current edition, as header lines."""
        version = self.version(now)
        tag = {
            "weak ETag": b'W/"%d"' % version,
            "ETag without quotes, not in ASCII": b"\xe9dition-%d" % version,
            "new ETag on every 304": b'"%d-%d"' % (version, self.requests),
        }.get(self.kind, b'"%d"' % version)
        at = format_datetime(START + timedelta(minutes=version), usegmt=True).encode()
        if self.kind == "no validators":
            return {}
        if self.kind == "Last-Modified only":
            return {b"last-modified": at}
        return {b"etag": tag} if self.kind == "ETag only" else {b"etag": tag, b"last-modified": at}


@dataclass(slots=True)
class Publishers:
    """`count` publishers on one port; `odd` bodies replace a feed's own (None: it accepts and never answers)."""

    count: int
    clock: Callable[[], datetime]
    odd: dict[int, bytes | None] = field(default_factory=dict)
    plain: bool = False  # all conforming, none pauses: for comparing times
    tally: Counter[str] = field(default_factory=Counter)
    port: int = 0
    everyone: list[Publisher] = field(default_factory=list)
    _servers: list[asyncio.Server] = field(default_factory=list)
    _guests: set[asyncio.Task[None]] = field(default_factory=set)

    async def __aenter__(self) -> Self:
        kinds = KINDS[:1] if self.plain else KINDS
        self.everyone = [Publisher(number, kinds[number % len(kinds)]) for number in range(self.count)]
        addresses = [publisher.address for publisher in self.everyone]
        first = await asyncio.start_server(self._accept, addresses[0], 0)
        self.port = first.sockets[0].getsockname()[1]
        rest = await asyncio.start_server(self._accept, addresses[1:], self.port) if addresses[1:] else first
        self._servers = [first, rest]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for server in self._servers:
            server.close()
        for guest in self._guests:
            guest.cancel()
        await asyncio.gather(*self._guests, return_exceptions=True)

    def feed_list(self) -> str:
        """All of them in feeds.yaml's words; feed `fN` is publisher N."""
        lines = "\n".join(
            f"  - {{id: f{one.number}, url: 'http://{one.address}:{self.port}/{one.number}'}}" for one in self.everyone
        )
        return f"feeds:\n{lines}\ntopics:\n  - {{id: labs, keywords: [laboratories]}}\n"

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if guest := asyncio.current_task():
            self._guests.add(guest)
            guest.add_done_callback(self._guests.discard)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            target, *lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
            path = target.split(b" ")[1].decode()
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
            publisher = self.everyone[int(path.strip("/").partition("/")[0])]
            if self.odd.get(publisher.number, b"") is None:
                await asyncio.sleep(600)
            writer.write(self._answer(publisher, path, headers))
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client had enough, or the benchmark is over
        finally:
            writer.close()

    def _answer(self, publisher: Publisher, path: str, headers: dict[bytes, bytes]) -> bytes:
        now = self.clock()
        self.tally["requests"] += 1
        self.tally["before Retry-After"] += now < publisher.closed_until
        if publisher.kind == "moved for good" and not path.endswith("/new"):
            return _head(b"301 Moved Permanently", {b"location": f"/{publisher.number}/new".encode()}, 0)
        publisher.requests += 1
        if publisher.kind in {"429 at times", "503 at times"} and publisher.requests % 3 == 0:
            return self._close(publisher, now)
        sent = {b"etag": headers.get(b"if-none-match"), b"last-modified": headers.get(b"if-modified-since")}
        self.tally["unconditional after validators"] += publisher.validated and not any(sent.values())
        return self._document(publisher, sent, now)

    def _document(self, publisher: Publisher, sent: dict[bytes, bytes | None], now: datetime) -> bytes:
        validators, version = publisher.validators(now), publisher.version(now)
        current = self._is_current(publisher, sent, validators, version)
        if publisher.kind in CONFORMING and publisher.served == version:
            self.tally["unchanged polls"] += 1
            self.tally["unchanged polls answered 304"] += current
        publisher.served, publisher.validated = version, bool(validators)
        if current:
            return _head(b"304 Not Modified", validators, None)
        body = self.odd.get(publisher.number) or _document(publisher.number, version)
        coding = {b"content-encoding": b"gzip"} if body.startswith(b"\x1f\x8b") else {}
        return _head(b"200 OK", {b"content-type": b"application/rss+xml", **validators, **coding}, len(body)) + body

    def _is_current(
        self, publisher: Publisher, sent: dict[bytes, bytes | None], validators: dict[bytes, bytes], version: int
    ) -> bool:
        if publisher.kind == "ignores conditions":
            return False
        if publisher.kind == "new ETag on every 304":
            return (sent[b"etag"] or b"").startswith(b'"%d-' % version)
        # An ETag outranks a date, and both are compared byte for byte.
        strongest = next((name for name in (b"etag", b"last-modified") if name in validators), None)
        return strongest is not None and sent[strongest] == validators[strongest]

    def _close(self, publisher: Publisher, now: datetime) -> bytes:
        publisher.closed_until = now + PAUSE
        self.tally["pauses asked for"] += 1
        if publisher.kind == "429 at times":
            return _head(b"429 Slow Down", {b"retry-after": b"%d" % PAUSE.total_seconds()}, 0)
        until = format_datetime(publisher.closed_until, usegmt=True).encode()
        return _head(b"503 Busy", {b"retry-after": until}, 0)


def _head(status: bytes, headers: dict[bytes, bytes], length: int | None) -> bytes:
    size = {} if length is None else {b"content-length": b"%d" % length}
    lines = [b"%b: %b" % pair for pair in {**headers, **size, b"connection": b"close"}.items()]
    return b"\r\n".join([b"HTTP/1.1 " + status, *lines, b"", b""])


def _document(number: int, version: int) -> bytes:
    items = "".join(
        f"<item><guid isPermaLink='false'>{number}-{n}</guid><title>Report {n} of {number}</title>"
        f"<link>http://news.example/{number}/{n}</link><description>{n} {WORDS}</description></item>"
        for n in range(version + ENTRIES, version, -1)
    )
    return f"<rss version='2.0'><channel><title>Publisher {number}</title>{items}</channel></rss>".encode()
