"""Redirects by hand: where they may lead, what they may carry, when to follow, and when a feed has moved for good."""

import base64
from datetime import timedelta
from ipaddress import ip_network

import pytest

from aggregator.core.model.feeds import FailureKind, NotModified
from aggregator.fetch.client import Fetcher
from aggregator.fetch.gate import HostGate
from tests.asking import ask, failed, fetched
from tests.servers import ScriptedServer, reply

pytestmark = pytest.mark.anyio


LOOPBACK = (ip_network("127.0.0.0/8"),)

FEED = b"<rss version='2.0'><channel/></rss>"


@pytest.mark.parametrize(
    ("codes", "permanent"),
    [
        ((301,), True),
        ((308,), True),
        ((301, 308), True),
        ((301, 302), False),
        ((302, 301), False),
        ((302,), False),
        ((303,), False),
        ((307,), False),
    ],
)
async def test_case_7_16_case_7_17_only_a_chain_that_is_permanent_throughout_moves_a_feed(
    fetcher: Fetcher, server: ScriptedServer, codes: tuple[int, ...], permanent: bool
) -> None:
    for step, code in enumerate(codes):
        server.on(f"/{step}", reply(status=code, headers=[("Location", f"/{step + 1}")]))
    end = server.on(f"/{len(codes)}", reply(FEED))
    answer = fetched(await ask(fetcher, server.url("/0"))).answer
    assert answer.url == end
    assert answer.permanent_url == (end if permanent else None)


async def test_a_feed_that_moved_and_is_gone_there_says_where_it_moved(
    fetcher: Fetcher, server: ScriptedServer
) -> None:
    server.on("/old", reply(status=301, headers=[("Location", "/new")]))
    result = failed(await ask(fetcher, server.url("/old")))
    assert (result.kind, result.status, result.permanent_url) == (FailureKind.CLIENT, 404, server.url("/new"))


async def test_case_7_20_a_circle_of_redirects_ends_at_once(fetcher: Fetcher, server: ScriptedServer) -> None:
    server.on("/a", reply(status=302, headers=[("Location", "/b#part")]))
    server.on("/b", reply(status=302, headers=[("Location", "/a")]))
    assert failed(await ask(fetcher, server.url("/a"))).kind is FailureKind.REDIRECT
    assert server.paths() == ["/a", "/b"]


async def test_case_7_20_five_hops_are_followed_and_a_sixth_is_not(fetcher: Fetcher, server: ScriptedServer) -> None:
    for step in range(6):
        server.on(f"/{step}", reply(status=302, headers=[("Location", f"/{step + 1}")]))
    server.on("/6", reply(FEED))
    fetched(await ask(fetcher, server.url("/1")))
    assert failed(await ask(fetcher, server.url("/0"))).kind is FailureKind.REDIRECT
    assert server.paths().count("/6") == 1


@pytest.mark.parametrize(
    "location",
    [
        None,
        "",
        "ftp://example.org/feed",
        "file:///etc/hostname",
        "http://",
        "http://[::1",
        "http://a:b:c/",
        "gopher://x/",
    ],
)
async def test_case_7_21_a_location_that_leads_nowhere_is_an_error(
    fetcher: Fetcher, server: ScriptedServer, location: str | None
) -> None:
    headers = [] if location is None else [("Location", location)]
    result = failed(await ask(fetcher, server.on("/feed", reply(status=302, headers=headers))))
    assert result.kind is FailureKind.REDIRECT


async def test_case_7_21_a_location_in_raw_utf8_with_a_space_is_followed(
    fetcher: Fetcher, server: ScriptedServer
) -> None:
    server.on("/feed", reply(status=302, headers=[("Location", "/n é.xml".encode())]))
    server.on("/n%20%C3%A9.xml", reply(FEED))
    fetched(await ask(fetcher, server.url("/feed")))


async def test_secrets_and_validators_never_cross_an_origin(fetcher: Fetcher, server: ScriptedServer) -> None:
    server.on("/feed", reply(status=302, headers=[("Location", server.url("/there", host="other.example"))]))
    server.on("/there", reply(status=302, headers=[("Location", server.url("/back", host="feed.example"))]))
    server.on("/back", reply(FEED))
    await ask(
        fetcher,
        f"http://me:pass%20word@feed.example:{server.port}/feed",
        headers=(("X-Key", "hush"),),
        etag=b'"mine"',
        last_modified=b"yesterday",
    )
    first, second, third = server.asked
    basic = b"Basic " + base64.b64encode(b"me:pass word")
    for asked in (first, third):
        assert asked.header("x-key") == b"hush"
        assert asked.header("authorization") == basic
        assert asked.header("if-none-match") == b'"mine"'
        assert asked.header("if-modified-since") == b"yesterday"
    assert [name for name, _ in second.headers] == [
        b"Host",
        b"User-Agent",
        b"Accept",
        b"Accept-Encoding",
        b"Connection",
    ]


