"""The connections that are never made, whatever a name, a spelling or a redirect says."""

import asyncio
import socket
import ssl
from collections.abc import Sequence
from ipaddress import ip_network

import httpx
import pytest

from aggregator.core.model.feeds import FailureKind, Fetched, FetchRequest
from aggregator.fetch.addresses import Network
from aggregator.fetch.client import Fetcher, FetchLimits
from aggregator.fetch.failure import WireError
from aggregator.fetch.gate import HostGate
from aggregator.fetch.guard import Resolver, SystemResolver
from tests.asking import NOW, failure_of
from tests.patience import PATIENCE
from tests.servers import ScriptedServer, reply

pytestmark = pytest.mark.anyio

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

LOOPBACK: tuple[Network, ...] = (ip_network("127.0.0.0/8"),)

ODD_LITERALS = [
    "http://127.1/",
    "http://0x7f000001/",
    "http://0x7f.0x0.0x0.0x1/",
    "http://017700000001/",
    "http://0177.0.0.1/",
    "http://2130706433/",
    "http://127.0.0.1.:80/",
    "http://[::ffff:127.0.0.1]/",
    "http://[0:0:0:0:0:ffff:7f00:1]/",
    "http://[::]/",
    "http://0/",
    "http://0.0.0.0:8080/",
    "http://127。0。0。1/",
    "http://localhost/",
    "http://LOCALHOST./",
    "http://[64:ff9b::7f00:1]/",
    "http://[2002:7f00:1::]/",
    "http://169.254.169.254/latest/meta-data/",
    "http://[fd00:ec2::254]/",
    "http://user@127.0.0.1/",
    "http://127.0.0.1%2f.example/",
    "http://[fe80::1%25lo]/",
    "https://10.0.0.1:8443/",
    "http://example.org@127.0.0.1/",
    "http://127.0.0.1#@example.org/",
    "http://127.0.0.1?@example.org/",
    "http://example.org:80@127.0.0.1:80/",
    "http:127.0.0.1/",
    "http:///127.0.0.1/",
    "http://①②⑦.⓪.⓪.①/",
    "http://\uff11\uff12\uff17.0.0.1/",
    "http://[::1]:80/",
    "http://0x7f.1/",
    "http://127.0.1.3/",
    "feed:http://127.0.0.1/",
    "http://metadata/",
]


async def like_the_system(host: str, port: int) -> list[str]:
    """What getaddrinfo makes of odd spellings, without asking any name server: names are loopback."""
    try:
        return [socket.inet_ntoa(socket.inet_aton(host.rstrip(".")))]
    except OSError:
        return ["127.0.0.1"]


def make(resolve: Resolver, *, allowed: Sequence[Network] = ()) -> Fetcher:
    return Fetcher(
        user_agent="t",
        allow_private=allowed,
        resolve=resolve,
        gate=HostGate(0),
        limits=FetchLimits(connect=PATIENCE, total=PATIENCE),
        tls=NO_TLS,
    )


