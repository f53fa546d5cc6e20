"""What the fetch tests share: asyncio as their loop, a server on loopback, and a fetcher that may reach it."""

import ssl
from collections.abc import AsyncIterator
from ipaddress import ip_network

import pytest
import trustme

from aggregator.fetch.client import Fetcher, FetchLimits
from aggregator.fetch.gate import HostGate
from tests.patience import PATIENCE
from tests.servers import ScriptedServer

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


async def resolve_to_loopback(host: str, port: int) -> list[str]:
    """Every name lives here: no test asks a real name server."""
    return ["127.0.0.1"]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """Who signs the certificates that the tests trust."""
    return trustme.CA()


@pytest.fixture(scope="session")
def trust(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with ScriptedServer() as scripted:
        yield scripted


def make_fetcher(trust: ssl.SSLContext, *, read: float = PATIENCE, total: float = PATIENCE) -> Fetcher:
    return Fetcher(
        user_agent="aggregator-test/1 (+https://example.org/about)",
        allow_private=LOOPBACK,
        limits=FetchLimits(connect=PATIENCE, read=read, total=total, wire=200_000, decoded=400_000),
        resolve=resolve_to_loopback,
        gate=HostGate(0),
        tls=trust,
    )


@pytest.fixture
async def fetcher(trust: ssl.SSLContext) -> AsyncIterator[Fetcher]:
    """Its caps are small, so that a test can run into them; of time it has enough for a busy machine."""
    async with make_fetcher(trust) as client:
        yield client


@pytest.fixture
async def hasty(trust: ssl.SSLContext) -> AsyncIterator[Fetcher]:
    """Its deadline comes soon: only for servers that are never done."""
    async with make_fetcher(trust, total=0.5) as client:
        yield client


@pytest.fixture
async def nervous(trust: ssl.SSLContext) -> AsyncIterator[Fetcher]:
    """It waits for no word for long: only for servers that say none."""
    async with make_fetcher(trust, read=0.25) as client:
        yield client
