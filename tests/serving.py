"""A scripted server in a thread of its own, for programs under test that run event loops of theirs."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.patience import PATIENCE
from tests.servers import ScriptedServer


@contextmanager
def serving(host: str = "127.0.0.1") -> Iterator[ScriptedServer]:
    """A server at an address of loopback, for as long as the block lasts."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = ScriptedServer(host=host)
    try:
        asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result(PATIENCE)
        try:
            yield server
        finally:
            asyncio.run_coroutine_threadsafe(server.__aexit__(None, None, None), loop).result(PATIENCE)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
