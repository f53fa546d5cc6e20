"""Broken wires: bodies cut short, endless or late, and servers that speak something else."""

import asyncio
import struct
from datetime import timedelta
from socket import SO_LINGER, SOL_SOCKET

import pytest

from aggregator.core.model.feeds import FailureKind, Fetched, FetchFailed, FetchRequest
from aggregator.fetch.client import Fetcher
from tests.asking import NOW, body_of, kind_of
from tests.patience import PATIENCE
from tests.servers import Asked, ScriptedServer, reply

pytestmark = pytest.mark.anyio

FEED = b"<rss version='2.0'><channel><title>Precursors</title></channel></rss>" * 20

HEAD = b"HTTP/1.1 200 OK\r\n"


async def drip(writer: asyncio.StreamWriter, text: bytes) -> None:
    for byte in text:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.05)


async def reset(writer: asyncio.StreamWriter, asked: Asked) -> None:
    """Half an answer, then RST."""
    writer.write(HEAD + b"Content-Length: 9000\r\n\r\n" + FEED)
    await writer.drain()
    writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def silence(writer: asyncio.StreamWriter, asked: Asked) -> None:
    await asyncio.sleep(PATIENCE * 2)


@pytest.mark.parametrize(
    "answer",
    [
        reply(FEED, length=len(FEED) + 10),
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n<rss>\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n<rss>\r\nzz\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nffffffffffff\r\n<rss>",
        reset,
    ],
    ids=["content-length", "chunks cut", "chunks broken", "chunk too long", "reset"],
)
async def test_case_7_34_a_body_cut_short_is_never_taken_for_whole(
    fetcher: Fetcher, server: ScriptedServer, answer: bytes
) -> None:
    assert await kind_of(fetcher, server.on("/feed", answer)) is FailureKind.TRUNCATED


async def test_case_7_35_what_follows_the_declared_length_is_not_read(fetcher: Fetcher, server: ScriptedServer) -> None:
    assert await body_of(fetcher, server.on("/feed", reply(b"<rss/>tail", length=6))) == b"<rss/>"


async def test_case_7_40_a_body_that_declares_too_much_is_not_read(fetcher: Fetcher, server: ScriptedServer) -> None:
    url = server.on("/feed", HEAD + b"Content-Length: 52428800\r\n\r\n")
    assert await kind_of(fetcher, url) is FailureKind.TOO_LARGE


async def test_case_7_40_an_endless_body_is_stopped_at_the_cap(fetcher: Fetcher, server: ScriptedServer) -> None:
    sent = 0

    async def endless(writer: asyncio.StreamWriter, asked: Asked) -> None:
        nonlocal sent
        writer.write(HEAD + b"\r\n")
        while True:
            writer.write(b"<!-- -->" * 1000)
            sent += 8000
            await writer.drain()

    assert await kind_of(fetcher, server.on("/feed", endless)) is FailureKind.TOO_LARGE
    assert sent < 20_000_000


async def test_case_7_41_a_server_that_never_answers_costs_the_read_limit(
    nervous: Fetcher, server: ScriptedServer
) -> None:
    assert await kind_of(nervous, server.on("/feed", silence)) is FailureKind.TIMEOUT


async def test_case_7_42_a_dripping_body_meets_the_deadline(hasty: Fetcher, server: ScriptedServer) -> None:
    async def body(writer: asyncio.StreamWriter, asked: Asked) -> None:
        writer.write(HEAD + b"\r\n")
        await drip(writer, FEED)

    result = await hasty.fetch(FetchRequest(url=server.on("/feed", body)), now=NOW)
    assert isinstance(result, FetchFailed)
    assert result.kind is FailureKind.TIMEOUT
    assert "0.5 s" in result.detail


async def test_case_7_42_dripping_headers_meet_the_deadline(hasty: Fetcher, server: ScriptedServer) -> None:
    async def headers(writer: asyncio.StreamWriter, asked: Asked) -> None:
        await drip(writer, HEAD + b"X: y\r\n" * 100)

    assert await kind_of(hasty, server.on("/feed", headers)) is FailureKind.TIMEOUT


