"""What the fetch tests share: asyncio as their loop, a server on loopback, and a fetcher that may reach it."""

import ssl
from collections.abc import AsyncIterator
from ipaddress import ip_network

import pytest
import trustme

from aggregator.fetch.client import Fetcher, FetchLimits
from aggregator.fetch.gate import HostGate
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


@pytest.fixture
async def fetcher(trust: ssl.SSLContext) -> AsyncIterator[Fetcher]:
    """Limits are small, so that a test can run into them."""
    async with Fetcher(
        user_agent="aggregator-test/1 (+https://example.org/about)",
        allow_private=LOOPBACK,
        limits=FetchLimits(connect=1, read=0.25, total=0.5, wire=200_000, decoded=400_000),
        resolve=resolve_to_loopback,
        gate=HostGate(0),
        tls=trust,
    ) as client:
        yield client
