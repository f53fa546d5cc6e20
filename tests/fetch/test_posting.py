"""A POST of ours: to exactly the address that was written, through the guard, and every end of it is a value."""

import asyncio
import ssl

import pytest

from aggregator.core.model.posts import Answered, PostResult, Unanswered
from aggregator.fetch.client import Fetcher, FetchLimits
from aggregator.fetch.gate import HostGate
from aggregator.fetch.posting import Post
from tests.factories import NOW
from tests.patience import PATIENCE
from tests.servers import Asked, ScriptedServer, reply

pytestmark = pytest.mark.anyio

BODY = '{"id":"1","title":"नई दिल्ली"}'.encode()


def the_post(url: str, **headers: str) -> Post:
    return Post(url=url, body=BODY, content_type="application/json", headers=tuple(headers.items()))


async def sent(fetcher: Fetcher, url: str, **headers: str) -> PostResult:
    return await fetcher.post(the_post(url, **headers), now=NOW)


async def test_the_body_arrives_byte_for_byte_with_its_headers(fetcher: Fetcher, server: ScriptedServer) -> None:
    url = server.on("/hook", reply(status=204, length=None)).replace("//", "//us%20er:pass@")
    assert await sent(fetcher, url, **{"webhook-id": "d.1"}) == Answered(status=204, words="HTTP 204")
    (asked,) = server.asked
    assert (asked.method, asked.target, asked.body) == ("POST", "/hook", BODY)
    assert asked.header("Content-Type") == b"application/json"
    assert asked.header("Webhook-Id") == b"d.1"
    assert asked.header("Authorization") == b"Basic dXMgZXI6cGFzcw=="
    assert asked.header("Accept-Encoding") == b"identity"
    assert (asked.header("User-Agent") or b"").startswith(b"aggregator-test/1")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_an_answer_and_nobody_else_is_told_anything(
    fetcher: Fetcher, server: ScriptedServer, status: int
) -> None:
    other = server.on("/other", reply(status=200))
    url = server.on("/hook", reply(status=status, headers=[("Location", other)]))
    result = await sent(fetcher, url)
    assert isinstance(result, Answered)
    assert (result.status, "not followed" in result.words) == (status, True)
    assert server.paths() == ["/hook"]


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (400, b"no such\r\nchannel", 'HTTP 400, it says "no such channel"'),
        (410, b"", "HTTP 410"),
        (500, b"<html><title>Oops</title>", "HTTP 500"),
        (502, "\u202e\x1b[31mred\x00".encode(), 'HTTP 502, it says "[31mred"'),
    ],
)
async def test_a_refusal_is_told_in_one_harmless_line(
    fetcher: Fetcher, server: ScriptedServer, status: int, body: bytes, words: str
) -> None:
    assert await sent(fetcher, server.on("/hook", reply(body, status=status))) == Answered(status=status, words=words)


async def test_a_receiver_that_asks_for_a_pause_is_left_alone(fetcher: Fetcher, server: ScriptedServer) -> None:
    url = server.on("/hook", reply(status=429, headers=[("Retry-After", "120")]), reply())
    first, second = await sent(fetcher, url), await sent(fetcher, url)
    assert isinstance(first, Answered)
    assert isinstance(second, Unanswered)
    assert (first.status, first.retry_after and first.retry_after.total_seconds()) == (429, 120)
    assert second.retry_after is not None
    assert len(server.asked) == 1


async def test_an_answer_without_end_is_not_read(fetcher: Fetcher, server: ScriptedServer) -> None:
    written = 0

    async def flood(writer: asyncio.StreamWriter, _: Asked) -> None:
        nonlocal written
        writer.write(b"HTTP/1.1 500 Scripted\r\n\r\n")
        while True:
            writer.write(b"x" * 65_536)
            await writer.drain()
            written += 65_536

    result = await sent(fetcher, server.on("/hook", flood))
    assert isinstance(result, Answered)
    assert len(result.words) < 300
    assert written < 50_000_000


async def test_a_receiver_that_takes_the_body_and_hangs_up_did_not_answer(
    fetcher: Fetcher, server: ScriptedServer
) -> None:
    async def reset(writer: asyncio.StreamWriter, _: Asked) -> None:
        writer.transport.abort()

    result = await sent(fetcher, server.on("/hook", reset))
    assert isinstance(result, Unanswered)
    assert not result.hopeless
    assert server.asked[0].body == BODY


async def test_a_receiver_that_never_answers_is_given_up_in_time(trust: ssl.SSLContext, server: ScriptedServer) -> None:
    async def hang(_: asyncio.StreamWriter, __: Asked) -> None:
        await asyncio.sleep(PATIENCE)

    limits = FetchLimits(connect=PATIENCE, read=PATIENCE, total=0.2)
    from tests.fetch.conftest import LOOPBACK  # noqa: PLC0415 - a conftest is imported where it is needed

    impatient = Fetcher(user_agent="test", allow_private=LOOPBACK, limits=limits, gate=HostGate(0), tls=trust)
    result = await sent(impatient, server.on("/hook", hang))
    assert result == Unanswered(detail="127.0.0.1 did not answer within 0.2 s")


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}/hook", "http://inside.example:{port}/hook"])
async def test_the_guard_stands_before_it(trust: ssl.SSLContext, server: ScriptedServer, url: str) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    guarded = Fetcher(user_agent="test", resolve=resolve, gate=HostGate(0), tls=trust)
    result = await sent(guarded, url.format(port=server.port))
    assert isinstance(result, Unanswered)
    assert "AGGREGATOR_ALLOW_PRIVATE" in result.detail
    assert server.connections == 0


@pytest.mark.parametrize(
    "url",
    ["ftp://example.org/token", "file:///token", "https://", "http://\u2460.example\\@x/token", "https://a b/token"],
)
async def test_what_is_no_web_address_is_hopeless_and_not_told(fetcher: Fetcher, url: str) -> None:
    result = await sent(fetcher, url)
    assert isinstance(result, Unanswered)
    assert (result.hopeless, "token" in result.detail) == (True, False)
