"""Broken wires: bodies cut short, packed, endless or late, servers that speak something else, and TLS that fails."""

import asyncio
import contextlib
import gzip
import ssl
import struct
import tracemalloc
import zlib
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from socket import SO_LINGER, SOL_SOCKET
from typing import cast

import pytest
import trustme

from aggregator.core.model.feeds import FailureKind, Fetched, FetchFailed, FetchRequest
from aggregator.fetch.client import Fetcher
from aggregator.fetch.gate import HostGate
from aggregator.fetch.transport import trusting_context
from tests.servers import Asked, ScriptedServer, reply

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 1, 20, 12, tzinfo=UTC)
FEED = b"<rss version='2.0'><channel><title>Precursors</title></channel></rss>" * 20
HEAD = b"HTTP/1.1 200 OK\r\n"


async def body_of(fetcher: Fetcher, url: str, *, verify_tls: bool = True) -> bytes:
    result = await fetcher.fetch(FetchRequest(url=url, verify_tls=verify_tls), now=NOW)
    assert isinstance(result, Fetched), result
    return result.body


async def failure_of(fetcher: Fetcher, url: str) -> FailureKind:
    result = await fetcher.fetch(FetchRequest(url=url), now=NOW)
    assert isinstance(result, FetchFailed), result
    assert result.detail
    assert "\n" not in result.detail
    return result.kind


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
    await asyncio.sleep(30)


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
async def test_case_34_a_body_cut_short_is_never_taken_for_whole(
    fetcher: Fetcher, server: ScriptedServer, answer: bytes
) -> None:
    assert await failure_of(fetcher, server.on("/feed", answer)) is FailureKind.TRUNCATED


async def test_case_35_what_follows_the_declared_length_is_not_read(fetcher: Fetcher, server: ScriptedServer) -> None:
    assert await body_of(fetcher, server.on("/feed", reply(b"<rss/>tail", length=6))) == b"<rss/>"


@pytest.mark.parametrize(
    ("coding", "packed"),
    [
        ("gzip", gzip.compress(FEED)),
        ("x-gzip", gzip.compress(FEED)),
        ("GZIP", gzip.compress(FEED)),
        ("identity, gzip", gzip.compress(FEED)),
        ("deflate", zlib.compress(FEED)),
        ("deflate", zlib.compress(FEED)[2:-4]),
        (None, gzip.compress(FEED)),
        ("gzip", FEED),
        ("identity", FEED),
        ("gzip", gzip.compress(FEED[:100]) + gzip.compress(FEED[100:]) + b"\0" * 9),
    ],
    ids=["gzip", "x-gzip", "upper case", "identity", "zlib", "bare deflate", "unannounced", "plain", "none", "members"],
)
async def test_case_36_every_honest_encoding_is_undone(
    fetcher: Fetcher, server: ScriptedServer, coding: str | None, packed: bytes
) -> None:
    headers = [("Content-Encoding", coding)] if coding else []
    assert await body_of(fetcher, server.on("/feed", reply(packed, headers=headers))) == FEED


async def test_case_36_unannounced_gzip_is_undone_only_once(fetcher: Fetcher, server: ScriptedServer) -> None:
    inner = gzip.compress(FEED)
    assert await body_of(fetcher, server.on("/feed", reply(gzip.compress(inner)))) == inner


