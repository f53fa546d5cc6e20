"""A publisher and a relay on loopback that fail by plan: what the one offered and the other took is the truth to check by."""

import random
import re
import socketserver
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from enum import StrEnum
from typing import Generic, TypeVar

FEEDS = 4
SYLLABLES = ("ba", "ce", "di", "fo", "gu", "ka", "le", "mi", "no", "pu", "ra", "se", "ti", "vo", "zu")
CODE = re.compile(r"\bqx(\d{5})\b")
UNUSUAL = re.compile(r"\d stories (?:so far )?on (\w+ \d+ \w+) \(UTC\)")
RSS = "<rss version='2.0'><channel><title>Wire {}</title>{}</channel></rss>"
ITEM = "<item><guid isPermaLink='false'>{0}</guid><link>http://wire.example/{0}</link><title>{1}</title></item>"


class FeedFault(StrEnum):
    """What the publisher does in place of an answer."""

    ERROR = "feed: 500"
    HANGS_UP = "feed: hangs up"
    CUT = "feed: body cut off"
    NONSENSE = "feed: nonsense"
    SLOW = "feed: slow"


class RelayFault(StrEnum):
    """What the relay does to one mail, or to one guest."""

    GREETING = "relay: 421 for a greeting"
    SENDER = "relay: 451 for the sender"
    POLICY = "relay: 550 5.7.1 for the sender"
    RECIPIENT = "relay: 450 for the recipient"
    BEFORE_354 = "relay: dies before 354"
    INSIDE = "relay: dies inside the message"
    DOT_LOST = "relay: dies after the dot, mail lost"
    DOT_KEPT = "relay: dies after the dot, mail kept"
    FULL = "relay: 452 after the dot"
    NONSENSE = "relay: nonsense after the dot, mail kept"
    STALL_354 = "relay: stalls before 354"
    STALL_DOT = "relay: stalls after the dot"


DOUBTFUL = {RelayFault.INSIDE, RelayFault.DOT_LOST, RelayFault.DOT_KEPT, RelayFault.NONSENSE}
REFUSALS = {
    RelayFault.SENDER: (b"MAIL", "451 4.3.0 not now"),
    RelayFault.POLICY: (b"MAIL", "550 5.7.1 not from you"),
    RelayFault.RECIPIENT: (b"RCPT", "450 4.2.1 not now"),
}


Kind = TypeVar("Kind", bound=StrEnum)

ENDINGS: dict[RelayFault | None, str] = {RelayFault.FULL: "452 4.3.1 no room", RelayFault.NONSENSE: "?!"}


@dataclass(slots=True)
class Planned(Generic[Kind]):
    """Faults that wait for their moment; each happens once, the first that fits."""

    waiting: list[Kind] = field(default_factory=list)
    happened: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, *kinds: Kind) -> Kind | None:
        """The next fault of `kinds` (of any when none are named); it counts as having happened."""
        with self._lock:
            found = next((kind for kind in self.waiting if not kinds or kind in kinds), None)
            if found is not None:
                self.waiting.remove(found)
                self.happened[found] += 1
            return found


