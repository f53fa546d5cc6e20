"""The SMTP session over real sockets: every fault at every phase, and what it says of the mail."""

import asyncio
import ssl
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from aggregator.core.model.subscriptions import SendFailed, SendFailure, SendResult, Sent
from aggregator.mail.smtp import SmtpTimeouts, SmtpTransport
from tests.patience import PATIENCE

RunRelay = Callable[..., AbstractAsyncContextManager[Any]]

RETRY, RECIPIENT, CONFIG, REJECTED, AMBIGUOUS = (
    SendFailure.RETRY,
    SendFailure.RECIPIENT,
    SendFailure.CONFIG,
    SendFailure.REJECTED,
    SendFailure.AMBIGUOUS,
)
MESSAGE = b"Subject: three new\r\n\r\nWorking group meets\r\n"
PATIENT = SmtpTimeouts(connect=PATIENCE, command=PATIENCE, data=PATIENCE, quit=PATIENCE)
QUICK_TO_GIVE_UP = SmtpTimeouts(connect=PATIENCE, command=PATIENCE, data=0.1, quit=0.1)
QUICK_TO_LEAVE = SmtpTimeouts(connect=PATIENCE, command=PATIENCE, data=PATIENCE, quit=0.1)
HASTY = SmtpTimeouts(connect=0.1, command=0.1, data=0.1, quit=0.1)


LONG_STORY, ODD_BYTES = "2" * 40_000, "250 \udcff\udcc3\x00\r\n\x1b[31m"


async def nothing() -> None:
    """Nothing to record."""


def plain(port: int, *, timeouts: SmtpTimeouts = PATIENT, user: str | None = None) -> SmtpTransport:
    return SmtpTransport("127.0.0.1", port, tls="none", user=user, password="secret word", timeouts=timeouts)


async def send(
    transport: SmtpTransport,
    *,
    sender: str = "digest@example.org",
    recipient: str | None = "desk@example.org",
    message: bytes = MESSAGE,
) -> SendResult:
    try:
        return await transport.send(sender=sender, recipient=recipient, message=message, before_data=nothing)
    finally:
        await transport.aclose()


def send_through(
    run_relay: RunRelay, *, timeouts: SmtpTimeouts = PATIENT, script: dict[str, str] | None = None
) -> tuple[SendResult, Any]:
    """Send one mail through a relay with a changed script; what came of it, and the relay with its memories."""

    async def once() -> tuple[SendResult, Any]:
        async with run_relay(**script or {}) as relay:
            return await send(plain(relay.port, timeouts=timeouts, user="desk")), relay

    return asyncio.run(once())


def failure_of(result: SendResult) -> SendFailure:
    assert isinstance(result, SendFailed)
    assert "secret word" not in result.detail
    return result.failure


def test_a_mail_is_handed_over_phase_by_phase_and_the_queue_id_is_kept(run_relay: RunRelay) -> None:
    result, relay = send_through(run_relay)
    assert result == Sent(response="250 2.0.0 queued as 4711")
    assert relay.verbs == ["EHLO", "AUTH", "MAIL", "RCPT", "DATA", "QUIT"]
    assert "MAIL FROM:<digest@example.org>" in relay.commands
    assert "RCPT TO:<desk@example.org>" in relay.commands
    assert relay.messages == [MESSAGE + b".\r\n"]