@pytest.mark.parametrize("coding", ["gzip", "deflate", None])
async def test_case_37_a_compressed_body_that_ends_in_the_middle_is_truncated(
    fetcher: Fetcher, server: ScriptedServer, coding: str | None
) -> None:
    packed = zlib.compress(FEED) if coding == "deflate" else gzip.compress(FEED)
    headers = [("Content-Encoding", coding)] if coding else []
    url = server.on("/feed", reply(packed[: len(packed) // 2], headers=headers))
    assert await failure_of(fetcher, url) is FailureKind.TRUNCATED


async def test_a_damaged_gzip_is_an_encoding_error(fetcher: Fetcher, server: ScriptedServer) -> None:
    packed = bytearray(gzip.compress(FEED))
    packed[12] ^= 0xFF
    url = server.on("/feed", reply(bytes(packed), headers=[("Content-Encoding", "gzip")]))
    assert await failure_of(fetcher, url) in {FailureKind.ENCODING, FailureKind.TRUNCATED}


async def test_case_38_a_gzip_bomb_is_stopped_at_the_cap_and_costs_little_memory(server: ScriptedServer) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    megabyte = bytes(1024 * 1024)
    bomb = b"".join(packer.compress(megabyte) for _ in range(200)) + packer.flush()
    url = server.on("/feed", reply(bomb, headers=[("Content-Encoding", "gzip")]))
    async with Fetcher(user_agent="t", allow_private=[ip_network("127.0.0.0/8")], gate=HostGate(0)) as fetcher:
        tracemalloc.start()
        try:
            assert await failure_of(fetcher, url) is FailureKind.TOO_LARGE
            assert tracemalloc.get_traced_memory()[1] < 30 * 1024 * 1024
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize("coding", ["gzip, gzip", "br", "zstd", "compress", "gzip, br", "deflate, gzip", "x"])
async def test_case_38_39_stacked_and_unknown_encodings_are_refused(
    fetcher: Fetcher, server: ScriptedServer, coding: str
) -> None:
    packed = gzip.compress(gzip.compress(FEED))
    url = server.on("/feed", reply(packed, headers=[("Content-Encoding", coding)]))
    assert await failure_of(fetcher, url) is FailureKind.ENCODING


async def test_case_38_encodings_stacked_over_two_headers_are_refused(fetcher: Fetcher, server: ScriptedServer) -> None:
    headers = [("Content-Encoding", "gzip"), ("Content-Encoding", "gzip")]
    assert await failure_of(fetcher, server.on("/feed", reply(FEED, headers=headers))) is FailureKind.ENCODING


async def test_case_40_a_body_that_declares_too_much_is_not_read(fetcher: Fetcher, server: ScriptedServer) -> None:
    url = server.on("/feed", HEAD + b"Content-Length: 52428800\r\n\r\n")
    assert await failure_of(fetcher, url) is FailureKind.TOO_LARGE


async def test_case_40_an_endless_body_is_stopped_at_the_cap(fetcher: Fetcher, server: ScriptedServer) -> None:
    sent = 0

    async def endless(writer: asyncio.StreamWriter, asked: Asked) -> None:
        nonlocal sent
        writer.write(HEAD + b"\r\n")
        while True:
            writer.write(b"<!-- -->" * 1000)
            sent += 8000
            await writer.drain()

    assert await failure_of(fetcher, server.on("/feed", endless)) is FailureKind.TOO_LARGE
    assert sent < 20_000_000


async def test_case_41_a_server_that_never_answers_costs_the_read_limit(
    fetcher: Fetcher, server: ScriptedServer
) -> None:
    assert await failure_of(fetcher, server.on("/feed", silence)) is FailureKind.TIMEOUT


async def test_case_42_a_dripping_body_meets_the_deadline(fetcher: Fetcher, server: ScriptedServer) -> None:
    async def body(writer: asyncio.StreamWriter, asked: Asked) -> None:
        writer.write(HEAD + b"\r\n")
        await drip(writer, FEED)

    result = await fetcher.fetch(FetchRequest(url=server.on("/feed", body)), now=NOW)
    assert isinstance(result, FetchFailed)
    assert result.kind is FailureKind.TIMEOUT
    assert "0.5 s" in result.detail


async def test_case_42_dripping_headers_meet_the_deadline(fetcher: Fetcher, server: ScriptedServer) -> None:
    async def headers(writer: asyncio.StreamWriter, asked: Asked) -> None:
        await drip(writer, HEAD + b"X: y\r\n" * 100)

    assert await failure_of(fetcher, server.on("/feed", headers)) is FailureKind.TIMEOUT


async def test_case_42_the_deadline_counts_over_all_hops(fetcher: Fetcher, server: ScriptedServer) -> None:
    async def slow(writer: asyncio.StreamWriter, asked: Asked) -> None:
        await asyncio.sleep(0.2)
        step = int(asked.target[1:])
        writer.write(reply(status=302, headers=[("Location", f"/{step + 1}")]))
        await writer.drain()

    for step in range(5):
        server.on(f"/{step}", slow)
    assert await failure_of(fetcher, server.url("/0")) is FailureKind.TIMEOUT


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
async def test_case_43_what_does_not_speak_http_is_a_protocol_error(
    fetcher: Fetcher, server: ScriptedServer, said: bytes, kind: FailureKind
) -> None:
    assert await failure_of(fetcher, server.on("/feed", said)) is kind


async def test_case_44_a_refused_connection_says_so(fetcher: Fetcher) -> None:
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
        await asyncio.sleep(30)

    task = asyncio.create_task(fetcher.fetch(FetchRequest(url=server.on("/feed", hang)), now=NOW))
    await arrived.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await body_of(fetcher, server.on("/feed", reply(FEED))) == FEED


def port_of(listener: asyncio.Server) -> int:
    return cast("int", listener.sockets[0].getsockname()[1])


def server_context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)
    return context


async def test_tls_checks_the_name_although_the_connection_goes_to_an_address(
    fetcher: Fetcher, authority: trustme.CA
) -> None:
    async with ScriptedServer(tls=server_context(authority.issue_cert("feed.example"))) as server:
        server.on("/feed", reply(FEED))
        assert await body_of(fetcher, server.url("/feed", host="feed.example")) == FEED
        result = await fetcher.fetch(FetchRequest(url=server.url("/feed", host="other.example")), now=NOW)
    assert isinstance(result, FetchFailed)
    assert result.kind is FailureKind.TLS
    assert "other.example" in result.detail


async def test_case_45_an_expired_certificate_says_so(fetcher: Fetcher, authority: trustme.CA) -> None:
    expired = authority.issue_cert("feed.example", not_after=datetime(2020, 1, 1, tzinfo=UTC))
    async with ScriptedServer(tls=server_context(expired)) as server:
        result = await fetcher.fetch(FetchRequest(url=server.url("/feed", host="feed.example")), now=NOW)
    assert isinstance(result, FetchFailed)
    assert result.kind is FailureKind.TLS
    assert "expired" in result.detail


async def test_case_45_a_self_signed_certificate_is_taken_only_where_a_person_said_so(fetcher: Fetcher) -> None:
    stranger = server_context(trustme.CA().issue_cert("feed.example"))
    async with ScriptedServer(tls=stranger) as server:
        url = server.on("/feed", reply(FEED)).replace("127.0.0.1", "feed.example")
        assert await failure_of(fetcher, url) is FailureKind.TLS
        assert await body_of(fetcher, url, verify_tls=False) == FEED
        away = server.url("/feed", host="other.example")
        server.on("/feed", reply(status=302, headers=[("Location", away)]))
        result = await fetcher.fetch(FetchRequest(url=url, verify_tls=False), now=NOW)
    assert isinstance(result, FetchFailed)
    assert result.kind is FailureKind.TLS


@pytest.mark.parametrize("said", [b"HTTP/1.1 400 Plain\r\n\r\n", b""], ids=["http", "nothing"])
async def test_case_45_a_server_that_speaks_no_tls_is_a_tls_error(fetcher: Fetcher, said: bytes) -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(5)
        writer.write(said)
        writer.close()
        await writer.wait_closed()

    listener = await asyncio.start_server(plain, "127.0.0.1", 0)
    async with listener:
        assert await failure_of(fetcher, f"https://127.0.0.1:{port_of(listener)}/") is FailureKind.TLS


async def test_case_45_a_handshake_that_never_ends_meets_the_deadline_and_closes(fetcher: Fetcher) -> None:
    closed = asyncio.Event()

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            await reader.read()
        writer.close()
        closed.set()

    listener = await asyncio.start_server(mute, "127.0.0.1", 0)
    async with listener:
        assert await failure_of(fetcher, f"https://127.0.0.1:{port_of(listener)}/") is FailureKind.TIMEOUT
        async with asyncio.timeout(5):
            await closed.wait()


async def test_case_23_a_step_down_to_http_is_followed_but_not_kept(
    fetcher: Fetcher, server: ScriptedServer, authority: trustme.CA
) -> None:
    server.on("/feed", reply(FEED))
    async with ScriptedServer(tls=server_context(authority.issue_cert("feed.example"))) as secure:
        secure.on("/feed", reply(status=301, headers=[("Location", server.url("/feed", host="feed.example"))]))
        url = secure.url("/feed", host="feed.example")
        result = await fetcher.fetch(FetchRequest(url=url, etag=b'"mine"'), now=NOW)
        assert isinstance(result, Fetched)
        assert result.answer.permanent_url is None
        assert server.asked[0].header("if-none-match") is None
        withheld = await fetcher.fetch(FetchRequest(url=url, headers=(("X-Key", "hush"),)), now=NOW)
    assert isinstance(withheld, FetchFailed)
    assert withheld.kind is FailureKind.REDIRECT
    assert len(server.asked) == 1


def test_the_public_authorities_are_trusted_and_names_are_checked() -> None:
    context = trusting_context()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.cert_store_stats()["x509_ca"] > 50


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
async def test_case_11_freshness_reaches_the_answer(
    fetcher: Fetcher, server: ScriptedServer, headers: list[tuple[str, str]], left: timedelta | None
) -> None:
    result = await fetcher.fetch(FetchRequest(url=server.on("/feed", reply(FEED, headers=headers))), now=NOW)
    assert isinstance(result, Fetched)
    assert result.answer.max_age == left
