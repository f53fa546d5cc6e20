"""Subscribers and what is due to them: subscriptions, the ledger, digests and deliveries."""

from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from enum import StrEnum

from aggregator.core.model.feeds import Hours

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class Empty(StrEnum):
    """What a slot with nothing to tell does: nothing, an all-clear mail, or one a week."""

    SKIP = "skip"
    ALL_CLEAR = "all_clear"
    WEEKLY = "weekly"


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When a subscription's mail is due, in the subscriber's zone. `days` counts Monday as 0.

    An immediate subscription has no `at`; `quiet` holds its mail until the span ends.
    """

    at: tuple[time, ...] = ()
    days: frozenset[int] = frozenset(range(7))
    immediate: bool = False
    quiet: Hours | None = None


class SubscriptionKind(StrEnum):
    """What a subscription tells: the matches of its topics, or what an operator must look after."""

    TOPICS = "topics"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionSpec:
    """What a person wrote of one subscription: topics, schedule, channel (mail, outbox, webhook or apprise).

    `target` is the URL of a webhook or of an Apprise service; it is a secret. `spikes` wishes to be told when one of the
    topics has far more stories than usual.
    """

    slug: str
    topics: tuple[str, ...]
    schedule: Schedule
    empty: Empty = Empty.SKIP
    kind: SubscriptionKind = SubscriptionKind.TOPICS
    channel: str = "mail"
    target: str | None = None
    spikes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriberSpec:
    """What a person wrote of one subscriber. `address` is resolved; None when it is to go to the outbox folder."""

    slug: str
    address: str | None
    name: str | None = None
    timezone: str = "UTC"
    subscriptions: tuple[SubscriptionSpec, ...] = ()


class SubscriberState(StrEnum):
    """People's own state, which outlives the file."""

    ACTIVE = "active"
    PAUSED = "paused"
    UNSUBSCRIBED = "unsubscribed"
    BOUNCED = "bounced"
    ERASED = "erased"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber:
    """A stored subscriber. `public_id` is what links and Message-IDs carry, never the slug or the address.

    `state_at` is since when the state holds, `state_detail` why; only one who is paused may have `paused_until`.
    """

    id: int
    public_id: str
    slug: str
    address: str | None
    name: str | None
    timezone: str
    state: SubscriberState
    listed: bool
    created_at: datetime
    state_at: datetime | None = None
    state_detail: str | None = None
    paused_until: datetime | None = None


WHOLE = ""  # among the topics that were left: all of the subscription


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A stored subscription of one subscriber. `slot_at` is the last slot already dealt with.

    `weekly` is its reader's own wish for one mail a week, whatever days the schedule names; `left` are the topics that
    the reader wants no more, `WHOLE` among them when it is all of them. `spikes_since` is when its spikes began to be
    wished, None when they are not.
    """

    id: int
    subscriber_id: int
    slug: str
    topics: tuple[str, ...]
    schedule: Schedule
    empty: Empty
    channel: str
    created_at: datetime
    slot_at: datetime | None
    listed: bool
    kind: SubscriptionKind = SubscriptionKind.TOPICS
    target: str | None = None
    weekly: bool = False
    left: frozenset[str] = frozenset()
    spikes_since: datetime | None = None

    @property
    def is_left(self) -> bool:
        """Whether its reader unsubscribed from it: nothing is made or sent for it."""
        return WHOLE in self.left

    @property
    def told(self) -> tuple[str, ...]:
        """The topics it tells of, in the order a person wrote: those its reader left are not among them."""
        return () if self.is_left else tuple(topic for topic in self.topics if topic not in self.left)

    @property
    def in_force(self) -> Schedule:
        """The schedule its mail follows: the written one, or its first time on its first day where one a week is wished."""
        written = self.schedule
        if not self.weekly or written.immediate:
            return written
        return replace(written, at=written.at[:1], days=frozenset({min(written.days)}))


class LedgerState(StrEnum):
    """Every (subscription, match) is in exactly one. A pending row with a digest id is in a mail not yet through."""

    PENDING = "pending"
    DELIVERED = "delivered"
    SUPPRESSED = "suppressed"
    FAILED = "failed"


class Phase(StrEnum):
    """How far a delivery got. `DATA` is committed before the DATA command, so a crash after it is ambiguous."""

    QUEUED = "queued"
    SENDING = "sending"
    DATA = "data"
    SENT = "sent"
    UNKNOWN = "unknown"  # an ambiguous end; one identical retry follows
    PARKED = "parked"  # waits for a person
    DEAD = "dead"
    CANCELLED = "cancelled"


OPEN_PHASES = (Phase.QUEUED, Phase.SENDING, Phase.DATA, Phase.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One message's fate. `message` are the final bytes, the same on every try."""

    id: int
    digest_id: int
    subscriber_id: int
    message_id: str
    sender: str
    recipient: str | None  # None goes to the outbox folder
    channel: str
    message: bytes
    phase: Phase
    attempts: int
    lease: str | None
    next_try_at: datetime | None
    ambiguous: int = 0  # how many tries ended without a clear answer
    detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """The channel accepted the message; `response` is its answer, a queue id or a path."""

    response: str


class SendFailure(StrEnum):
    """What a failed send means, by the truth table of SMTP replies."""

    RETRY = "retry"  # not accepted, try later
    RECIPIENT = "recipient"  # this address will never work
    CONFIG = "config"  # our relay, credentials or policy: park, tell the operator
    REJECTED = "rejected"  # this message will never be accepted
    AMBIGUOUS = "ambiguous"  # it may have been accepted


@dataclass(frozen=True, slots=True, kw_only=True)
class SendFailed:
    """The channel did not accept the message, or did not say; `detail` is one line with the server's words.

    `code` and `enhanced` (RFC 3463, `5.1.1`) are those of the reply, where one came. `retry_after` is the pause that the
    server asked for.
    """

    failure: SendFailure
    detail: str
    code: int | None = None
    enhanced: str | None = None
    retry_after: timedelta | None = None


SendResult = Sent | SendFailed
