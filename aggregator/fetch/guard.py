"""Names into connections: resolves once, judges every address, connects to the literal that was judged.

It sits below HTTP and TLS, in httpcore's network backend, so no redirect, rebinding or odd spelling gets around it.
"""

import asyncio
import os
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

import httpcore

from aggregator.core.model.feeds import FailureKind
from aggregator.fetch.addresses import Address, Network, is_allowed, parse_address, refusal
from aggregator.fetch.failure import WireError

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]

DEFAULT_PORTS = frozenset({80, 443, 8080, 8443})
MAX_ADDRESSES = 6  # tried for one connection; more of them is a name server playing games


class SystemResolver:
    """The operating system's resolver: at most `threads` lookups at once, each given `limit` seconds.

    Raises WireError of kind DNS. Its threads are daemons, because a lookup that hangs cannot be stopped and must not
    hold the process at its end, as those of an executor would.
    """

    def __init__(self, *, threads: int = 64, limit: float = 10.0) -> None:
        self._slots = asyncio.Semaphore(threads)
        self._limit = limit

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """The addresses of `host`, in the system's order of preference."""
        try:
            async with asyncio.timeout(self._limit):
                await self._slots.acquire()
                loop = asyncio.get_running_loop()
                answer: asyncio.Future[list[str]] = loop.create_future()
                work = (loop, answer, host, port)
                self._start(threading.Thread(target=self._look_up, args=work, name="dns", daemon=True))
                return await answer
        except TimeoutError:
            raise WireError(FailureKind.DNS, f"no address for {host} within {self._limit:g} s") from None
        except (OSError, UnicodeError) as error:
            raise WireError(FailureKind.DNS, f"no address for {host}: {_reason(error)}") from error

    def _start(self, thread: threading.Thread) -> None:
        try:
            thread.start()
        except RuntimeError as error:
            self._slots.release()
            raise WireError(FailureKind.DNS, f"no lookup could be started: {error}") from error

    def _look_up(
        self, loop: asyncio.AbstractEventLoop, answer: asyncio.Future[list[str]], host: str, port: int
    ) -> None:
        found: list[str] | Exception
        try:
            infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found = list(dict.fromkeys(str(info[4][0]) for info in infos))
        except (OSError, UnicodeError) as error:
            found = error
        try:
            loop.call_soon_threadsafe(self._settle, answer, found)
        except RuntimeError:
            return  # the loop ended before the answer came: nobody waits for it

    def _settle(self, answer: asyncio.Future[list[str]], found: list[str] | Exception) -> None:
        self._slots.release()
        if answer.done():
            return
        if isinstance(found, Exception):
            answer.set_exception(found)
        else:
            answer.set_result(found)


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Opens TCP connections for httpcore, to acceptable addresses only. TLS above still sees the host's name."""

    def __init__(
        self, *, resolve: Resolver, allowed: Sequence[Network] = (), ports: Iterable[int] = DEFAULT_PORTS
    ) -> None:
        self._resolve = resolve
        self._allowed = tuple(allowed)
        self._ports = frozenset(ports)
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is httpcore's
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """A connection to `host`, whose addresses share `timeout` seconds.

        Raises WireError: DNS, BLOCKED_ADDRESS, CONNECT or TIMEOUT.
        """
        addresses = await self._judged(host, port)
        loop = asyncio.get_running_loop()
        ends = loop.time() + (timeout or 0)
        failure = WireError(FailureKind.DNS, f"no address for {host}")
        for left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
            # An address that swallows packets costs its share of the time, not the turn of the others.
            share = max(ends - loop.time(), 0) / left if timeout is not None else None
            try:
                stream = await self._inner.connect_tcp(
                    str(address), port, timeout=share, local_address=local_address, socket_options=socket_options
                )
            except httpcore.ConnectTimeout:
                failure = WireError(FailureKind.TIMEOUT, f"{host} ({address}) port {port}: no connection in time")
            except httpcore.ConnectError as error:
                failure = WireError(FailureKind.CONNECT, f"{host} ({address}) port {port}: {_reason(error)}")
            else:
                return _TcpStream(stream)
        raise failure

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is httpcore's
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Feeds do not live behind unix sockets: always raises WireError of kind BLOCKED_ADDRESS."""
        _ = timeout, socket_options
        raise WireError(FailureKind.BLOCKED_ADDRESS, f"{path} is a unix socket")

    async def sleep(self, seconds: float) -> None:
        """Part of httpcore's contract, for retries, which are off."""
        await asyncio.sleep(seconds)

    async def _judged(self, host: str, port: int) -> list[Address]:
        """The addresses of `host`, all of them acceptable: one that is not spoils the name (it may be rebinding)."""
        literal = parse_address(host)
        texts = [host] if literal is not None else await self._resolve(host, port)
        addresses = [parse_address(text) for text in texts]
        judged = [address for address in addresses if address is not None]
        if not judged or len(judged) < len(addresses):
            raise WireError(FailureKind.DNS, f"no usable address for {host}")
        for address in judged:
            reason = refusal(address, self._allowed)
            if reason:
                raise WireError(FailureKind.BLOCKED_ADDRESS, reason if literal else f"{host} is not public: {reason}")
        if port not in self._ports and not all(is_allowed(address, self._allowed) for address in judged):
            ports = ", ".join(map(str, sorted(self._ports)))
            raise WireError(
                FailureKind.BLOCKED_ADDRESS,
                f"port {port} of {host} is none of {ports}; networks named in AGGREGATOR_ALLOW_PRIVATE have all ports",
            )
        return judged[:MAX_ADDRESSES]


class _TcpStream(httpcore.AsyncNetworkStream):
    """A connection that also closes when a handshake is cancelled, where httpcore would leave the socket open."""

    def __init__(self, inner: httpcore.AsyncNetworkStream) -> None:
        self._inner = inner

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's signature
        return await self._inner.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore's signature
        await self._inner.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
    ) -> httpcore.AsyncNetworkStream:
        try:
            return await self._inner.start_tls(ssl_context, server_hostname, timeout)
        except BaseException:
            await self._inner.aclose()
            raise

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _reason(error: BaseException) -> str:
    """The system's own words, found at the bottom of a chain of wrapped errors."""
    while error.__cause__ is not None:
        error = error.__cause__
    if isinstance(error, socket.gaierror):
        return str(error.strerror)
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    return str(error) or type(error).__name__
