"""One round of the station: make every digest that is due, then send every delivery that is due."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from aggregator.core.model.digests import Rendered
from aggregator.core.model.subscriptions import Phase
from aggregator.dispatch.opening import Opener
from aggregator.dispatch.sending import Sender


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatched:
    """What one round did: digests frozen, and deliveries by the phase they ended in."""

    digests: tuple[int, ...]
    deliveries: Mapping[str, Phase]  # Message-ID -> phase


class Dispatcher:
    """Makes digests with `opener` and sends them with `sender`."""

    def __init__(self, opener: Opener, sender: Sender) -> None:
        self._opener = opener
        self._sender = sender

    async def run(self, *, patience: float | None = None) -> Dispatched:
        """Make every digest that is due, then send every delivery that is due; `patience` as in `Sender.send_due`."""
        return Dispatched(digests=await self.open_due(), deliveries=await self.send_due(patience=patience))

    async def open_due(self) -> tuple[int, ...]:
        """Make and freeze every digest whose slot has come; see `Opener.open_due`."""
        return await self._opener.open_due()

    async def preview(
        self, slug: str, *, subscription: str | None = None, as_of: datetime | None = None
    ) -> tuple[Rendered, bytes]:
        """What a subscriber's next digest would be; see `Opener.preview`."""
        return await self._opener.preview(slug, subscription=subscription, as_of=as_of)

    async def send_due(self, *, patience: float | None = None) -> Mapping[str, Phase]:
        """Send what waits in the outbox; see `Sender.send_due`."""
        return await self._sender.send_due(patience=patience)

    async def drain(self) -> None:
        """Wait for sessions past DATA to end; see `Sender.drain`."""
        await self._sender.drain()

    async def aclose(self) -> None:
        """Give back what the channels hold open; see `Sender.aclose`."""
        await self._sender.aclose()
