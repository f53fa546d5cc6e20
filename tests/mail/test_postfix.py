"""Through a real mail server and back: what was frozen is what lies in the mailbox, and its signature still holds."""

import asyncio
import base64
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes, policy

import dkim
import pytest

from aggregator.core.digests.headers import build_message
from aggregator.core.model.digests import Rendered
from aggregator.core.model.subscriptions import SendFailed, SendFailure, SendResult, Sent
from aggregator.mail.dkim import Signer
from aggregator.mail.smtp import SmtpManners, SmtpTransport
from tests.patience import until
from tests.postfix import DOMAIN, Postfix, running

NOW = datetime(2026, 1, 22, 2, 0, tzinfo=UTC)
SIGNER = Signer(domain="sender.example", selector="s", key=base64.b64encode(bytes(range(32))).decode())
WORDS = Rendered(
    subject="[Narcotics] 3 new: नई दिल्ली",
    text=".\nFrom the working group\n..\nनई दिल्ली\n" + "long " * 400 + "\n",
    html="<html><body><p>" + "ग" * 3000 + "</p></body></html>",
)


@pytest.fixture(scope="module")
def postfix() -> Iterator[Postfix]:
    with running("desk", "lab") as server:
        yield server


def frozen(number: int) -> bytes:
    message = build_message(
        rendered=WORDS,
        sender="The desk <desk@sender.example>",
        recipient=f"desk@{DOMAIN}",
        message_id=f"<d.{number}.abc.0123456789abcdef@sender.example>",
        date=NOW,
        list_id="morning.sender.example",
        unsubscribe="https://news.sender.example/u/token",
    )
    return SIGNER.sign(message, NOW)


def send(server: Postfix, *mails: tuple[str, bytes]) -> list[SendResult]:
    async def nothing() -> None:
        """Nothing to record."""

    async def once() -> list[SendResult]:
        transport = SmtpTransport(
            "127.0.0.1", server.port, tls_context=server.trust, manners=SmtpManners(rate=1000, connections=3)
        )
        try:
            sending = (
                transport.send(sender="desk@sender.example", recipient=recipient, message=message, before_data=nothing)
                for recipient, message in mails
            )
            return list(await asyncio.gather(*sending))
        finally:
            await transport.aclose()

    return asyncio.run(once())


def arrived(server: Postfix, person: str, number: int) -> list[bytes]:
    asyncio.run(until(lambda: len(server.mails(person)) >= number))
    return server.mails(person)


def as_it_was(delivered: bytes) -> bytes:
    """A delivered mail without what servers put on top of it, with the line ends of the wire."""
    return b"DKIM-Signature:" + delivered.replace(b"\n", b"\r\n").partition(b"DKIM-Signature:")[2]


def test_what_was_frozen_lies_in_the_mailbox_and_its_signature_holds(postfix: Postfix) -> None:
    sent = {number: frozen(number) for number in range(12)}
    results = send(postfix, *((f"desk@{DOMAIN}", message) for message in sent.values()))
    assert all(isinstance(one, Sent) and "queued as" in one.response for one in results)
    mails = arrived(postfix, "desk", len(sent))
    assert sorted(map(as_it_was, mails)) == sorted(sent.values())
    for mail in mails:
        assert dkim.verify(mail, dnsfunc=lambda *_, **__: SIGNER.record.encode())
        read = message_from_bytes(mail, policy=policy.default)
        assert read["Subject"] == WORDS.subject
        assert read["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        text = read.get_body(("plain",))
        assert text is not None
        assert text.get_content().splitlines() == WORDS.text.splitlines()
    asyncio.run(until(lambda: postfix.log.count(": disconnect from") == postfix.log.count(": connect from") > 0))
    assert postfix.log.count(": connect from") == 3


def test_an_address_that_is_not_there_bounces_for_good_and_holds_up_nobody(postfix: Postfix) -> None:
    nobody, there = send(postfix, (f"nobody@{DOMAIN}", frozen(100)), (f"lab@{DOMAIN}", frozen(101)))
    assert isinstance(nobody, SendFailed)
    assert (nobody.failure, nobody.code, nobody.enhanced) == (SendFailure.RECIPIENT, 550, "5.1.1")
    assert isinstance(there, Sent)
    assert as_it_was(arrived(postfix, "lab", 1)[0]) == frozen(101)


def test_a_server_that_is_not_trusted_gets_nothing(postfix: Postfix) -> None:
    (result,) = send(Postfix(postfix.port, ssl_context(), postfix.home), (f"desk@{DOMAIN}", frozen(200)))
    assert isinstance(result, SendFailed)
    assert (result.failure, "certificate is not valid" in result.detail) == (SendFailure.RETRY, True)
    assert b"<d.200." not in b"".join(postfix.mails("desk"))


def ssl_context() -> ssl.SSLContext:
    return ssl.create_default_context()
