"""What tests of commands share: a database with a polled feed in it, and a mail relay to send to."""

import asyncio
import contextlib
import shutil
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from tests.commands import Shell, make_shell
from tests.world import listed, rss, run, served, world

OLD, NEW = ("1", "Parliament debates budget"), ("2", "Customs seize fentanyl")


@pytest.fixture(scope="session")
def polled_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose database has seen a feed twice, the second time with news of fentanyl, and another one fail."""
    folder = tmp_path_factory.mktemp("polled")

    async def poll() -> None:
        async with world(folder) as around:
            good = around.server.on("/feed", served(rss(OLD)), served(rss(NEW, OLD)))
            page = around.server.on("/page", served(b"<!doctype html><html><body>moved</body></html>"))
            await around.follow(listed([("page", page), ("wire", good)]))
            await around.app.refresher.check()
            around.clock.forward(minutes=15)
            await around.app.refresher.check(only=["wire"])

    run(poll)
    return folder


@pytest.fixture
def polled(polled_folder: Path, tmp_path: Path) -> Shell:
    """A shell in a copy of that folder, at an hour when the digest of `desk` is due."""
    shutil.copytree(polled_folder, tmp_path, dirs_exist_ok=True)
    return make_shell(tmp_path)


@dataclass
class Relay:
    """A mail server on loopback that knows one login; `mails` are (sender, recipients, bytes) it took."""

    port: int
    mails: list[tuple[str, list[str], bytes]] = field(default_factory=list)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        self.mails.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
        return "250 2.0.0 taken as 4711"

    def environ(self, password: str = "right") -> dict[str, str]:
        """How a command finds and enters it."""
        return {
            "AGGREGATOR_SMTP_HOST": "127.0.0.1",
            "AGGREGATOR_SMTP_PORT": str(self.port),
            "AGGREGATOR_SMTP_TLS": "none",
            "AGGREGATOR_SMTP_USER": "desk",
            "AGGREGATOR_SMTP_PASSWORD": password,
            "AGGREGATOR_MAIL_FROM": "The desk <desk@sender.example>",
        }


@pytest.fixture
def relay() -> Iterator[Relay]:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as probe:
        taking = Relay(port=probe.getsockname()[1])

    def enter(_server: Any, _session: Any, _envelope: Any, _method: str, login: Any) -> AuthResult:
        return AuthResult(success=login.password == b"right", handled=False)

    controller = Controller(
        taking,
        hostname="127.0.0.1",
        port=taking.port,
        authenticator=enter,
        auth_require_tls=False,
        loop=asyncio.new_event_loop(),
    )
    controller.start()
    yield taking
    controller.stop()