@pytest.mark.parametrize("moment", ["greeting", "EHLO", "AUTH", "MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize(
    "fault", ["drop", "stall", "421 4.3.2 going down", "451 4.7.0 slow down", "nonsense", LONG_STORY]
)
def test_no_fault_before_the_message_leaves_is_more_than_a_later_try(
    run_relay: RunRelay, moment: str, fault: str
) -> None:
    result, relay = send_through(run_relay, timeouts=HASTY if fault == "stall" else PATIENT, script={moment: fault})
    assert failure_of(result) is RETRY
    assert relay.messages == []


@pytest.mark.parametrize("fault", ["drop", "stall", "nonsense", "354 what?", LONG_STORY])
def test_a_relay_that_takes_the_message_and_does_not_answer_leaves_it_ambiguous(
    run_relay: RunRelay, fault: str
) -> None:
    result, relay = send_through(
        run_relay, timeouts=QUICK_TO_GIVE_UP if fault == "stall" else PATIENT, script={"final": fault}
    )
    assert failure_of(result) is AMBIGUOUS
    assert relay.messages == [MESSAGE + b".\r\n"]


@pytest.mark.parametrize("moment", ["greeting", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "final", "QUIT"])
def test_odd_bytes_from_a_relay_end_in_a_result_of_one_printable_line(run_relay: RunRelay, moment: str) -> None:
    result, _ = send_through(run_relay, timeouts=HASTY, script={moment: ODD_BYTES})
    told = result.response if isinstance(result, Sent) else result.detail
    assert told.isprintable()
    assert told.encode()


@pytest.mark.parametrize(
    ("moment", "reply", "meaning"),
    [
        ("greeting", "554 5.7.1 blocked", CONFIG),
        ("EHLO", "550 bad name", CONFIG),
        ("AUTH", "535 5.7.8 wrong password", CONFIG),
        ("MAIL", "550 not your sender", CONFIG),
        ("RCPT", "550 5.1.1 no such user", RECIPIENT),
        ("RCPT", "550 5.7.1 relaying denied", CONFIG),
        ("DATA", "554 no", REJECTED),
        ("final", "554 5.7.1 spam", REJECTED),
        ("final", "552 too big", REJECTED),
        ("final", "452 4.3.1 disk full", RETRY),
        ("final", "421 going down", RETRY),
    ],
)
def test_refusals_mean_what_the_truth_table_says(
    run_relay: RunRelay, moment: str, reply: str, meaning: SendFailure
) -> None:
    result, _ = send_through(run_relay, script={moment: reply})
    assert failure_of(result) is meaning
    assert isinstance(result, SendFailed)
    assert (result.code, result.detail.endswith(reply)) == (int(reply[:3]), True)


@pytest.mark.parametrize("fault", ["drop", "stall", "500 what?"])
def test_an_accepted_mail_stays_accepted_whatever_becomes_of_the_goodbye(run_relay: RunRelay, fault: str) -> None:
    result, _ = send_through(run_relay, timeouts=QUICK_TO_LEAVE, script={"QUIT": fault})
    assert isinstance(result, Sent)


def test_a_relay_that_does_not_listen_is_a_later_try() -> None:
    async def closed_port() -> int:
        server = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
        port = int(server.sockets[0].getsockname()[1])
        server.close()
        await server.wait_closed()
        return port

    async def once() -> SendResult:
        return await send(plain(await closed_port()))

    assert failure_of(asyncio.run(once())) is RETRY


def test_the_phase_is_recorded_after_the_recipient_and_before_data(run_relay: RunRelay) -> None:
    async def once() -> list[str]:
        seen: list[str] = []
        async with run_relay() as relay:

            async def record() -> None:
                seen.extend(relay.verbs)

            transport = plain(relay.port)
            await transport.send(sender="a@example.org", recipient="b@example.org", message=MESSAGE, before_data=record)
            await transport.aclose()
            assert relay.verbs[len(seen) :] == ["DATA", "QUIT"]
        return seen

    assert asyncio.run(once()) == ["EHLO", "MAIL", "RCPT"]


def test_a_phase_that_cannot_be_recorded_ends_the_session_unsent(run_relay: RunRelay) -> None:
    async def fenced() -> None:
        raise LookupError("the lease is gone")

    async def once() -> Any:
        async with run_relay() as relay:
            with pytest.raises(LookupError, match="lease"):
                await plain(relay.port).send(
                    sender="a@example.org", recipient="b@example.org", message=MESSAGE, before_data=fenced
                )
        return relay

    relay = asyncio.run(once())
    assert relay.verbs == ["EHLO", "MAIL", "RCPT"]
    assert relay.messages == []


def test_a_cancelled_send_closes_its_connection_at_once(run_relay: RunRelay) -> None:
    async def once() -> Any:
        reached = asyncio.Event()

        async def notice(moment: str) -> None:
            if moment == "RCPT":
                reached.set()

        async with run_relay(RCPT="stall") as relay:
            relay.before_answer = notice
            sending = asyncio.create_task(send(plain(relay.port)))
            await reached.wait()
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sending
        return relay

    assert asyncio.run(once()).verbs == ["EHLO", "MAIL", "RCPT"]


def test_dots_and_line_ends_arrive_as_they_were(run_relay: RunRelay) -> None:
    async def once() -> bytes:
        async with run_relay() as relay:
            await send(plain(relay.port), message=b"A: b\n\n.\r\n..\r.x\r\n.\r\nRCPT TO:<x@y>")
            return bytes(relay.messages[0])

    assert asyncio.run(once()) == b"A: b\r\n\r\n..\r\n...\r\n..x\r\n..\r\nRCPT TO:<x@y>\r\n.\r\n"


@pytest.mark.parametrize(
    ("sender", "recipient", "meaning"),
    [
        ("digest@example.org", None, RECIPIENT),
        ("digest@example.org", "desk@example.org>\r\nRCPT TO:<x@y", RECIPIENT),
        ("digest", "desk@example.org", CONFIG),
    ],
)
def test_an_envelope_that_cannot_be_never_reaches_the_relay(
    run_relay: RunRelay, sender: str, recipient: str | None, meaning: SendFailure
) -> None:
    async def once() -> tuple[SendResult, list[str]]:
        async with run_relay() as relay:
            return await send(plain(relay.port), sender=sender, recipient=recipient), relay.verbs

    result, verbs = asyncio.run(once())
    assert (failure_of(result), verbs) == (meaning, [])


@pytest.mark.parametrize(
    ("extensions", "recipient", "expected"),
    [
        ("250-relay\r\n250 SMTPUTF8", "डेस्क@bücher.example", None),
        ("250-relay\r\n250 SIZE", "डेस्क@bücher.example", RECIPIENT),
        ("250-relay\r\n250 SIZE", "desk@bücher.example", None),
    ],
)
def test_an_address_beyond_ascii_is_sent_only_where_the_relay_takes_it(
    run_relay: RunRelay, extensions: str, recipient: str, expected: SendFailure | None
) -> None:
    async def once() -> tuple[SendResult, list[str]]:
        async with run_relay(EHLO=extensions) as relay:
            return await send(plain(relay.port), recipient=recipient), relay.commands

    result, commands = asyncio.run(once())
    if expected:
        assert failure_of(result) is expected
        assert not any(command.startswith("MAIL") for command in commands)
    else:
        assert isinstance(result, Sent)
        local = recipient.partition("@")[0]
        assert f"RCPT TO:<{local}@xn--bcher-kva.example>" in commands
        assert any("SMTPUTF8" in command for command in commands) == (not local.isascii())


def test_a_login_that_the_relay_does_not_offer_is_our_configuration(run_relay: RunRelay) -> None:
    result, relay = send_through(run_relay, script={"EHLO": "250 relay"})
    assert failure_of(result) is CONFIG
    assert relay.messages == []


def test_unencrypted_mail_is_for_loopback_only() -> None:
    with pytest.raises(ValueError, match="loopback"):
        SmtpTransport("mail.example.org", 25, tls="none")
    assert SmtpTransport("localhost", 25, tls="none").describe() == "SMTP localhost:25 (unencrypted)"


def test_a_host_that_only_calls_itself_localhost_is_not_spoken_to(
    run_relay: RunRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def once() -> tuple[SendResult, list[str]]:
        async with run_relay() as relay:
            transport = plain(relay.port)
            monkeypatch.setattr("aggregator.mail.session.is_loopback", lambda _host: False)
            return await send(transport), relay.verbs

    result, verbs = asyncio.run(once())
    assert failure_of(result) is CONFIG
    assert "MAIL" not in verbs


def test_the_password_is_never_told() -> None:
    transport = SmtpTransport(
        "mail.example.org", 587, user="desk", password="secret word", tls_context=ssl.create_default_context()
    )
    assert "secret word" not in transport.describe() + repr(transport)
    assert transport.describe() == "SMTP mail.example.org:587 (STARTTLS required, as desk)"
