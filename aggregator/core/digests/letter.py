"""From what is due to a subscription to the finished letter: composed, rendered, and sealed under its Message-ID."""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from aggregator.core.digests.address import split_sender
from aggregator.core.digests.compose import compose
from aggregator.core.digests.compose.corrections import corrected
from aggregator.core.digests.compose.known import weighed
from aggregator.core.digests.compose.spikes import told_spikes
from aggregator.core.digests.headers import build_message, message_id
from aggregator.core.digests.payload import Stamp, payload
from aggregator.core.digests.render import Links, render, render_operator
from aggregator.core.digests.tokens import Keyring, Purpose, view_until
from aggregator.core.model.digests import (
    DigestContent,
    DigestKind,
    DueCorrection,
    DueItem,
    Flood,
    Rendered,
    SourceReport,
    ToldItem,
)
from aggregator.core.model.operator import OperatorReport
from aggregator.core.model.subscriptions import Subscriber, Subscription
from aggregator.core.model.trends import DueSpike, TrendBar


@dataclass(frozen=True, slots=True, kw_only=True)
class DueDigest:
    """A digest to be made: whose, for which slot, since when, from which items.

    `known` are items it leaves out, for they say nothing new of stories their reader was told: `told` has those, by
    story. `undone` are rows of corrections that went back on themselves.
    """

    owner: Subscriber
    of: Subscription
    slot_at: datetime
    since: datetime
    items: tuple[DueItem, ...]
    sources: SourceReport
    kind: DigestKind = DigestKind.DIGEST
    topics: tuple[tuple[str, str], ...] = ()  # (id, name) of what is watched, in the subscription's order
    archive: bool = False
    coalesced: int = 0
    told: Mapping[int, tuple[ToldItem, ...]] = field(default_factory=dict)
    known: tuple[DueItem, ...] = ()
    known_before: int = 0  # left out since the last digest, when there was nothing else to tell
    corrections: tuple[DueCorrection, ...] = ()
    corrections_waiting: int = 0  # beyond these
    undone: tuple[int, ...] = ()
    spikes: tuple[DueSpike, ...] = ()
    floods: Mapping[str, Flood] = field(default_factory=dict)
    links: frozenset[tuple[int, int]] = frozenset()  # stored stories that are related, two and two
    late_alerts: frozenset[int] = frozenset()  # matches that were not told at once, the day having had its alerts
    notes: tuple[str, ...] = ()
    bars: tuple[TrendBar, ...] = ()
    first_alerts: Mapping[int, str] = field(default_factory=dict)  # by story, the Message-ID of the alert that told it
    report: OperatorReport | None = None  # of an operator's digest, which has no items

    @property
    def says_something(self) -> bool:
        """Whether there is any news in it."""
        return bool(self.items or self.corrections or self.spikes or (self.report is not None and self.report.is_due))


