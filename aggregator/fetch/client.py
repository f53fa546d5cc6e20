"""A FetchRequest into a FetchResult: one conditional GET over as many hops as it takes, within fixed bounds.

It keeps nothing from one fetch to the next: no cookies, no connections, no cache.
"""

import asyncio
import ssl
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

import httpx

from aggregator.core.model.feeds import (
    Answer,
    FailureKind,
    Fetched,
    FetchFailed,
    FetchRequest,
    FetchResult,
    NotModified,
)
from aggregator.core.model.posts import PostResult
from aggregator.core.urls import host_of
from aggregator.fetch.addresses import Network
from aggregator.fetch.answer import first_raw, read_answer
from aggregator.fetch.failure import WireError, one_line
from aggregator.fetch.freshness import retry_after
from aggregator.fetch.gate import HostGate, HostHeldError
from aggregator.fetch.guard import DEFAULT_PORTS, GuardedBackend, Resolver, SystemResolver
from aggregator.fetch.hops import REDIRECTS, Hop, first_hop, has_secrets, headers_for, is_conditional, next_hop
from aggregator.fetch.inflate import Inflater, coding_of
from aggregator.fetch.posting import Post, PostOffice
from aggregator.fetch.transport import GuardedTransport, trusting_context
from aggregator.fetch.verdict import asked_pause, is_bot_wall, refusal_kind, refusal_words

MIB = 1024 * 1024
HOST_GAP = 1.0  # seconds
LONGEST_HOLD = timedelta(days=7)
SHORT_PAUSE = timedelta(seconds=10)  # what a redirect may ask for and be followed all the same, that much later
PEEK_BYTES = 16 * 1024  # of an error page, for its title and for the marks of bot checks
PEEK_SECONDS = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchLimits:
    """Seconds and bytes one fetch may take. `total` counts the time on the wire over all hops, not the wait at gates."""

    connect: float = 10
    read: float = 15
    total: float = 30
    wire: int = 10 * MIB
    decoded: int = 10 * MIB
    headers: int = 64 * 1024
    hops: int = 5


