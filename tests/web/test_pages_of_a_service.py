"""The pages of a real service: they are there while it runs, and hold its end back no longer than its own five seconds."""

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from aggregator.app import App
from tests.commands import make_shell
from tests.farm import Farm
from tests.house import House
from tests.patience import PATIENCE


@pytest.fixture(scope="module")
def farm() -> Iterator[Farm]:
    with Farm(feeds=1, hosts=1) as serving:
        yield serving


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


def answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as wire:
            wire.sendall(b"GET /u/nobody HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            return wire.recv(12) == b"HTTP/1.1 404"
    except ConnectionRefusedError:
        return False


def test_a_service_serves_its_pages_and_ends_beside_a_connection_that_stays_open(tmp_path: Path, farm: Farm) -> None:
    port = free_port()
    service = House(tmp_path, farm, AGGREGATOR_LISTEN=f"127.0.0.1:{port}")
    running = service.start("run")
    try:
        service.wait(lambda: answers(port))
        with closing(socket.create_connection(("127.0.0.1", port))):
            running.terminate()
            assert running.wait(PATIENCE) == 0
        assert not answers(port)
    finally:
        running.kill()
        running.communicate()


def test_a_service_whose_mails_lead_to_pages_says_that_their_address_is_taken(tmp_path: Path, farm: Farm) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        own = {"AGGREGATOR_LISTEN": f"127.0.0.1:{port}", "AGGREGATOR_BASE_URL": "https://news.example.org"}
        house = House(tmp_path, farm, **own)
        _, errors = house.start("run").communicate(timeout=PATIENCE)
        assert f"cannot listen on 127.0.0.1:{port}: Address already in use" in errors.decode()
        assert "--no-web" in errors.decode()


@pytest.mark.parametrize("args", [(), ("--no-web",)])
def test_pages_can_be_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, args: tuple[str, ...]) -> None:
    served: list[object] = []

    async def serve(app: App, *_: object, beside: object, lanes: int) -> None:
        served.append(beside)
        app.store.close()

    monkeypatch.setattr("aggregator.engine.service.serve", serve)
    shell = make_shell(tmp_path, AGGREGATOR_CLOCK="")
    shell.write("feeds: []\n")
    assert shell.run("run", *args).code == 0
    assert [beside is None for beside in served] == [bool(args)]
