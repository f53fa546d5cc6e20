"""Every mail to one address, for trying things out on real data: the envelope changes, the message stays as it is."""

from dataclasses import replace

from aggregator.core.model.subscriptions import SendFailed, SendFailure, SendResult
from aggregator.mail.transport import BeforeData, Transport


class RedirectedTransport:
    """`inner`, but whoever a mail is for, it goes to `address`, and what comes back of it goes to `sender`.

    A return path of the digest's own would have a bounce of the one address count against its reader.
    """

    def __init__(self, inner: Transport, address: str, *, sender: str) -> None:
        self._inner = inner
        self.address = address
        self._sender = sender

    async def send(self, *, sender: str, recipient: str | None, message: bytes, before_data: BeforeData) -> SendResult:
        """Send the mail to the one address, as `Transport.send` says; the answer says so."""
        del sender
        aim = self.address if recipient else None
        result = await self._inner.send(sender=self._sender, recipient=aim, message=message, before_data=before_data)
        if not isinstance(result, SendFailed):
            return replace(result, response=f"{result.response} (redirected to {self.address})")
        if recipient and result.failure is SendFailure.RECIPIENT:
            # The address that was refused is our configuration: it must not count against the person.
            return replace(result, failure=SendFailure.CONFIG)
        return result

    async def check(self) -> SendResult:
        """As the channel below."""
        return await self._inner.check()

    async def aclose(self) -> None:
        """As the channel below."""
        await self._inner.aclose()

    def describe(self) -> str:
        """The channel below, and where everything goes."""
        return f"{self._inner.describe()}, everything to {self.address}"
