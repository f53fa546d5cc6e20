"""A mail relay on loopback that follows a script, phase by phase, and remembers what it was told."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import pytest
import trustme

DROP = "drop"  # close the connection instead of answering
STALL = "stall"  # never answer
GREETING, FINAL = "greeting", "final"  # the two answers that no command asks for

HEALTHY = {
    GREETING: "220 relay ready",
    "EHLO": "250-relay\r\n250-STARTTLS\r\n250-AUTH PLAIN LOGIN\r\n250 SMTPUTF8",
    "STARTTLS": "220 go ahead",
    "AUTH": "235 welcome",
    "MAIL": "250 sender ok",
    "RCPT": "250 recipient ok",
    "DATA": "354 go on",
    FINAL: "250 2.0.0 queued as 4711",
    "RSET": "250 forgotten",
    "QUIT": "221 bye",
}


@dataclass
class Relay:
    """A running relay: its port, every command it read, and every message it took or lost on the way."""

    script: dict[str, str]
    tls: ssl.SSLContext | None = None
    port: int = 0
    commands: list[str] = field(default_factory=list)
    messages: list[bytes] = field(default_factory=list)
    before_answer: Callable[[str], Awaitable[None]] | None = None
    connections: int = 0  # in all
    open: int = 0
    most: int = 0  # at one moment

    @property
    def verbs(self) -> list[str]:
        return [command.partition(" ")[0].upper() for command in self.commands]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        self.most = max(self.most, self.open)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
                await self._converse(reader, writer)
        finally:
            self.open -= 1
            writer.close()
            with contextlib.suppress(ConnectionError, ssl.SSLError, TimeoutError):
                await writer.wait_closed()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._answer(GREETING, reader, writer)
        while line := (await reader.readuntil(b"\r\n")).decode():
            self.commands.append(line.strip())
            verb = self.verbs[-1]
            answer = await self._answer(verb, reader, writer)
            if verb == "STARTTLS" and answer.startswith("220"):
                await writer.start_tls(self.tls or ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
            if verb == "DATA" and answer.startswith("354"):
                self.messages.append(await reader.readuntil(b"\r\n.\r\n"))
                await self._answer(FINAL, reader, writer)

    async def _answer(self, moment: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
        if self.before_answer:
            await self.before_answer(moment)
        answer = self.script.get(moment, "502 unknown")
        if answer == STALL:
            await reader.read()
        if answer in {DROP, STALL}:
            raise ConnectionAbortedError
        writer.write(answer.encode("utf-8", "surrogateescape") + b"\r\n")
        await writer.drain()
        return answer


@dataclass(frozen=True)
class Certificates:
    """A certificate for loopback, a client that trusts it, and one that was issued for another name."""

    server: ssl.SSLContext
    other: ssl.SSLContext
    client: ssl.SSLContext


@pytest.fixture(scope="session")
def certificates() -> Certificates:
    authority = trustme.CA()
    contexts = []
    for name in ("127.0.0.1", "mail.example.org"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(context)
        contexts.append(context)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    return Certificates(server=contexts[0], other=contexts[1], client=client)


RunRelay = Callable[..., contextlib.AbstractAsyncContextManager[Relay]]


@pytest.fixture
def run_relay(certificates: Certificates) -> RunRelay:
    """Start a relay that answers `HEALTHY` but for the changed moments.

    `implicit` speaks TLS from the start, `other_name` shows a certificate for somebody else.
    """

    @contextlib.asynccontextmanager
    async def start(*, implicit: bool = False, other_name: bool = False, **changed: str) -> AsyncIterator[Relay]:
        tls = certificates.other if other_name else certificates.server
        relay = Relay(script=HEALTHY | changed, tls=tls)
        tasks: set[asyncio.Task[None]] = set()

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task
            tasks.add(task)
            await relay.serve(reader, writer)

        server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls if implicit else None, limit=2**22)
        relay.port = server.sockets[0].getsockname()[1]
        try:
            yield relay
        finally:
            server.close()
            ended, late = await asyncio.wait(tasks, timeout=10) if tasks else (set[asyncio.Task[None]](), set())
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
            for task in ended:
                task.result()

    return start