async def test_case_7_42_the_deadline_counts_over_all_hops(hasty: Fetcher, server: ScriptedServer) -> None:
    async def slow(writer: asyncio.StreamWriter, asked: Asked) -> None:
        await asyncio.sleep(0.2)
        step = int(asked.target[1:])
        writer.write(reply(status=302, headers=[("Location", f"/{step + 1}")]))
        await writer.drain()

    for step in range(5):
        server.on(f"/{step}", slow)
    assert await kind_of(hasty, server.url("/0")) is FailureKind.TIMEOUT


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (b"", FailureKind.PROTOCOL),
        (b"SSH-2.0-OpenSSH_9.9\r\n", FailureKind.PROTOCOL),
        (HEAD + b"no colon here\r\n\r\n<rss/>", FailureKind.PROTOCOL),
        (HEAD + b"X: " + b"y" * 300_000 + b"\r\n\r\n<rss/>", FailureKind.PROTOCOL),
        (HEAD + b"X: " + b"y" * 70_000 + b"\r\n\r\n<rss/>", FailureKind.PROTOCOL),
        (HEAD + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\n<rss/>", FailureKind.PROTOCOL),
        (HEAD + b"Content-Length: -3\r\n\r\n<rss/>", FailureKind.PROTOCOL),
        (HEAD + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n<rss/>", FailureKind.PROTOCOL),
        (b"HTTP/1.1 99999 Odd\r\n\r\n", FailureKind.PROTOCOL),
        (b"\x16\x03\x01\x00\x05hello", FailureKind.PROTOCOL),
        (b"\n" * 5000, FailureKind.PROTOCOL),
    ],
    ids=["closes", "ssh", "bad line", "300 KB", "70 KB", "two lengths", "minus", "long", "status", "tls", "newlines"],
)
async def test_case_7_43_what_does_not_speak_http_is_a_protocol_error(
    fetcher: Fetcher, server: ScriptedServer, said: bytes, kind: FailureKind
) -> None:
    assert await kind_of(fetcher, server.on("/feed", said)) is kind


async def test_case_7_43_the_words_are_for_people(fetcher: Fetcher, server: ScriptedServer) -> None:
    result = await fetcher.fetch(FetchRequest(url=server.on("/feed", b"HTTP/1.1 abc OK\r\n\r\n")), now=NOW)
    assert isinstance(result, FetchFailed)
    assert result.detail == "127.0.0.1 does not speak HTTP as it should: illegal status line: 'HTTP/1.1 abc OK'"


async def test_case_7_44_a_refused_connection_says_so(fetcher: Fetcher) -> None:
    async with ScriptedServer() as closed:
        url = closed.url("/feed")
    result = await fetcher.fetch(FetchRequest(url=url), now=NOW)
    assert isinstance(result, FetchFailed)
    assert result.kind is FailureKind.CONNECT
    assert "Connection refused" in result.detail


async def test_a_cancelled_fetch_passes_the_cancellation_on(fetcher: Fetcher, server: ScriptedServer) -> None:
    arrived = asyncio.Event()

    async def hang(writer: asyncio.StreamWriter, asked: Asked) -> None:
        arrived.set()
        await asyncio.sleep(PATIENCE * 2)

    task = asyncio.create_task(fetcher.fetch(FetchRequest(url=server.on("/feed", hang)), now=NOW))
    await arrived.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await body_of(fetcher, server.on("/feed", reply(FEED))) == FEED


@pytest.mark.parametrize(
    ("headers", "left"),
    [
        ([("Cache-Control", "max-age=43200")], timedelta(hours=12)),
        ([("Cache-Control", "public, MAX-AGE=600"), ("Age", "300")], timedelta(minutes=5)),
        (
            [("Expires", "Tue, 20 Jan 2026 13:00:00 GMT"), ("Date", "Tue, 20 Jan 2026 12:30:00 GMT")],
            timedelta(minutes=30),
        ),
        ([("Cache-Control", "max-age=600"), ("Cache-Control", "no-cache")], None),
    ],
)
async def test_case_7_11_freshness_reaches_the_answer(
    fetcher: Fetcher, server: ScriptedServer, headers: list[tuple[str, str]], left: timedelta | None
) -> None:
    result = await fetcher.fetch(FetchRequest(url=server.on("/feed", reply(FEED, headers=headers))), now=NOW)
    assert isinstance(result, Fetched)
    assert result.answer.max_age == left
