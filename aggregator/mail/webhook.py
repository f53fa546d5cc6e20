"""A digest as a signed POST to its subscription's own address (the Standard Webhooks scheme), at least once.

Receivers know a repeat by its id. The wire is not touched here: `post` is the one client's.
"""

import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from aggregator.core.digests.webhooks import signed_headers, webhook_key
from aggregator.core.model.posts import Answered, PostResult, Unanswered
from aggregator.core.model.subscriptions import SendFailed, SendFailure, SendResult, Sent
from aggregator.mail.outcome import one_line
from aggregator.mail.transport import BeforeData, ToTheirOwn

Headers = tuple[tuple[str, str], ...]
PostJson = Callable[[str, bytes, Headers], Awaitable[PostResult]]

# Refusals that may pass: a slow request, one too early, too many of them.
_PASSING = frozenset({408, 425, 429})


class WebhookTransport(ToTheirOwn):
    """Sends payloads of `core/digests/payload.py`, each signed with its subscription's key of each of the `secrets`."""

    def __init__(self, post: PostJson, *, secrets: Sequence[bytes], clock: Callable[[], datetime]) -> None:
        self._post = post
        self._secrets = tuple(secrets)
        self._clock = clock

    async def send(self, *, sender: str, recipient: str | None, message: bytes, before_data: BeforeData) -> SendResult:
        """POST `message` to the URL `recipient`, as `Transport.send` says. A fault of one receiver parks no other.

        `before_data` is not awaited: receivers know a repeat by its id, so no end of a try is ambiguous.
        """
        del sender, before_data
        if recipient is None:
            return SendFailed(failure=SendFailure.REJECTED, detail="the subscription has no address to send to")
        told = json.loads(message)
        keys = [webhook_key(secret, told["subscription"]["id"]) for secret in self._secrets]
        headers = signed_headers(keys, told["id"], message, self._clock())
        return judged(await self._post(recipient, message, headers))

    def describe(self) -> str:
        """The channel; each subscription has an address of its own."""
        return "signed webhooks"


def judged(result: PostResult) -> SendResult:
    """What an answer means: 2xx is taken; 4xx is final but for 408, 425 and 429; everything else is a later try."""
    if isinstance(result, Unanswered):
        failure = SendFailure.REJECTED if result.hopeless else SendFailure.RETRY
        return SendFailed(failure=failure, detail=one_line(result.detail), retry_after=result.retry_after)
    if 200 <= result.status <= 299:
        return Sent(response=one_line(result.words))
    return SendFailed(
        failure=_meaning(result),
        detail=one_line(result.words),
        code=result.status,
        retry_after=result.retry_after,
    )


def _meaning(answer: Answered) -> SendFailure:
    final = 400 <= answer.status <= 499 and answer.status not in _PASSING
    return SendFailure.REJECTED if final else SendFailure.RETRY
