"""The small mail of `digest send-test`: built like a digest's, sent by the same transport, remembered nowhere."""

from html import escape
from typing import TYPE_CHECKING

from aggregator.app import make_clock, new_token
from aggregator.channels import make_signer, make_transports
from aggregator.core.digests.address import split_sender, wire_address
from aggregator.core.digests.headers import build_message
from aggregator.core.errors import UsageError
from aggregator.core.model.digests import Rendered

if TYPE_CHECKING:
    from aggregator.core.model.subscriptions import SendResult
    from aggregator.settings import Settings

SUBJECT = "Test mail from aggregator"


async def send(settings: "Settings", address: str | None) -> "tuple[str, SendResult]":
    """Send it to `address`, or to the outbox folder; by which way it went, and what came of it. Raises UsageError."""
    transport = make_transports(settings)["outbox" if address is None else "mail"]
    way = transport.describe()
    sender = split_sender(settings.mail_from)[1]
    now = make_clock(settings, runs_on=False)()
    domain = wire_address(sender).rpartition("@")[2] or "localhost"
    try:
        message = build_message(
            rendered=words(way),
            sender=settings.mail_from,
            recipient=address,
            message_id=f"<test.{new_token()}@{domain}>",
            date=now,
        )
    except ValueError as error:
        raise UsageError(f"no mail can go there: {error}") from None
    if signer := make_signer(settings):
        message = signer.sign(message, now)
    try:
        result = await transport.send(sender=sender, recipient=address, message=message, before_data=_nothing_to_record)
    finally:
        await transport.aclose()
    return way, result


def words(way: str) -> Rendered:
    """What it says."""
    lines = (
        "This is a test: digests can reach you here.",
        f"It was sent with `aggregator digest send-test`, by {way}.",
        "There is nothing to do, and no reply is read.",
    )
    page = "".join(f"<p>{escape(line)}</p>" for line in lines)
    html = f'<!doctype html><html lang="en"><head><title>{SUBJECT}</title></head><body>{page}</body></html>'
    return Rendered(subject=SUBJECT, text="\n\n".join(lines) + "\n", html=html)


async def _nothing_to_record() -> None:
    """A test mail has no delivery row: an ambiguous end is simply told."""
