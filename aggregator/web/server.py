"""Serves the pages beside the engine, in the same event loop; signals stay the service's."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

import structlog
import uvicorn

from aggregator.core.errors import AggregatorError
from aggregator.web.shield import Asgi

log = structlog.get_logger(__name__)

GRACE = 1  # seconds that an answer under way may take when the service stops
CONNECTIONS = 200
HEADER_BYTES = 16 << 10
TRY_AGAIN = 30.0  # seconds between tries for an address that is taken


class _Server(uvicorn.Server):
    """uvicorn that leaves signals alone."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture nothing."""
        yield


@asynccontextmanager
async def listening(web: Asgi, *, host: str, port: int, needed: bool) -> AsyncIterator[None]:
    """Serve `web` at an address for as long as the block lasts.

    An address that cannot be had raises AggregatorError where the pages are `needed`, because mails lead to them; else
    it is logged, and tried again until it is free: what is fetched and mailed does not wait for pages.
    """
    try:
        taken: socket.socket | None = _bound(host, port)
    except OSError as error:
        if needed:
            raise AggregatorError(_told(host, port, error), hint=_HINT) from error
        log.warning("web.not_listening", error=_told(host, port, error), hint=_HINT)
        taken = None
    serving = asyncio.create_task(_serve(web, host, port, taken))
    try:
        yield
    finally:
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving
        if taken is not None:
            taken.close()


_HINT = "set AGGREGATOR_LISTEN to a free address, end what holds it, or start with --no-web"


async def _serve(web: Asgi, host: str, port: int, bound: socket.socket | None) -> None:
    while bound is None:
        await asyncio.sleep(TRY_AGAIN)
        with suppress(OSError):
            bound = _bound(host, port)
    server = _Server(_config(web))
    task = asyncio.create_task(server.serve(sockets=[bound]))
    at = bound.getsockname()
    log.info("web.started", url=f"http://{_shown(at[0], at[1])}/")
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        server.should_exit = True
        await asyncio.wait({task}, timeout=2 * GRACE + 0.5)
        task.cancel()
        raise
    finally:
        bound.close()


def _config(web: Asgi) -> uvicorn.Config:
    return uvicorn.Config(
        web,
        loop="none",
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,  # a page's address is the key to it
        server_header=False,
        proxy_headers=False,
        limit_concurrency=CONNECTIONS,
        h11_max_incomplete_event_size=HEADER_BYTES,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=GRACE,
    )


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=128, reuse_port=False)


def _told(host: str, port: int, error: OSError) -> str:
    return f"cannot listen on {_shown(host, port)}: {error.strerror or error}"


def _shown(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
