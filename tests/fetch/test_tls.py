"""Certificates and handshakes, and the step down to plain http."""

import asyncio
import contextlib
import ssl
import warnings
from datetime import UTC, datetime
from typing import cast

import pytest
import trustme

from aggregator.core.model.feeds import FailureKind, Fetched, FetchFailed, FetchRequest
from aggregator.fetch.client import Fetcher
from aggregator.fetch.transport import trusting_context
from tests.asking import NOW, body_of, kind_of
from tests.patience import PATIENCE
from tests.servers import ScriptedServer, reply

pytestmark = pytest.mark.anyio

FEED = b"<rss version='2.0'><channel><title>Precursors</title></channel></rss>" * 20


def port_of(listener: asyncio.Server) -> int:
    return cast("int", listener.sockets[0].getsockname()[1])


def server_context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)
    return context


async def test_case_7_45_tls_checks_the_name_although_the_connection_goes_to_an_address(
    fetcher: Fetcher, authority: trustme.CA
) -> None:
    async with ScriptedServer(tls=server_context(authority.issue_cert("feed.example"))) as server:
        server.on("/feed", reply(FEED))
        assert await body_of(fetcher, server.url("/feed", host="feed.example")) == FEED
        result = await fetcher.fetch(FetchRequest(url=server.url("/feed", host="other.example")), now=NOW)
    assert isinstance(result, FetchFailed)
    assert result.kind is FailureKind.TLS
    assert "other.example" in result.detail


async def test_case_7_45_an_expired_certificate_says_so(fetcher: Fetcher, authority: trustme.CA) -> None:
    expired = authority.issue_cert("feed.example", not_after=datetime(2020, 1, 1, tzinfo=UTC))
    async with ScriptedServer(tls=server_context(expired)) as server:
        result = await fetcher.fetch(FetchRequest(url=server.url("/feed", host="feed.example")), now=NOW)
    assert isinstance(result, FetchFailed)
    assert result.kind is FailureKind.TLS
    assert "expired" in result.detail


async def test_case_7_45_a_server_that_only_speaks_an_old_protocol_is_a_tls_error(
    fetcher: Fetcher, authority: trustme.CA
) -> None:
    context = server_context(authority.issue_cert("feed.example"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that it is old is the point
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    async with ScriptedServer(tls=context) as server:
        result = await fetcher.fetch(FetchRequest(url=server.url("/feed", host="feed.example")), now=NOW)
    assert isinstance(result, FetchFailed)
    assert result.kind is FailureKind.TLS


async def test_case_7_45_a_self_signed_certificate_is_taken_only_where_a_person_said_so(fetcher: Fetcher) -> None:
    stranger = server_context(trustme.CA().issue_cert("feed.example"))
    async with ScriptedServer(tls=stranger) as server:
        url = server.on("/feed", reply(FEED)).replace("127.0.0.1", "feed.example")
        assert await kind_of(fetcher, url) is FailureKind.TLS
        assert await body_of(fetcher, url, verify_tls=False) == FEED
        away = server.url("/feed", host="other.example")
        server.on("/feed", reply(status=302, headers=[("Location", away)]))
        result = await fetcher.fetch(FetchRequest(url=url, verify_tls=False), now=NOW)
    assert isinstance(result, FetchFailed)
    assert result.kind is FailureKind.TLS


@pytest.mark.parametrize("said", [b"HTTP/1.1 400 Plain\r\n\r\n", b""], ids=["http", "nothing"])
async def test_case_7_45_a_server_that_speaks_no_tls_is_a_tls_error(fetcher: Fetcher, said: bytes) -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(5)
        writer.write(said)
        writer.close()
        await writer.wait_closed()

    listener = await asyncio.start_server(plain, "127.0.0.1", 0)
    async with listener:
        assert await kind_of(fetcher, f"https://127.0.0.1:{port_of(listener)}/") is FailureKind.TLS


async def test_case_7_45_a_handshake_that_never_ends_meets_the_deadline_and_closes(hasty: Fetcher) -> None:
    closed = asyncio.Event()

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            await reader.read()
        writer.close()
        closed.set()

    listener = await asyncio.start_server(mute, "127.0.0.1", 0)
    async with listener:
        assert await kind_of(hasty, f"https://127.0.0.1:{port_of(listener)}/") is FailureKind.TIMEOUT
        async with asyncio.timeout(PATIENCE):
            await closed.wait()


async def test_case_7_23_a_step_down_to_http_is_followed_but_not_kept(
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