@pytest.fixture
def no_connections(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Where a connection was tried; each try fails."""
    tried: list[str] = []

    async def refuse(self: object, host: str, *rest: object, **more: object) -> None:
        tried.append(host)
        raise AssertionError(host)

    monkeypatch.setattr("httpcore.AnyIOBackend.connect_tcp", refuse)
    return tried


@pytest.mark.parametrize("url", ODD_LITERALS)
async def test_case_7_22_no_spelling_of_a_private_address_is_connected_to(url: str, no_connections: list[str]) -> None:
    async with make(like_the_system) as fetcher:
        result = await failure_of(fetcher, url)
    assert result.kind in {FailureKind.BLOCKED_ADDRESS, FailureKind.BAD_URL}
    assert no_connections == []


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1/",
        "http://169.254.169.254/x",
        "http://[::1]/",
        "http://10.0.0.1/",
        "http://2130706433/",
        "//127.0.0.1/",
        "http://name.example/",
    ],
)
async def test_case_7_22_a_redirect_to_a_private_address_is_refused_at_connect(target: str) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        return ["127.0.0.2"] if host == "feed.example" else await like_the_system(host, port)

    async with (
        ScriptedServer(host="127.0.0.2") as server,
        make(resolve, allowed=[ip_network("127.0.0.2/32")]) as fetcher,
    ):
        server.on("/feed", reply(status=302, headers=[("Location", target)]))
        result = await failure_of(fetcher, server.url("/feed", host="feed.example"))
    assert result.kind is FailureKind.BLOCKED_ADDRESS
    assert "AGGREGATOR_ALLOW_PRIVATE" in result.detail


async def test_case_7_22_one_bad_address_among_good_ones_spoils_the_name(no_connections: list[str]) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        return ["93.184.216.34", "2606:4700::1", "10.0.0.7"]

    async with make(resolve) as fetcher:
        result = await failure_of(fetcher, "http://mixed.example/")
    assert result.kind is FailureKind.BLOCKED_ADDRESS
    assert "mixed.example" in result.detail
    assert "10.0.0.7" in result.detail
    assert no_connections == []


async def test_case_7_22_a_rebinding_name_is_judged_by_the_address_it_is_connected_to() -> None:
    answers = iter([["127.0.0.1"], ["10.0.0.7"], ["127.0.0.1"]])
    asked: list[str] = []

    async def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return next(answers)

    async with ScriptedServer() as server, make(rebinding, allowed=LOOPBACK) as fetcher:
        server.on("/feed", reply(b"<rss/>"))
        url = server.url("/feed", host="rebind.example")
        first = await fetcher.fetch(FetchRequest(url=url), now=NOW)
        assert isinstance(first, Fetched)
        assert (await failure_of(fetcher, url)).kind is FailureKind.BLOCKED_ADDRESS
    assert asked == ["rebind.example"] * 2
    assert server.connections == 1


async def test_the_next_address_is_tried_when_one_does_not_answer() -> None:
    async def resolve(host: str, port: int) -> list[str]:
        return ["127.0.0.9", "127.0.0.1"]

    async with ScriptedServer() as server, make(resolve, allowed=LOOPBACK) as fetcher:
        server.on("/feed", reply(b"<rss/>"))
        result = await fetcher.fetch(FetchRequest(url=server.url("/feed", host="two.example")), now=NOW)
    assert isinstance(result, Fetched)


@pytest.mark.parametrize("port", [1, 22, 25, 6379, 8000, 65535])
async def test_odd_ports_are_for_networks_the_operator_named(port: int, no_connections: list[str]) -> None:
    async def public(host: str, port: int) -> list[str]:
        return ["93.184.216.34"]

    async with make(public) as fetcher:
        result = await failure_of(fetcher, f"http://name.example:{port}/")
    assert result.kind is FailureKind.BLOCKED_ADDRESS
    assert str(port) in result.detail
    assert "AGGREGATOR_ALLOW_PRIVATE" in result.detail
    assert no_connections == []


@pytest.mark.parametrize("answer", [[], ["nonsense"], ["1.2.3.4.5", "93.184.216.34"]])
async def test_a_resolver_without_a_usable_answer_is_a_dns_failure(
    answer: list[str], no_connections: list[str]
) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        return answer

    async with make(resolve) as fetcher:
        assert (await failure_of(fetcher, "http://name.example/")).kind is FailureKind.DNS


async def test_case_7_44_a_name_that_does_not_exist_is_a_dns_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*asked: object, **more: object) -> list[object]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    async with make(SystemResolver()) as fetcher:
        result = await failure_of(fetcher, "http://nowhere.example/")
    assert result.kind is FailureKind.DNS
    assert result.detail == "no address for nowhere.example: Name or service not known"


async def test_a_name_too_long_for_dns_is_a_dns_failure() -> None:
    async with make(SystemResolver()) as fetcher:
        assert (await failure_of(fetcher, f"http://{'a' * 70}.example/")).kind in {FailureKind.DNS, FailureKind.BAD_URL}


async def test_the_system_resolver_gives_each_address_once() -> None:
    assert await SystemResolver()("127.0.0.1", 80) == ["127.0.0.1"]


async def test_a_lookup_that_hangs_costs_its_limit_and_later_frees_its_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    hang = asyncio.Event()
    loop = asyncio.get_running_loop()

    def hanging(*asked: object, **more: object) -> list[object]:
        asyncio.run_coroutine_threadsafe(hang.wait(), loop).result(PATIENCE)
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 80))]

    resolver = SystemResolver(threads=1, limit=0.1)
    monkeypatch.setattr(socket, "getaddrinfo", hanging)
    for _ in range(2):
        with pytest.raises(WireError) as caught:
            await resolver("slow.example", 80)
        assert caught.value.kind is FailureKind.DNS
    hang.set()
    resolver._limit = PATIENCE
    assert await resolver("slow.example", 80) == ["127.0.0.1"]


def test_every_request_of_the_product_goes_through_the_guard() -> None:
    fetcher = make(like_the_system)
    for pool in fetcher._transport._pools.values():
        assert pool._network_backend.__class__.__name__ == "GuardedBackend"
        assert pool._max_keepalive_connections == 0
    assert httpx.__version__.startswith("0.28")
