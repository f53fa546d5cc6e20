"""Notifications by a process of their own: guarded at every connection, killed in time, and silent about secrets."""

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from aggregator.core.model.subscriptions import SendFailed, SendFailure, SendResult, Sent
from aggregator.mail.apprise import AppriseTransport, notifier_command
from aggregator.notifier import masked
from tests.patience import until
from tests.servers import Asked, ScriptedServer, reply

ROOT = str(Path(__file__).parents[2])
MESSAGE = "[Narcotics] 1 new: नई दिल्ली\n\nFentanyl seized\n\nat the port\n".encode()
TOKEN = "TokenThatMustNotLeak"


async def nothing() -> None:
    """Nothing to record."""


def notifier(*, allowed: tuple[str, ...] = ("127.0.0.0/8",), command: tuple[str, ...] = ()) -> AppriseTransport:
    return AppriseTransport(command or notifier_command(), path=[ROOT], allowed=allowed)


def told(script: Callable[[ScriptedServer], str], transport: AppriseTransport) -> tuple[SendResult, list[Asked]]:
    """What came of a notification to the service that `script` sets up."""

    async def once() -> tuple[SendResult, list[Asked]]:
        async with ScriptedServer() as server:
            target = script(server)
            result = await transport.send(sender="", recipient=target, message=MESSAGE, before_data=nothing)
            return result, server.asked

    return asyncio.run(once())


def hook(server: ScriptedServer, answer: bytes) -> str:
    server.on(f"/{TOKEN}", answer)
    return f"json://127.0.0.1:{server.port}/{TOKEN}"


def test_the_subject_is_the_title_and_the_words_are_the_body() -> None:
    result, asked = told(lambda server: hook(server, reply(b"ok")), notifier())
    assert result == Sent(response="taken by the service")
    (one,) = asked
    told_of = json.loads(one.body)
    assert told_of["title"] == "[Narcotics] 1 new: नई दिल्ली"
    assert told_of["message"].strip() == "Fentanyl seized\n\nat the port"


def test_a_service_that_refuses_is_tried_later_and_its_address_is_not_told() -> None:
    result, asked = told(lambda server: hook(server, reply(TOKEN.encode(), status=500)), notifier())
    assert isinstance(result, SendFailed)
    assert (result.failure, len(asked)) == (SendFailure.RETRY, 1)
    assert TOKEN not in result.detail


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "2130706433"])
def test_an_address_that_is_not_public_is_refused_before_a_byte_leaves(host: str) -> None:
    def script(server: ScriptedServer) -> str:
        server.on("/x", reply(b"ok"))
        return f"json://{host}:{server.port}/x"

    result, asked = told(script, notifier(allowed=()))
    assert isinstance(result, SendFailed)
    assert (result.failure, asked) == (SendFailure.RETRY, [])
    assert "AGGREGATOR_ALLOW_PRIVATE" in result.detail


def test_a_redirect_is_judged_by_where_it_leads() -> None:
    def script(server: ScriptedServer) -> str:
        inside = f"http://127.0.0.2:{server.port}/inside"
        return hook(server, reply(status=307, headers=[("Location", inside)]))

    result, asked = told(script, notifier(allowed=("127.0.0.1/32",)))
    assert isinstance(result, SendFailed)
    assert "127.0.0.2 is a loopback address" in result.detail
    assert len(asked) == 1


@pytest.mark.parametrize("target", ["nonsense://x", "https://example.org/plain", "slack://", ""])
def test_what_is_no_service_is_given_up_at_once(target: str) -> None:
    result, _ = told(lambda _: target, notifier())
    assert isinstance(result, SendFailed)
    assert result.failure is SendFailure.REJECTED


def test_a_service_that_hangs_is_killed_and_may_have_heard_us() -> None:
    async def once() -> SendResult:
        waits = (sys.executable, "-c", "import time; time.sleep(600)")
        transport = AppriseTransport(waits, path=[ROOT], seconds=0.2)
        return await transport.send(sender="", recipient="json://x", message=MESSAGE, before_data=nothing)

    result = asyncio.run(once())
    assert isinstance(result, SendFailed)
    assert (result.failure, result.detail) == (SendFailure.AMBIGUOUS, "the service did not take it within 0.2 s")


def test_a_cancelled_notification_leaves_no_process_behind(tmp_path: Path) -> None:
    marker = tmp_path / "pid"
    script = f"import os, pathlib, time; pathlib.Path({str(marker)!r}).write_text(str(os.getpid())); time.sleep(600)"

    async def once() -> int:
        transport = notifier(command=(sys.executable, "-c", script))
        sending = asyncio.create_task(
            transport.send(sender="", recipient="json://x", message=MESSAGE, before_data=nothing)
        )
        await until(lambda: marker.exists() and bool(marker.read_text()))
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        return int(marker.read_text())

    assert not Path(f"/proc/{asyncio.run(once())}").exists()


def test_the_process_knows_none_of_our_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGGREGATOR_SECRET", TOKEN)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    script = "import json, os, sys; print(json.dumps({'reason': ' '.join(sorted(os.environ))})); sys.exit(1)"
    result, _ = told(lambda _: "json://x", notifier(command=(sys.executable, "-c", script)))
    assert isinstance(result, SendFailed)
    assert not {"AGGREGATOR_SECRET", "HTTPS_PROXY"} & set(result.detail.split())


@pytest.mark.parametrize(
    ("script", "meaning"),
    [
        ("import sys; sys.exit(2)", SendFailure.CONFIG),
        ("import os; os.abort()", SendFailure.AMBIGUOUS),
        ("print('no json'); raise SystemExit(9)", SendFailure.AMBIGUOUS),
    ],
)
def test_how_the_process_ended_says_what_it_means(script: str, meaning: SendFailure) -> None:
    result, _ = told(lambda _: "json://x", notifier(command=(sys.executable, "-c", script)))
    assert isinstance(result, SendFailed)
    assert result.failure is meaning


def test_words_of_the_address_are_masked_in_what_is_told() -> None:
    url = "slack://Token1234/OtherToken/x?key=Hidden99"
    told_of = masked("Failed to notify slack Token1234, OtherToken: key Hidden99 is wrong", url)
    assert told_of == "Failed to notify slack ***, ***: key *** is wrong"
