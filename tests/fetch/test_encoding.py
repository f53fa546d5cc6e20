"""Packed bodies on a real wire: honest, damaged, cut short and malicious."""

import gzip
import tracemalloc
import zlib
from ipaddress import ip_network

import pytest

from aggregator.core.model.feeds import FailureKind
from aggregator.fetch.client import Fetcher
from aggregator.fetch.gate import HostGate
from tests.asking import ask, body_of, fetched, kind_of
from tests.servers import ScriptedServer, reply

pytestmark = pytest.mark.anyio

FEED = b"<rss version='2.0'><channel><title>Precursors</title></channel></rss>" * 20


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
async def test_case_7_36_every_honest_encoding_is_undone(
    fetcher: Fetcher, server: ScriptedServer, coding: str | None, packed: bytes
) -> None:
    headers = [("Content-Encoding", coding)] if coding else []
    assert await body_of(fetcher, server.on("/feed", reply(packed, headers=headers))) == FEED


@pytest.mark.parametrize(("coding", "said_wrongly"), [("gzip", True), ("identity", False), (None, False)])
async def test_case_7_36_a_plain_body_that_is_said_to_be_packed_is_noticed(
    fetcher: Fetcher, server: ScriptedServer, coding: str | None, *, said_wrongly: bool
) -> None:
    headers = [("Content-Encoding", coding)] if coding else []
    assert (
        fetched(await ask(fetcher, server.on("/feed", reply(FEED, headers=headers)))).answer.mislabelled == said_wrongly
    )


async def test_case_7_36_a_request_may_ask_for_a_plain_body(fetcher: Fetcher, server: ScriptedServer) -> None:
    url = server.on("/feed", reply(FEED))
    assert fetched(await ask(fetcher, url, plain=True)).body == FEED
    assert server.asked[0].header("accept-encoding") == b"identity"


async def test_case_7_36_unannounced_gzip_is_undone_only_once(fetcher: Fetcher, server: ScriptedServer) -> None:
    inner = gzip.compress(FEED)
    assert await body_of(fetcher, server.on("/feed", reply(gzip.compress(inner)))) == inner


@pytest.mark.parametrize("coding", ["gzip", "deflate", None])
async def test_case_7_37_a_compressed_body_that_ends_in_the_middle_is_truncated(
    fetcher: Fetcher, server: ScriptedServer, coding: str | None
) -> None:
    packed = zlib.compress(FEED) if coding == "deflate" else gzip.compress(FEED)
    headers = [("Content-Encoding", coding)] if coding else []
    url = server.on("/feed", reply(packed[: len(packed) // 2], headers=headers))
    assert await kind_of(fetcher, url) is FailureKind.TRUNCATED


async def test_a_damaged_gzip_is_an_encoding_error(fetcher: Fetcher, server: ScriptedServer) -> None:
    packed = bytearray(gzip.compress(FEED))
    packed[12] ^= 0xFF
    url = server.on("/feed", reply(bytes(packed), headers=[("Content-Encoding", "gzip")]))
    assert await kind_of(fetcher, url) in {FailureKind.ENCODING, FailureKind.TRUNCATED}


async def test_case_7_38_a_gzip_bomb_is_stopped_at_the_cap_and_costs_little_memory(server: ScriptedServer) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    megabyte = bytes(1024 * 1024)
    bomb = b"".join(packer.compress(megabyte) for _ in range(200)) + packer.flush()
    url = server.on("/feed", reply(bomb, headers=[("Content-Encoding", "gzip")]))
    async with Fetcher(user_agent="t", allow_private=[ip_network("127.0.0.0/8")], gate=HostGate(0)) as fetcher:
        tracemalloc.start()
        try:
            assert await kind_of(fetcher, url) is FailureKind.TOO_LARGE
            assert tracemalloc.get_traced_memory()[1] < 30 * 1024 * 1024
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize("coding", ["gzip, gzip", "br", "zstd", "compress", "gzip, br", "deflate, gzip", "x"])
async def test_case_7_38_case_7_39_stacked_and_unknown_encodings_are_refused(
    fetcher: Fetcher, server: ScriptedServer, coding: str
) -> None:
    packed = gzip.compress(gzip.compress(FEED))
    url = server.on("/feed", reply(packed, headers=[("Content-Encoding", coding)]))
    assert await kind_of(fetcher, url) is FailureKind.ENCODING


async def test_case_7_38_encodings_stacked_over_two_headers_are_refused(
    fetcher: Fetcher, server: ScriptedServer
) -> None:
    headers = [("Content-Encoding", "gzip"), ("Content-Encoding", "gzip")]
    assert await kind_of(fetcher, server.on("/feed", reply(FEED, headers=headers))) is FailureKind.ENCODING