class Fetcher:
    """The HTTP client, open for as long as the `async with` block lasts; many fetches may run at once.

    `user_agent` names the product and a contact address. `allow_private` are networks that may be reached although they
    are not public, on any port; everywhere else only `ports`. `concurrency` caps the requests on the wire, `gate` spaces
    those to one host (its own, a second apart, when none is given). `resolve` replaces the system's resolver, `tls` the
    context that judges certificates.
    """

    def __init__(
        self,
        *,
        user_agent: str,
        allow_private: Sequence[Network] = (),
        limits: FetchLimits = FetchLimits(),
        concurrency: int = 48,
        resolve: Resolver | None = None,
        gate: HostGate | None = None,
        ports: Iterable[int] = DEFAULT_PORTS,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.gate = gate or HostGate(HOST_GAP)
        self._user_agent = user_agent
        self._limits = limits
        self._slots = asyncio.Semaphore(concurrency)
        backend = GuardedBackend(resolve=resolve or SystemResolver(), allowed=allow_private, ports=ports)
        # No httpx.AsyncClient: its jar, its proxies and its look at each Location are what we must do without.
        self._transport = GuardedTransport(backend, tls=tls or trusting_context())
        timeout = httpx.Timeout(connect=limits.connect, read=limits.read, write=limits.connect, pool=limits.total)
        self._timeout = timeout.as_dict()
        self._post_office = PostOffice(
            transport=self._transport,
            gate=self.gate,
            slots=self._slots,
            timeout=self._timeout,
            total=limits.total,
        )

    def introduce(self, user_agent: str) -> None:
        """Be known as `user_agent` from the next request on."""
        self._user_agent = user_agent

    async def __aenter__(self) -> Self:
        await self._transport.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._transport.__aexit__(kind, error, trace)

    async def fetch(self, request: FetchRequest, *, now: datetime) -> FetchResult:
        """What one conditional GET brings. `now` (aware, UTC) is what dates in headers are compared with.

        Whatever the network or the publisher does comes back as a FetchFailed, never as an exception.
        """
        try:
            return await self._follow(request, first_hop(request.url), now)
        except WireError as error:
            return FetchFailed(kind=error.kind, detail=one_line(error.detail))
        except (httpx.InvalidURL, UnicodeError) as error:
            return FetchFailed(kind=FailureKind.BAD_URL, detail=one_line(f"no request can be made of it: {error}"))

    async def post(self, post: Post, *, now: datetime) -> PostResult:
        """What one POST to exactly this address came to; see `PostOffice.send`."""
        return await self._post_office.send(post, self._user_agent, now=now)

    async def _follow(self, request: FetchRequest, hop: Hop, now: datetime) -> FetchResult:
        """Walk the chain of redirects to its end; every hop waits for its own host's turn."""
        loop = asyncio.get_running_loop()
        left = self._limits.total
        while True:
            host = host_of(hop.url)
            try:
                async with self.gate.turn(host, slot=self._slots):
                    started = loop.time()
                    async with asyncio.timeout(left):
                        outcome = await self._exchange(request, hop, now)
                    left -= loop.time() - started
                    # Inside the turn: whoever waits behind us must find the hold in place.
                    self._heed(host, outcome)
            except HostHeldError as held:
                pause = timedelta(seconds=held.seconds)
                return FetchFailed(
                    kind=FailureKind.RATE, detail=f"{host} asked for a pause and was not asked again", retry_after=pause
                )
            except TimeoutError:
                detail = f"{host} did not complete its answer within {self._limits.total:g} s"
                return FetchFailed(kind=FailureKind.TIMEOUT, detail=detail)
            if not isinstance(outcome, Hop):
                return outcome
            hop = outcome
            await self.gate.rest(hop.pause)

    async def _exchange(self, request: FetchRequest, hop: Hop, now: datetime) -> FetchResult | Hop:
        """One request and its answer: the end of the chain, or where it goes on."""
        headers = headers_for(request, hop, self._user_agent)
        verify = request.verify_tls or host_of(hop.url) != host_of(first_hop(request.url).url)
        sent = httpx.Request(
            "GET", hop.url, headers=headers, extensions={"timeout": self._timeout, "verify_tls": verify}
        )
        response = await self._transport.handle_async_request(sent)
        try:
            self._check_head(response)
            status = response.status_code
            if status in REDIRECTS:
                return self._redirected(request, hop, response, now)
            answer = read_answer(hop.url, status, response.headers, permanent_url=hop.permanent_url, now=now)
            if status == 304 and is_conditional(headers):
                return NotModified(answer=answer)
            if 200 <= status < 300 and not is_bot_wall(status, response.headers):
                return await self._document(response, answer)
            return await self._refusal(response, answer, now)
        finally:
            await response.aclose()

    def _redirected(
        self, request: FetchRequest, hop: Hop, response: httpx.Response, now: datetime
    ) -> Hop | FetchFailed:
        """Where a redirect leads, and after which pause; one too long to wait here ends the fetch (RFC 9110 10.2.3)."""
        status, location = response.status_code, first_raw(response.headers, b"location")
        following = next_hop(hop, status, location, secrets=has_secrets(request), limit=self._limits.hops)
        pause = retry_after(response.headers.get("retry-after"), now) or timedelta()
        if request.paused:
            return following
        if pause <= SHORT_PAUSE:
            return replace(following, pause=pause.total_seconds())
        detail = f"HTTP {status}: the host wants us to wait before we go on to {host_of(following.url)}"
        return FetchFailed(kind=FailureKind.RATE, detail=one_line(detail), status=status, retry_after=pause)

    def _check_head(self, response: httpx.Response) -> None:
        size = sum(len(name) + len(value) + 4 for name, value in response.headers.raw)
        if size > self._limits.headers:
            raise WireError(
                FailureKind.PROTOCOL, f"the answer's headers are larger than {self._limits.headers:,} bytes"
            )

    async def _document(self, response: httpx.Response, answer: Answer) -> FetchResult:
        """The body of a 2xx, whole and decoded, or why it is none. Raises WireError for a broken or oversized one."""
        if answer.status == 206:
            return _failed(answer, FailureKind.PROTOCOL, "HTTP 206: a part of the document, which we did not ask for")
        inflater = await self._body(response) if answer.status not in {204, 205} else None
        body = inflater.finish() if inflater else b""
        if inflater is None or not body or body.isspace():
            return _failed(answer, FailureKind.EMPTY, f"HTTP {answer.status}: the answer is empty")
        return Fetched(answer=replace(answer, mislabelled=inflater.mislabelled), body=body)

    async def _body(self, response: httpx.Response) -> Inflater:
        """The whole body, gone through an inflater that waits to be finished."""
        declared = response.headers.get("content-length", "")
        inflater = Inflater(coding_of(response.headers.get("content-encoding", "")), self._limits.decoded)
        too_large = WireError(FailureKind.TOO_LARGE, f"the answer is larger than {self._limits.wire:,} bytes")
        if declared.isdecimal() and int(declared) > self._limits.wire:
            raise too_large
        received = 0
        async for part in response.aiter_raw():
            received += len(part)
            if received > self._limits.wire:
                raise too_large
            inflater.feed(part)
        return inflater

    async def _refusal(self, response: httpx.Response, answer: Answer, now: datetime) -> FetchFailed:
        status = answer.status
        if status == 304:
            return _failed(answer, FailureKind.PROTOCOL, "HTTP 304 to a request that set no condition")
        head = await _peek(response)
        wall = is_bot_wall(status, response.headers, head)
        pause = retry_after(response.headers.get("retry-after"), now)
        kind = FailureKind.BOT_WALL if wall else refusal_kind(status, retry=pause is not None)
        return _failed(answer, kind, refusal_words(status, head, wall=wall), retry=pause)

    def _heed(self, host: str, outcome: FetchResult | Hop) -> None:
        """Hold a host that asked for a pause, for this process at once; the plan of the check does it for all."""
        pause = asked_pause(outcome) if isinstance(outcome, FetchFailed) else None
        if pause is not None:
            self.gate.hold(host, min(pause, LONGEST_HOLD).total_seconds())


def _failed(answer: Answer, kind: FailureKind, detail: str, *, retry: timedelta | None = None) -> FetchFailed:
    return FetchFailed(
        kind=kind,
        detail=one_line(detail),
        status=answer.status,
        retry_after=retry,
        permanent_url=answer.permanent_url,
    )


async def _peek(response: httpx.Response) -> bytes:
    """The first bytes of an error page, as far as they come soon and unharmed."""
    try:
        inflater = Inflater(coding_of(response.headers.get("content-encoding", "")), PEEK_BYTES)
    except WireError:
        return b""
    received = 0
    with suppress(WireError, TimeoutError):
        async with asyncio.timeout(PEEK_SECONDS):
            async for part in response.aiter_raw():
                inflater.feed(part)
                received += len(part)
                if received >= PEEK_BYTES:
                    break
    return inflater.so_far()[:PEEK_BYTES]
