"""One POST of ours to an address that an operator wrote: through the same guard as every fetch, and to that address only.

A redirect is an answer and is never followed: what was signed for one receiver is not handed to another.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx

from aggregator.core.model.feeds import FailureKind, FetchRequest
from aggregator.core.model.posts import Answered, PostResult, Unanswered
from aggregator.core.urls import host_of
from aggregator.fetch.failure import WireError, one_line
from aggregator.fetch.freshness import retry_after
from aggregator.fetch.gate import HostGate, HostHeldError
from aggregator.fetch.hops import REDIRECTS, Hop, first_hop, headers_for
from aggregator.fetch.transport import GuardedTransport

LONGEST_HOLD = timedelta(hours=1)
PEEK_BYTES = 4 * 1024  # of an answer that refuses, for its words
PEEK_SECONDS = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """What to send where: a URL, which may hold a password, the whole body, its media type and headers of its own."""

    url: str
    body: bytes
    content_type: str
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PostOffice:
    """What a POST shares with the fetches of its process. `timeout` is httpx's, `total` seconds for all of it."""

    transport: GuardedTransport
    gate: HostGate
    slots: asyncio.Semaphore
    timeout: dict[str, float | None]
    total: float

    async def send(self, post: Post, user_agent: str, *, now: datetime) -> PostResult:
        """What came of one POST. Whatever the network or the receiver does is a value, never an exception."""
        try:
            hop = first_hop(post.url)
            host = host_of(hop.url)
            request = self._request(post, hop, user_agent)
            async with self.gate.turn(host, slot=self.slots), asyncio.timeout(self.total):
                return await self._exchange(request, host, now)
        except HostHeldError as held:
            pause = timedelta(seconds=held.seconds)
            return Unanswered(detail=f"{host} asked for a pause and was not asked again", retry_after=pause)
        except TimeoutError:
            return Unanswered(detail=f"{host} did not answer within {self.total:g} s")
        except WireError as error:
            return _no_address() if error.kind is FailureKind.BAD_URL else Unanswered(detail=one_line(error.detail))
        except (httpx.InvalidURL, UnicodeError):
            return _no_address()

    def _request(self, post: Post, hop: Hop, user_agent: str) -> httpx.Request:
        asked = FetchRequest(url=post.url, headers=post.headers, accept="*/*")
        said = [one for one in headers_for(asked, hop, user_agent) if one[0] != b"Accept-Encoding"]
        said += [(b"Accept-Encoding", b"identity"), (b"Content-Type", post.content_type.encode("ascii"))]
        return httpx.Request("POST", hop.url, headers=said, content=post.body, extensions={"timeout": self.timeout})

    async def _exchange(self, request: httpx.Request, host: str, now: datetime) -> Answered:
        response = await self.transport.handle_async_request(request)
        try:
            status = response.status_code
            if 200 <= status < 300:
                return Answered(status=status, words=f"HTTP {status}")
            if status in REDIRECTS:
                return Answered(status=status, words=_redirect_words(response))
            pause = retry_after(response.headers.get("retry-after"), now)
            if pause is not None and status in {429, 503}:
                self.gate.hold(host, min(pause, LONGEST_HOLD).total_seconds())
            return Answered(status=status, words=_words(status, await _peek(response)), retry_after=pause)
        finally:
            await response.aclose()


def _no_address() -> Unanswered:
    """For what is no web address; it is not told, for it may be most of a secret."""
    return Unanswered(detail="no request can be made of this address", hopeless=True)


def _words(status: int, head: bytes) -> str:
    """The status, and how the answer begins where it is text; a page's markup tells nobody anything."""
    said = one_line(head.decode("utf-8", "replace"), limit=120)
    return f'HTTP {status}, it says "{said}"' if said and not said.startswith("<") else f"HTTP {status}"


def _redirect_words(response: httpx.Response) -> str:
    return f"HTTP {response.status_code}: a redirect, which is not followed; write the address that answers itself"


async def _peek(response: httpx.Response) -> bytes:
    """The first bytes of an answer, as far as they come soon and unharmed."""
    got = b""
    with suppress(WireError, TimeoutError):
        async with asyncio.timeout(PEEK_SECONDS):
            async for part in response.aiter_raw():
                got += part[: PEEK_BYTES - len(got)]
                if len(got) >= PEEK_BYTES:
                    break
    return got
