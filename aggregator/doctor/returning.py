"""Whether mail that comes back is read by anybody."""

import asyncio
from collections.abc import Iterator

from aggregator.doctor.finding import Finding, ok, problem, warning
from aggregator.mail.mailbox import Mailbox, MailboxError

PATIENCE = 10.0  # seconds


def returns(mailbox: Mailbox | None, *, address: str | None, shown: str | None) -> Iterator[Finding]:
    """Whether the bounce mailbox opens, and whether mail that comes back arrives in one; nothing when neither is set."""
    if mailbox is None:
        if address is not None:
            hint = "set AGGREGATOR_BOUNCE_MAILBOX to the mailbox of that address"
            yield warning("bounces", f"mail comes back to {address}, and nobody reads it", hint)
        return
    try:
        number = asyncio.run(_waiting(mailbox))
    except MailboxError as error:
        yield problem("bounces", str(error), "see AGGREGATOR_BOUNCE_MAILBOX and its password")
        return
    except TimeoutError:
        yield problem("bounces", f"{shown} does not answer within {PATIENCE:.0f} s", "see AGGREGATOR_BOUNCE_MAILBOX")
        return
    yield ok("bounces", f"{shown}, {number} unread")
    if address is None:
        hint = "set AGGREGATOR_BOUNCE_ADDRESS, and accept NAME+anything@ there"
        yield warning(
            "bounces", "mail comes back to the sender's own address, so some reports cannot be told apart", hint
        )


async def _waiting(mailbox: Mailbox) -> int:
    async with asyncio.timeout(PATIENCE):
        return await mailbox.waiting()
