"""The pages beside the service: an address that is taken, the limits of a connection, and an end in time."""

import asyncio
import socket
from pathlib import Path

import pytest

from aggregator.core.errors import AggregatorError
from aggregator.web import server
from aggregator.web.app import make_web
from aggregator.web.server import listening
from aggregator.web.shield import BODY
from tests.patience import until
from tests.world import run, world


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


async def asked(port: int, raw: bytes) -> bytes:
    """The start of what a server answers to these bytes; empty when nobody listens, or it hangs up."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return b""
    writer.write(raw)
    answer = await reader.read(4000)
    writer.close()
    return answer


GET = b"GET /u/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def test_pages_are_served_until_the_service_ends(tmp_path: Path) -> None:
    async def go() -> None:
        port = free_port()
        async with world(tmp_path) as w:
            async with listening(make_web(w.app), host="127.0.0.1", port=port, needed=True):
                answer = await asked(port, GET)
                assert answer.startswith(b"HTTP/1.1 404")
                assert b"server:" not in answer.lower()
                # Somebody who says nothing does not hold the end back.
                _, silent = await asyncio.open_connection("127.0.0.1", port)
            assert await asked(port, GET) == b""
            silent.close()

    run(go)


def test_a_taken_address_stops_a_service_whose_mails_lead_to_it(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            with socket.create_server(("127.0.0.1", 0)) as taken:
                port = taken.getsockname()[1]
                with pytest.raises(AggregatorError, match=r"cannot listen on 127\.0\.0\.1:.*in use.*AGGREGATOR_LISTEN"):
                    async with listening(make_web(w.app), host="127.0.0.1", port=port, needed=True):
                        pass

    run(go)


def test_without_links_in_mails_a_taken_address_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def go() -> None:
        monkeypatch.setattr(server, "TRY_AGAIN", 0.05)
        async with world(tmp_path) as w:
            taken = socket.create_server(("127.0.0.1", 0))
            port = taken.getsockname()[1]
            async with listening(make_web(w.app), host="127.0.0.1", port=port, needed=False):
                taken.close()
                async with asyncio.timeout(30):
                    while not (await asked(port, GET)).startswith(b"HTTP/1.1 404"):  # noqa: ASYNC110 - it rings no bell
                        await asyncio.sleep(0.05)

    run(go)


def test_a_body_longer_than_any_form_is_refused_before_it_is_read_whole(tmp_path: Path) -> None:
    async def go() -> None:
        port = free_port()
        async with world(tmp_path) as w, listening(make_web(w.app), host="127.0.0.1", port=port, needed=True):
            head = b"POST /u/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 100000000\r\n\r\n"
            answer = await asked(port, head + b"x" * (BODY + 1))
            assert answer.startswith(b"HTTP/1.1 413")
            huge = b"GET /u/x HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 10_000 + b"\r\n"
            assert (await asked(port, huge)).startswith(b"HTTP/1.1 4")

    run(go)


def test_the_end_waits_for_an_answer_under_way_and_no_longer(tmp_path: Path) -> None:
    async def go() -> None:
        entered = asyncio.Event()

        async def slow(scope: object, receive: object, send: object) -> None:
            entered.set()
            await asyncio.sleep(3600)

        port = free_port()
        async with listening(slow, host="127.0.0.1", port=port, needed=True):
            task = asyncio.create_task(asked(port, GET))
            await until(entered.is_set)
        await task

    run(go)
