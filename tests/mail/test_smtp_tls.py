"""Encryption is never given up, and a real server takes our mails."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from email import message_from_bytes, policy
from functools import partial
from typing import Any, Literal

import pytest
from aiosmtpd.smtp import SMTP as Server  # noqa: N811 - the library calls its server by the protocol's name
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session

from aggregator.core.model.subscriptions import SendFailed, SendFailure, SendResult, Sent
from aggregator.mail.smtp import SmtpTimeouts, SmtpTransport
from tests.patience import PATIENCE, until

RunRelay = Callable[..., AbstractAsyncContextManager[Any]]
Tls = Literal["starttls", "implicit", "none"]

MESSAGE = b"Subject: three new\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n.\r\nWorking group meets\r\n"
PATIENT = SmtpTimeouts(connect=PATIENCE, command=PATIENCE, data=PATIENCE, quit=PATIENCE)


async def nothing() -> None:
    """Nothing to record."""


def send_encrypted(
    run_relay: RunRelay,
    certificates: Any,
    *,
    tls: Tls,
    trusted: bool = True,
    other: bool = False,
    script: dict[str, str] | None = None,
) -> tuple[SendResult, Any]:
    async def once() -> tuple[SendResult, Any]:
        async with run_relay(implicit=tls == "implicit", other_name=other, **script or {}) as relay:
            transport = SmtpTransport(
                "127.0.0.1",
                relay.port,
                tls=tls,
                user="desk",
                password="secret word",
                timeouts=PATIENT,
                tls_context=certificates.client if trusted else None,
            )
            result = await transport.send(
                sender="digest@example.org", recipient="desk@example.org", message=MESSAGE, before_data=nothing
            )
            await transport.aclose()
            return result, relay

    return asyncio.run(once())


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_an_encrypted_mail_arrives(run_relay: RunRelay, certificates: Any, tls: Tls) -> None:
    result, relay = send_encrypted(run_relay, certificates, tls=tls)
    assert isinstance(result, Sent)
    start = ["EHLO", "STARTTLS"] if tls == "starttls" else []
    assert relay.verbs == [*start, "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "QUIT"]


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
@pytest.mark.parametrize("wrong", ["untrusted", "another name"])
def test_a_certificate_that_cannot_be_verified_gets_neither_password_nor_mail(
    run_relay: RunRelay, certificates: Any, tls: Tls, wrong: str
) -> None:
    result, relay = send_encrypted(
        run_relay, certificates, tls=tls, trusted=wrong != "untrusted", other=wrong == "another name"
    )
    assert isinstance(result, SendFailed)
    assert result.failure is SendFailure.RETRY
    assert "the relay's certificate is not valid: " in result.detail
    assert ("mail.example.org" in result.detail or "127.0.0.1" in result.detail) == (wrong == "another name")
    assert not {"AUTH", "MAIL"} & set(relay.verbs)


@pytest.mark.parametrize(
    ("script", "meaning"),
    [
        ({"EHLO": "250-relay\r\n250 AUTH PLAIN"}, SendFailure.CONFIG),
        ({"STARTTLS": "454 4.7.0 not now"}, SendFailure.RETRY),
        ({"STARTTLS": "502 5.5.1 no"}, SendFailure.CONFIG),
        ({"STARTTLS": "drop"}, SendFailure.RETRY),
    ],
)
def test_a_relay_without_starttls_gets_nothing_in_the_clear(
    run_relay: RunRelay, certificates: Any, script: dict[str, str], meaning: SendFailure
) -> None:
    result, relay = send_encrypted(run_relay, certificates, tls="starttls", script=script)
    assert isinstance(result, SendFailed)
    assert result.failure is meaning
    assert not {"AUTH", "MAIL"} & set(relay.verbs)


def test_what_came_before_the_encryption_is_forgotten(run_relay: RunRelay, certificates: Any) -> None:
    result, relay = send_encrypted(
        run_relay, certificates, tls="starttls", script={"STARTTLS": "220 go ahead\r\n250-relay\r\n250 AUTH PLAIN"}
    )
    assert relay.verbs[:3] == ["EHLO", "STARTTLS", "EHLO"]
    assert isinstance(result, Sent)


class Mailbox:
    """The handler of a real server: keeps what was accepted."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []

    async def handle_DATA(self, server: Server, session: Session, envelope: Envelope) -> str:  # noqa: N802 - the server looks it up by this name
        del server, session
        self.envelopes.append(envelope)
        return "250 2.0.0 kept"


def authenticate(server: Server, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
    del server, session, envelope, mechanism
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (b"desk", b"secret word")
    return AuthResult(success=good, handled=False)


def with_real_server(certificates: Any, password: str, act: Callable[[SmtpTransport], Any]) -> tuple[Any, Mailbox]:
    async def once() -> tuple[Any, Mailbox]:
        loop, mailbox, guests = asyncio.get_running_loop(), Mailbox(), list[Server]()
        make = partial(
            Server,
            mailbox,
            enable_SMTPUTF8=True,
            tls_context=certificates.server,
            require_starttls=True,
            auth_required=True,
            authenticator=authenticate,
            loop=loop,
        )

        def welcome() -> Server:
            guests.append(make())
            return guests[-1]

        server = await loop.create_server(welcome, "127.0.0.1", 0)
        transport = SmtpTransport(
            "127.0.0.1",
            server.sockets[0].getsockname()[1],
            user="desk",
            password=password,
            timeouts=PATIENT,
            tls_context=certificates.client,
        )
        try:
            return await act(transport), mailbox
        finally:
            await transport.aclose()
            server.close()
            # What a connection leaves open at the end of its loop is a warning.
            await until(lambda: all(guest.transport is None for guest in guests))
            await asyncio.sleep(0.01)  # the line below TLS is closed a turn of the loop later

    return asyncio.run(once())


def test_a_real_server_takes_the_mail_as_it_is(certificates: Any) -> None:
    result, mailbox = with_real_server(
        certificates,
        "secret word",
        lambda transport: transport.send(
            sender="digest@example.org", recipient="डेस्क@example.org", message=MESSAGE, before_data=nothing
        ),
    )
    assert result == Sent(response="250 2.0.0 kept")
    envelope = mailbox.envelopes[0]
    assert (envelope.mail_from, envelope.rcpt_tos) == ("digest@example.org", ["डेस्क@example.org"])
    assert envelope.content == MESSAGE
    assert message_from_bytes(MESSAGE, policy=policy.default)["Subject"] == "three new"


def test_a_check_logs_in_and_sends_nothing(certificates: Any) -> None:
    result, mailbox = with_real_server(certificates, "secret word", lambda transport: transport.check())
    assert isinstance(result, Sent)
    assert "TLSv1.3" in result.response
    assert mailbox.envelopes == []


def test_a_wrong_password_is_our_configuration_and_says_so(certificates: Any) -> None:
    result, mailbox = with_real_server(certificates, "wrong", lambda transport: transport.check())
    assert isinstance(result, SendFailed)
    assert result.failure is SendFailure.CONFIG
    assert result.detail.startswith("login: 535 5.7.8")
    assert mailbox.envelopes == []