async def test_validators_go_to_the_origin_that_gave_them(fetcher: Fetcher, server: ScriptedServer) -> None:
    away = server.url("/there", host="other.example")
    server.on("/feed", reply(status=302, headers=[("Location", away)]))
    server.on("/there", reply(status=304, length=None))
    result = await ask(fetcher, server.url("/feed"), etag=b'"theirs"', validators_from=away)
    assert isinstance(result, NotModified)
    assert server.asked[0].header("if-none-match") is None
    assert server.asked[1].header("if-none-match") == b'"theirs"'


async def test_a_redirect_cannot_plant_a_password(fetcher: Fetcher, server: ScriptedServer) -> None:
    server.on("/feed", reply(status=301, headers=[("Location", f"http://you:planted@127.0.0.1:{server.port}/there")]))
    server.on("/there", reply(FEED))
    answer = fetched(await ask(fetcher, server.url("/feed"))).answer
    assert server.asked[1].header("authorization") is None
    assert answer.permanent_url == server.url("/there")


async def test_a_redirect_within_one_host_waits_a_gap_too(server: ScriptedServer) -> None:
    now = 0.0
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        nonlocal now
        waits.append(seconds)
        now += seconds

    server.on("/feed", reply(status=302, headers=[("Location", "/there")]))
    server.on("/there", reply(FEED))
    gate = HostGate(5.0, monotonic=lambda: now, sleep=sleep)
    async with Fetcher(user_agent="t", allow_private=LOOPBACK, gate=gate) as fetcher:
        fetched(await ask(fetcher, server.url("/feed")))
    assert waits == [5.0]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_that_asks_for_a_long_pause_is_not_followed_before_it_is_over(
    fetcher: Fetcher, server: ScriptedServer, status: int
) -> None:
    server.on("/feed", reply(status=status, headers=[("Location", "/there"), ("Retry-After", "7200")]))
    server.on("/there", reply(FEED))
    result = failed(await ask(fetcher, server.url("/feed")))
    assert (result.kind, result.status, result.retry_after) == (FailureKind.RATE, status, timedelta(hours=2))
    assert result.detail == f"HTTP {status}: the host wants us to wait before we go on to 127.0.0.1"
    assert failed(await ask(fetcher, server.url("/there"))).kind is FailureKind.RATE
    assert server.paths() == ["/feed"]


async def test_a_redirect_whose_pause_is_over_is_followed(fetcher: Fetcher, server: ScriptedServer) -> None:
    server.on("/feed", reply(status=302, headers=[("Location", "/there"), ("Retry-After", "7200")]))
    end = server.on("/there", reply(FEED))
    assert fetched(await ask(fetcher, server.url("/feed"), paused=True)).answer.url == end


@pytest.mark.parametrize(("said", "waits"), [("3", [3.0]), ("0", []), ("-5", []), ("soon", []), ("10", [10.0])])
async def test_a_short_pause_that_a_redirect_asks_for_is_waited_for_in_place(
    server: ScriptedServer, said: str, waits: list[float]
) -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    server.on("/feed", reply(status=302, headers=[("Location", "/there"), ("Retry-After", said)]))
    server.on("/there", reply(FEED))
    gate = HostGate(0, sleep=sleep)
    async with Fetcher(user_agent="t", allow_private=LOOPBACK, gate=gate) as fetcher:
        fetched(await ask(fetcher, server.url("/feed")))
    assert waited == waits


async def test_a_redirect_that_leads_nowhere_is_an_error_whatever_pause_it_asks_for(
    fetcher: Fetcher, server: ScriptedServer
) -> None:
    url = server.on("/feed", reply(status=302, headers=[("Location", "/feed"), ("Retry-After", "7200")]))
    assert failed(await ask(fetcher, url)).kind is FailureKind.REDIRECT
    assert fetcher.gate.held("127.0.0.1") == 0
