"""A relay on loopback that stalls or dies where a test wants it to, and keeps what it took."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from tests.patience import PATIENCE

VICTIM, OTHER = "desk", "night"  # local parts of the two who are written to


@dataclass
class Relay:
    """At `fault` the victim's session ends, or with `stalls` waits until `go_on` is set.

    Faults: `greeting`, `recipient` (before its answer), `before 354`, `inside` (the message), `after dot`.
    """

    fault: str | None = None
    stalls: bool = False
    takes: bool = True  # whether a message whose last dot was read is kept though no reply was given
    port: int = 0
    accepted: list[tuple[str, bytes]] = field(default_factory=list)
    reached: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)
    answered: threading.Event = field(default_factory=threading.Event)

    def at(self, point: str, who: str) -> bool:
        """Whether the session goes on after `point`."""
        if point != self.fault or who != VICTIM:
            return True
        self.reached.set()
        return self.stalls and self.go_on.wait(PATIENCE) and point != "inside"  # there it stops reading for good

    def converse(self, session: socketserver.StreamRequestHandler) -> None:
        """One guest, and as many mails as it brings."""

        def say(line: str) -> None:
            session.wfile.write(line.encode() + b"\r\n")

        if self.fault == "greeting":
            self.reached.set()
            return say("421 4.3.2 not now")
        say("220 relay ready")
        who = ""
        while line := session.rfile.readline():
            verb = line[:4].upper()
            if verb == b"RCPT":
                who = line.decode().partition("<")[2].partition("@")[0]
                if not self.at("recipient", who):
                    return None
            if verb == b"DATA":
                if not self.at("before 354", who):
                    return None
                say("354 go on")
                if not self._take(session, who):
                    return None
            say({b"QUIT": "221 bye", b"DATA": "250 2.0.0 queued"}.get(verb, "250 ok"))
            if verb == b"DATA" and who == VICTIM:
                self.answered.set()
        return None

    def _take(self, session: socketserver.StreamRequestHandler, who: str) -> bool:
        if not self.at("inside", who):
            return False
        whole = bytearray()
        while (line := session.rfile.readline()) != b".\r\n":
            if not line:
                return False
            whole += line
        if self.fault != "after dot" or who != VICTIM or self.takes:
            self.accepted.append((who, bytes(whole)))
        return self.at("after dot", who)


@contextmanager
def serving(**script: Any) -> Iterator[Relay]:
    """A relay for as long as the block lasts."""
    relay = Relay(**script)

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            with suppress(ConnectionError):  # the program was killed
                relay.converse(self)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        relay.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield relay
        finally:
            relay.go_on.set()
            server.shutdown()
            thread.join()
