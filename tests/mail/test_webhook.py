"""What a webhook's answer means for the digest it carried."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest

from aggregator.core.digests.webhooks import signed_headers, webhook_key
from aggregator.core.model.posts import Answered, PostResult, Unanswered
from aggregator.core.model.subscriptions import SendFailed, SendFailure, SendResult, Sent
from aggregator.mail.webhook import Headers, WebhookTransport, judged

NOW = datetime(2026, 1, 22, 2, 0, tzinfo=UTC)
SECRET = b"secret"
MESSAGE = json.dumps({"id": "d.1.abc@example.org", "subscription": {"id": 7}}).encode()
RETRY, REJECTED = SendFailure.RETRY, SendFailure.REJECTED


async def never() -> None:
    raise AssertionError("nothing of a webhook is ambiguous")


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        (200, None), (202, None), (204, None),
        (301, RETRY), (308, RETRY), (100, RETRY), (304, RETRY),
        (400, REJECTED), (401, REJECTED), (403, REJECTED), (404, REJECTED), (410, REJECTED), (422, REJECTED),
        (408, RETRY), (425, RETRY), (429, RETRY),
        (500, RETRY), (502, RETRY), (503, RETRY), (599, RETRY),
    ],
)  # fmt: skip
def test_a_status_means_what_the_table_says(status: int, meaning: SendFailure | None) -> None:
    result = judged(Answered(status=status, words=f"HTTP {status}", retry_after=timedelta(minutes=2)))
    if meaning is None:
        assert result == Sent(response=f"HTTP {status}")
    else:
        assert isinstance(result, SendFailed)
        assert (result.failure, result.code, result.retry_after) == (meaning, status, timedelta(minutes=2))


def test_no_answer_is_a_later_try_unless_none_can_fare_better() -> None:
    later, never_mind = judged(Unanswered(detail="broke off")), judged(Unanswered(detail="no URL", hopeless=True))
    assert isinstance(later, SendFailed)
    assert isinstance(never_mind, SendFailed)
    assert (later.failure, never_mind.failure) == (RETRY, REJECTED)


def send(answer: PostResult, recipient: str | None = "https://hook.example/x") -> tuple[SendResult, list[Headers]]:
    given: list[Headers] = []

    async def post(url: str, body: bytes, headers: Headers) -> PostResult:
        assert (url, body) == (recipient, MESSAGE)
        given.append(headers)
        return answer

    transport = WebhookTransport(post, secrets=[SECRET], clock=lambda: NOW)
    sending = transport.send(sender="a@example.org", recipient=recipient, message=MESSAGE, before_data=never)
    return asyncio.run(sending), given


def test_it_is_signed_with_its_subscriptions_own_key() -> None:
    result, given = send(Answered(status=200, words="HTTP 200"))
    assert result == Sent(response="HTTP 200")
    assert given == [signed_headers([webhook_key(SECRET, 7)], "d.1.abc@example.org", MESSAGE, NOW)]


def test_without_an_address_nothing_is_sent() -> None:
    result, given = send(Answered(status=200, words=""), recipient=None)
    assert isinstance(result, SendFailed)
    assert (result.failure, given) == (REJECTED, [])


def test_what_the_channel_is_called_names_no_address() -> None:
    result, _ = send(Answered(status=401, words='HTTP 401, it says "\x1b[2J"'))
    assert isinstance(result, SendFailed)
    assert result.detail.isprintable()
