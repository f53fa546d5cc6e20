"""Trials on real people's digests: whoever a mail is for, it goes to one address, and nobody is blamed for that one."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from aggregator.channels import make_transports
from aggregator.core.errors import ConfigError
from aggregator.core.model.subscriptions import SendFailed, SendFailure, SendResult, Sent
from aggregator.mail.files import FileTransport, PayloadFolder
from aggregator.mail.redirect import RedirectedTransport
from aggregator.settings import load
from tests.world import MailBox


class Noting(MailBox):
    """A channel that remembers whom it was given mail for."""

    def __init__(self, *answers: SendResult) -> None:
        super().__init__(answers=list(answers))
        self.recipients: list[str | None] = []
        self.senders: list[str] = []

    async def send(
        self, *, sender: str, recipient: str | None, message: bytes, before_data: Callable[[], Awaitable[None]]
    ) -> SendResult:
        self.recipients.append(recipient)
        self.senders.append(sender)
        return await super().send(sender=sender, recipient=recipient, message=message, before_data=before_data)


async def nothing() -> None:
    """Nothing to record."""


def sent(transport: RedirectedTransport | PayloadFolder, recipient: str | None = "reader@example.net") -> SendResult:
    return asyncio.run(
        transport.send(
            sender="bounces+7-8c1f@example.org", recipient=recipient, message=b"the bytes", before_data=nothing
        )
    )


def test_the_envelope_changes_and_the_message_does_not() -> None:
    inner = Noting()
    result = sent(RedirectedTransport(inner, "trial@example.org", sender="desk@example.org"))
    assert result == Sent(response="250 ok (redirected to trial@example.org)")
    assert (inner.recipients, inner.sent) == (["trial@example.org"], [b"the bytes"])


def test_a_bounce_of_the_one_address_comes_back_to_nobody_s_account() -> None:
    inner = Noting()
    sent(RedirectedTransport(inner, "trial@example.org", sender="desk@example.org"))
    assert inner.senders == ["desk@example.org"]


def test_an_address_that_refuses_everything_is_our_configuration_and_not_a_person_s() -> None:
    refusal = SendFailed(failure=SendFailure.RECIPIENT, detail="recipient: 550 5.1.1 who?", code=550, enhanced="5.1.1")
    result = sent(RedirectedTransport(Noting(refusal), "trial@example.org", sender="desk@example.org"))
    assert isinstance(result, SendFailed)
    assert result.failure is SendFailure.CONFIG


def test_who_has_no_address_gets_none_by_being_redirected() -> None:
    inner = Noting()
    sent(RedirectedTransport(inner, "trial@example.org", sender="desk@example.org"), recipient=None)
    assert inner.recipients == [None]


def test_settings_redirect_what_goes_by_smtp_and_say_so() -> None:
    given = {"AGGREGATOR_SMTP_HOST": "localhost", "AGGREGATOR_REDIRECT_ALL_TO": "trial@example.org"}
    assert "everything to trial@example.org" in make_transports(load(given))["mail"].describe()
    assert isinstance(make_transports(load({**given, "AGGREGATOR_MAIL_TRANSPORT": "file"}))["mail"], FileTransport)
    option = load({"AGGREGATOR_REDIRECT_ALL_TO": "trial@example.org"}, redirect_all_to="me@example.org")
    assert option.redirect_all_to == "me@example.org"


def test_an_address_that_is_none_is_refused_at_the_start() -> None:
    with pytest.raises(ConfigError, match="AGGREGATOR_REDIRECT_ALL_TO"):
        load({}, redirect_all_to="everybody")


def test_what_is_no_mail_is_written_into_the_folder_once(tmp_path: Path) -> None:
    folder = PayloadFolder(tmp_path / "outbox", stem="webhook", suffix=".json")
    first, second = sent(folder), sent(folder)
    assert first == second
    (path,) = (tmp_path / "outbox").iterdir()
    assert (path.name.startswith("webhook-"), path.suffix, path.read_bytes()) == (True, ".json", b"the bytes")
    assert path.stat().st_mode & 0o077 == 0