@dataclass(slots=True)
class Publisher:
    """Feeds that only grow. Every item is on the topic, and no two tell the same story."""

    randomly: random.Random
    faults: Planned[FeedFault] = field(default_factory=Planned)
    offered: list[list[str]] = field(default_factory=lambda: [[] for _ in range(FEEDS)])
    count: int = 0

    def publish(self, feed: int) -> None:
        """Add an item to `feed`."""
        self.count += 1
        words = " ".join("".join(self.randomly.choices(SYLLABLES, k=4)) for _ in range(6))
        self.offered[feed].insert(0, f"Fentanyl {words} qx{self.count:05}")

    def answer(self, wire: socketserver.StreamRequestHandler) -> None:
        """One request, one answer."""
        target = wire.rfile.readline().split(b" ")[1]
        headers = b""
        while (line := wire.rfile.readline()).strip():
            headers += line.lower()
        feed = int(target.strip(b"/"))
        titles = list(self.offered[feed])
        items = "".join(ITEM.format(f"{feed}-{len(titles) - n}", title) for n, title in enumerate(titles))
        old = ITEM.format(f"{feed}-0", "Weather of the day")
        self._say(wire, RSS.format(feed, items + old).encode(), b'"%d"' % len(titles), headers)

    def _say(self, wire: socketserver.StreamRequestHandler, body: bytes, tag: bytes, headers: bytes) -> None:
        fault = self.faults.take()
        if fault is FeedFault.HANGS_UP:
            return
        if fault is FeedFault.SLOW:
            time.sleep(1)
        status = b"500 Broken" if fault is FeedFault.ERROR else b"200 OK"
        if fault is None and b"if-none-match: " + tag in headers:
            wire.wfile.write(b"HTTP/1.1 304 Not Modified\r\nETag: %b\r\nConnection: close\r\n\r\n" % tag)
            return
        told = b"\0\xff not a feed" if fault is FeedFault.NONSENSE else body
        more = b"" if fault is FeedFault.NONSENSE else b"ETag: %b\r\n" % tag
        head = b"HTTP/1.1 %b\r\nContent-Type: application/rss+xml\r\nConnection: close\r\n%bContent-Length: %d\r\n\r\n"
        sent = told[: len(told) // 2] if fault is FeedFault.CUT else told
        wire.wfile.write(head % (status, more, len(told)) + sent)


@dataclass(frozen=True, slots=True)
class Copy:
    """One mail that the relay took."""

    who: str
    message_id: str
    message: bytes

    def codes(self) -> set[int]:
        """The items that it tells of."""
        return set(map(int, CODE.findall(self._text())))

    def days(self) -> list[str]:
        """The unusual days that it tells of, as `Tue 27 Jan`."""
        return UNUSUAL.findall(self._text())

    def _text(self) -> str:
        body = message_from_bytes(self.message, policy=policy.default).get_body(("plain",))
        return " ".join(str(body.get_content()).split()) if body else ""


@dataclass(slots=True)
class Relay:
    """Takes mail, many a connection. `at` is called at each named point of a mail, before the relay goes on."""

    faults: Planned[RelayFault] = field(default_factory=Planned)
    taken: list[Copy] = field(default_factory=list)
    doubtful: Counter[str] = field(default_factory=Counter)  # Message-ID -> times its sender could not know
    at: Callable[[str], None] = lambda _: None

    def converse(self, wire: socketserver.StreamRequestHandler) -> None:
        """One guest, until it leaves or is left."""

        def say(line: str) -> None:
            wire.wfile.write(line.encode() + b"\r\n")

        if self.faults.take(RelayFault.GREETING):
            return say("421 4.3.2 not now")
        say("220 relay ready")
        who = ""
        while line := wire.rfile.readline():
            verb = line[:4].upper()
            if verb == b"RCPT":
                who = line.decode().partition("<")[2].partition("@")[0]
            if verb == b"DATA":
                if not self._mail(wire, who, say):
                    return None
                continue
            say("221 bye" if verb == b"QUIT" else self._reply_to(verb))
        return None

    def _reply_to(self, verb: bytes) -> str:
        refusals = [kind for kind, (at, _) in REFUSALS.items() if at == verb]
        fault = self.faults.take(*refusals) if refusals else None
        return REFUSALS[fault][1] if fault else "250 ok"

    def _mail(self, wire: socketserver.StreamRequestHandler, who: str, say: Callable[[str], None]) -> bool:
        """Everything from DATA to the last reply; whether the connection still stands."""
        self.at("before 354")
        fault = self.faults.take(*(set(RelayFault) - {*REFUSALS, RelayFault.GREETING}))
        if fault is RelayFault.BEFORE_354:
            return False
        if fault is RelayFault.STALL_354:
            time.sleep(1.2)
        say("354 go on")
        whole = bytearray()
        while (line := wire.rfile.readline()) != b".\r\n":
            if not line:
                return False
            whole += line
            if line == b"\r\n" and fault is RelayFault.INSIDE:
                self.doubtful[identifier(whole)] += 1
                return False
        self.at("after dot")
        return self._reply(Copy(who, identifier(whole), bytes(whole)), fault, say)

    def _reply(self, mail: Copy, fault: RelayFault | None, say: Callable[[str], None]) -> bool:
        if fault in DOUBTFUL:
            self.doubtful[mail.message_id] += 1
        if fault is RelayFault.STALL_DOT:
            time.sleep(1.2)
        if fault not in {RelayFault.DOT_LOST, RelayFault.FULL}:
            self.taken.append(mail)
        if fault in {RelayFault.DOT_LOST, RelayFault.DOT_KEPT}:
            return False
        say(ENDINGS.get(fault, "250 2.0.0 queued"))
        self.at("replied")
        return fault is not RelayFault.NONSENSE


def identifier(message: bytes | bytearray) -> str:
    """A mail's Message-ID."""
    return str(message_from_bytes(bytes(message))["Message-ID"])


@contextmanager
def serving(talk: Callable[[socketserver.StreamRequestHandler], None]) -> Iterator[int]:
    """A server on loopback that talks to each guest with `talk`; its port."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):  # the program was killed
                talk(self)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        request_queue_size = 64

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
