"""From what is due to a subscription to the finished letter: composed, rendered, and sealed under its Message-ID."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from aggregator.core.digests.address import split_sender
from aggregator.core.digests.compose import compose
from aggregator.core.digests.headers import build_message, message_id
from aggregator.core.digests.render import Links, render
from aggregator.core.model.digests import DigestContent, DueItem, Rendered, SourceReport
from aggregator.core.model.subscriptions import Subscriber, Subscription


@dataclass(frozen=True, slots=True, kw_only=True)
class DueDigest:
    """A digest to be made: whose, for which slot, since when, from which items."""

    owner: Subscriber
    of: Subscription
    slot_at: datetime
    since: datetime
    items: tuple[DueItem, ...]
    sources: SourceReport
    topics: tuple[tuple[str, str], ...] = ()  # (id, name) of what is watched, in the subscription's order
    archive: bool = False
    coalesced: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """How a finished digest leaves: who sends it to whom, by which channel, under which Message-ID.

    `sender` is a bare address, whatever name the From line gives. A `recipient` of None goes to the outbox folder.
    """

    message_id: str
    sender: str
    recipient: str | None
    channel: str
    message: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Postmaster:
    """Who our mail is from, and what its identifiers are made with. `domain` is ASCII.

    `sign` puts a DKIM signature on a finished message, at an instant.
    """

    sender: str
    domain: str
    secret: bytes
    base_url: str | None = None
    sign: Callable[[bytes, datetime], bytes] | None = None

    def words(self, due: DueDigest) -> tuple[DigestContent, Rendered]:
        """What the digest says, as content and in its final words."""
        content = compose(
            subscription=due.of.slug,
            subscriber_name=due.owner.name,
            timezone=due.owner.timezone,
            slot_at=due.slot_at,
            since=due.since,
            items=due.items,
            sources=due.sources,
            archive=due.archive,
            coalesced=due.coalesced,
            topics=due.topics,
        )
        return content, render(content, links=Links(base_url=self.base_url))

    def seal(self, due: DueDigest, rendered: Rendered, *, digest_id: int, now: datetime) -> Envelope:
        """The finished message of digest `digest_id`, the same bytes for the same arguments."""
        identifier = message_id(digest_id, due.owner.public_id, self.secret, self.domain)
        address = due.owner.address
        message = build_message(
            rendered=rendered,
            sender=self.sender,
            recipient=address or f"{due.owner.slug}@{self.domain}",
            message_id=identifier,
            date=now,
            list_id=f"{due.of.slug}.{self.domain}",
        )
        return Envelope(
            message_id=identifier,
            sender=split_sender(self.sender)[1],
            recipient=address,
            channel=due.of.channel if address else "outbox",
            message=self.sign(message, now) if self.sign else message,
        )