def settled(due: DueDigest) -> DueDigest:
    """`due` with its items sorted into those to tell and those that its reader knows."""
    items, known = weighed(due.items, due.told)
    return replace(due, items=items, known=known)


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """How a finished digest leaves: who sends it to whom, by which channel, under which Message-ID.

    `sender` is a bare address, whatever name the From line gives. A `recipient` of None goes to the outbox folder; that
    of a webhook or of another service is its URL, a secret.
    """

    message_id: str
    sender: str
    recipient: str | None
    channel: str
    message: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Postmaster:
    """Who our mail is from, and what its identifiers are made with. `domain` is ASCII.

    `return_address` is where mail that cannot be delivered comes back, each under a token of its own (VERP); without one
    that is the sender. `sign` puts a DKIM signature on a finished message, at an instant.
    """

    sender: str
    domain: str
    secret: bytes
    base_url: str | None = None
    return_address: str | None = None
    sign: Callable[[bytes, datetime], bytes] | None = None

    def words(self, due: DueDigest) -> tuple[int, Rendered]:
        """How many stories the digest tells, and its final words but for what its id adds (see `seal`)."""
        links = self._links(due)
        if due.report is not None:
            return due.report.count, render_operator(due.report, owner=due.owner, of=due.of, links=links)
        content = self.content(due)
        return content.story_count, render(content, links=links)

    def content(self, due: DueDigest) -> DigestContent:
        """What the digest says, before it is given a form."""
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
            floods=due.floods,
            links=due.links,
        )
        return replace(
            content,
            kind=due.kind,
            corrections=corrected(due.corrections),
            corrections_more=due.corrections_waiting,
            spikes=told_spikes(due.spikes, content.sections),
            known=len(due.known) + due.known_before,
            late_alerts=len({item.entry_id for item in due.items if item.match_id in due.late_alerts}),
            notes=due.notes,
            bars=due.bars,
        )

    def numbered(self, due: DueDigest, rendered: Rendered, *, digest_id: int) -> Rendered:
        """The words of digest `digest_id`, with the link to its own page."""
        if self.base_url is None:
            return rendered
        to_be, page = self._page_to_be(due), self._page(due, digest_id)
        return replace(rendered, text=rendered.text.replace(to_be, page), html=rendered.html.replace(to_be, page))

    def seal(self, due: DueDigest, rendered: Rendered, *, digest_id: int, now: datetime) -> Envelope:
        """The finished message of digest `digest_id`, the same bytes for the same arguments."""
        identifier = message_id(digest_id, due.owner.public_id, self.secret, self.domain)
        address = due.owner.address
        page = None if self.base_url is None else self._page(due, digest_id)
        rendered = self.numbered(due, rendered, digest_id=digest_id)
        if due.of.target is not None:
            return self._posted(due, rendered, identifier, digest_id=digest_id, page=page, now=now)
        sender = split_sender(self.sender)[1]
        message = build_message(
            rendered=rendered,
            sender=self.sender,
            recipient=address or f"{due.owner.slug}@{self.domain}",
            message_id=identifier,
            date=now,
            list_id=f"{due.of.slug}.{self.domain}",
            unsubscribe=self._unsubscribe_page(due),
            unsubscribe_mail=self._unsubscribe_mail(due, self.return_address or sender),
            archive=page,
            owner=f"mailto:{sender}",
            references=self._thread(due),
        )
        return Envelope(
            message_id=identifier,
            sender=self._return_path(digest_id) or sender,
            recipient=address,
            channel=due.of.channel if address else "outbox",
            message=self.sign(message, now) if self.sign else message,
        )

    def _posted(
        self, due: DueDigest, rendered: Rendered, identifier: str, *, digest_id: int, page: str | None, now: datetime
    ) -> Envelope:
        """A digest that is no mail: a document for a webhook's program, the words for any other service."""
        if due.of.channel == "webhook":
            stamp = Stamp(
                message_id=identifier.strip("<>"),
                digest_id=digest_id,
                subscriber=due.owner.slug,
                subscription=due.of.slug,
                subscription_id=due.of.id,
                kind=due.kind.value,
                slot_at=due.slot_at,
                made_at=now,
                page=page,
            )
            message = payload(stamp, rendered, None if due.report is not None else self.content(due))
        else:
            message = f"{rendered.subject}\n\n{rendered.text}".encode("utf-8", "replace")
        return Envelope(
            message_id=identifier,
            sender=split_sender(self.sender)[1],
            recipient=due.of.target,
            channel=due.of.channel,
            message=message,
        )

    def _thread(self, due: DueDigest) -> tuple[str, ...]:
        """What an alert about one story hangs on: the story itself, and the alert that told it first."""
        stories = {item.story_id for item in due.items}
        if due.kind is not DigestKind.ALERT or due.spikes or len(stories) != 1 or (story_id := stories.pop()) is None:
            return ()
        first = due.first_alerts.get(story_id)
        return (f"<story.{story_id}@{self.domain}>", *([first] if first else []))

    def _links(self, due: DueDigest) -> Links:
        """Where this digest leads to. Its own page is named after its id, which is not known before it is frozen."""
        if self.base_url is None:
            return Links()
        who = due.owner.public_id
        reviews = {
            item.match_id: f"{self._base}/r/{self._keys.sign(Purpose.REVIEW, who, item.match_id)}" for item in due.items
        }
        pages = {item.told_in: self._page(due, item.told_in) for item in due.items if item.told_in and item.news}
        return Links(
            base_url=self.base_url,
            unsubscribe=self._unsubscribe_page(due),
            archive=self._page_to_be(due),
            reviews=reviews,
            pages=pages,
        )

    def _page(self, due: DueDigest, digest_id: int) -> str:
        """Where digest `digest_id` of the same reader can be read."""
        until = view_until(due.slot_at.date())
        token = self._keys.sign(Purpose.VIEW, due.owner.public_id, digest_id, until=until)
        return f"{self._base}/d/{token}"

    def _page_to_be(self, due: DueDigest) -> str:
        """What stands for the digest's own page until its id is known: as long, and nothing a publisher could write."""
        mark = hmac.digest(self.secret, f"page {due.owner.public_id}".encode(), "sha256").hex()
        return f"{self._base}/d/{mark}"

    def _unsubscribe_page(self, due: DueDigest) -> str | None:
        return None if self.base_url is None else f"{self._base}/u/{self._unsubscribe_token(due)}"

    def _unsubscribe_token(self, due: DueDigest) -> str:
        return self._keys.sign(Purpose.UNSUBSCRIBE, due.owner.public_id, due.of.id)

    def _return_path(self, digest_id: int) -> str | None:
        """`bounces+{token}@example.org`, by which a mail that comes back is known for this digest's."""
        if self.return_address is None:
            return None
        local, _, domain = self.return_address.rpartition("@")
        return f"{local}+{self._keys.return_token(digest_id)}@{domain}"

    def _unsubscribe_mail(self, due: DueDigest, sender: str) -> str:
        return f"mailto:{sender}?subject=u-{self._unsubscribe_token(due)}"

    @property
    def _base(self) -> str:
        return (self.base_url or "").rstrip("/")

    @property
    def _keys(self) -> Keyring:
        return Keyring((self.secret,))
