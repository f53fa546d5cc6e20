"""The one seam through which a finished mail leaves: what every channel must do, and nothing of how."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from aggregator.core.model.subscriptions import SendResult, Sent

BeforeData = Callable[[], Awaitable[None]]


class Transport(Protocol):
    """A channel. It takes the final bytes and sends exactly these, to one recipient."""

    async def send(self, *, sender: str, recipient: str | None, message: bytes, before_data: BeforeData) -> SendResult:
        """Send one mail. A refusal, a broken line or a full disk is a `SendFailed`, never an exception.

        `before_data` is awaited once, after the recipient was accepted and before the first byte of the message can be:
        there the caller records that the outcome may become ambiguous. (A channel whose receivers know a repeat leaves
        it out, as nothing is ambiguous there.) What it raises ends the session, unsent, and comes out of `send`. A
        cancelled `send` closes its connection at once; after `before_data` that is as ambiguous as a crash, so callers
        shield it.
        """
        ...

    async def check(self) -> SendResult:
        """Find out whether mail could leave now, without sending any: `Sent` says what answered."""
        ...

    async def aclose(self) -> None:
        """Give back what it holds open between two mails. It may be used again afterwards."""
        ...

    def describe(self) -> str:
        """Name the channel for people, without any secret."""
        ...


class ToTheirOwn:
    """What channels share whose subscriptions each name a place of their own, so that there is none to ask beforehand."""

    async def check(self) -> SendResult:
        """Nothing is asked: whoever is there hears of us when there is something to tell."""
        return Sent(response="nothing was asked")

    async def aclose(self) -> None:
        """Nothing is held open."""
