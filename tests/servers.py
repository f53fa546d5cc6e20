"""A loopback HTTP server that says byte for byte what a test tells it to, and remembers what it was asked."""

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it was on the wire."""

    method: str
    target: str
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes = b""

    def header(self, name: str) -> bytes | None:
        """The first value of a header, whatever its case."""
        return next((value for key, value in self.headers if key.lower() == name.lower().encode()), None)


Actor = Callable[[asyncio.StreamWriter, Asked], Awaitable[None]]
Reply = bytes | Actor


def reply(
    body: bytes = b"",
    *,
    status: int = 200,
    headers: Iterable[tuple[str, str | bytes]] = (),
    length: int | None = -1,
) -> bytes:
    """A whole answer. `length` is the Content-Length: the body's own by default, None for none."""
    lines = [f"HTTP/1.1 {status} Scripted".encode()]
    for name, value in headers:
        lines.append(name.encode() + b": " + (value if isinstance(value, bytes) else value.encode("latin-1")))
    if length is not None:
        lines.append(b"Content-Length: " + str(len(body) if length < 0 else length).encode())
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


class ScriptedServer:
    """Answers each path from its own script, the last reply again and again; 404 for a path without one.

    A reply is the raw bytes to send, or a coroutine function that is given the writer and the request. The connection
    is closed after each. Use it as `async with ScriptedServer() as server`.
    """

    def __init__(self, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        self.asked: list[Asked] = []
        self.connections = 0
        self._tls = tls
        self._host = host
        self._scripts: dict[str, list[Reply]] = {}
        self._guests: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        assert self._server is not None
        number: int = self._server.sockets[0].getsockname()[1]
        return number

    def url(self, path: str = "/", *, host: str | None = None) -> str:
        """An address of this server; `host` is a name that a test's resolver leads here."""
        return f"{'https' if self._tls else 'http'}://{host or self._host}:{self.port}{path}"

    def on(self, path: str, *replies: Reply) -> str:
        """Set the script of `path`, and give back its URL."""
        self._scripts[path] = list(replies)
        return self.url(path)

    def paths(self) -> list[str]:
        """What was asked for, in order."""
        return [asked.target for asked in self.asked]

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, self._host, 0, ssl=self._tls)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for guest in self._guests:
            guest.cancel()
        await asyncio.gather(*self._guests, return_exceptions=True)
        await self._server.wait_closed()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._guests.add(task)
        self.connections += 1
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await self._serve(reader, writer)
        finally:
            self._guests.discard(task)
            writer.close()
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = _parse(await reader.readuntil(b"\r\n\r\n"))
        if length := asked.header("Content-Length"):
            asked = replace(asked, body=await reader.readexactly(int(length)))
        self.asked.append(asked)
        script: Sequence[Reply] = self._scripts.get(asked.target.partition("?")[0], [])
        said = script[0] if script else reply(status=404)
        if len(script) > 1:
            self._scripts[asked.target.partition("?")[0]].pop(0)
        if isinstance(said, bytes):
            writer.write(said)
            await writer.drain()
        else:
            await said(writer, asked)


def _parse(head: bytes) -> Asked:
    first, *rest = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    method, target, _ = first.decode("latin-1").split(" ", 2)
    pairs = (line.split(b":", 1) for line in rest)
    headers = tuple((name, value.strip()) for name, value in pairs)
    return Asked(method=method, target=target, headers=headers)
