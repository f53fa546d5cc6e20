"""Between the nouns and the JSON, bytes and rows that hold them."""

import json
import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from datetime import UTC, date, datetime
from typing import Any, Final

from pydantic import TypeAdapter
from sqlalchemy import Row

from aggregator.core.model.entries import Enclosure, Entry, Revision
from aggregator.core.model.feeds import FailureKind, Feed, FeedState, Hints
from aggregator.core.model.subscriptions import (
    Empty,
    Schedule,
    Subscriber,
    SubscriberState,
    Subscription,
    SubscriptionKind,
)
from aggregator.core.model.topics import Fired, Topic

_FEED: Final = TypeAdapter(Feed)
_HINTS: Final = TypeAdapter(Hints)
_TOPIC: Final = TypeAdapter(Topic)
_FIRED: Final = TypeAdapter(tuple[Fired, ...])
_ENCLOSURES: Final = TypeAdapter(tuple[Enclosure, ...])
_SCHEDULE: Final = TypeAdapter(Schedule)

# Columns of feed_state that are kept as they are; the others need a form of their own.
_PLAIN_STATE = frozenset(field.name for field in fields(FeedState)) - {"host", "spans", "hints", "error_kind"}


def feed_json(feed: Feed) -> Any:
    """A feed as JSON; reading it back gives an equal feed."""
    return _FEED.dump_python(feed, mode="json")


def feed_of(definition: Any) -> Feed:
    """A feed from its JSON."""
    return _FEED.validate_python(definition)


def topic_json(topic: Topic) -> Any:
    """A topic's definition as JSON, without its version: that is counted by the store.

    What came with a later release stands in it only where it is used: a definition must not change by an upgrade.
    """
    return _TOPIC.dump_python(topic, mode="json", exclude={"version"} if topic.window else {"version", "window"})


def topic_of(definition: Mapping[str, Any], version: int) -> Topic:
    """A topic from its JSON and version."""
    return _TOPIC.validate_python({**definition, "version": version})


def fired_json(fired: Sequence[Fired]) -> Any:
    """Fired clauses with their spans as JSON."""
    return _FIRED.dump_python(tuple(fired), mode="json")


def fired_of(raw: Any) -> tuple[Fired, ...]:
    """Fired clauses from JSON."""
    return _FIRED.validate_python(raw)


def schedule_json(schedule: Schedule) -> Any:
    """A schedule as JSON, its days in order, so that equal schedules are equal text."""
    return {**_SCHEDULE.dump_python(schedule, mode="json"), "days": sorted(schedule.days)}


def spans_bytes(spans: Mapping[bytes, str]) -> bytes | None:
    """Span hashes with their entry keys as one compact blob, in document order."""
    if not spans:
        return None
    # Latin-1 gives each byte of a hash one character, so that one JSON text carries both.
    return zlib.compress(json.dumps([[span.decode("latin-1"), key] for span, key in spans.items()]).encode())


def spans_of(blob: bytes | None) -> dict[bytes, str]:
    """The mapping back from its blob."""
    if blob is None:
        return {}
    return {span.encode("latin-1"): key for span, key in json.loads(zlib.decompress(blob))}


def state_row(state: FeedState, host_id: int) -> dict[str, Any]:
    """A feed's state as a row of `feed_state`."""
    row = {name: getattr(state, name) for name in _PLAIN_STATE}
    row["host_id"] = host_id
    row["spans"] = spans_bytes(state.spans)
    row["hints"] = _HINTS.dump_python(state.hints, mode="json")
    row["error_kind"] = state.error_kind.value if state.error_kind else None
    return row


def state_of(row: Row[Any], host: str) -> FeedState:
    """A feed's state from a row that holds the columns of `feed_state`."""
    values = row._mapping  # noqa: SLF001 - SQLAlchemy's public name for a row by column
    return FeedState(
        host=host,
        spans=spans_of(values["spans"]),
        hints=_HINTS.validate_python(values["hints"]),
        error_kind=FailureKind(values["error_kind"]) if values["error_kind"] else None,
        **{name: values[name] for name in _PLAIN_STATE},
    )


def revision_row(entry_id: int, revision: Revision) -> dict[str, Any]:
    """A revision as a row."""
    return {
        "entry_id": entry_id,
        "n": revision.n,
        "title": revision.title,
        "text": revision.text,
        "html": revision.html,
        "link": revision.link,
        "authors": list(revision.authors),
        "tags": list(revision.tags),
        "language": revision.language,
        "enclosures": _ENCLOSURES.dump_python(revision.enclosures, mode="json"),
        "hash": revision.hash,
        "seen_at": revision.seen_at,
    }


def revision_of(row: Row[Any]) -> Revision:
    """A revision from a row that holds its columns."""
    return Revision(
        n=row.n,
        title=row.title,
        text=row.text,
        html=row.html,
        link=row.link,
        authors=tuple(row.authors),
        tags=tuple(row.tags),
        language=row.language,
        enclosures=_ENCLOSURES.validate_python(row.enclosures),
        hash=row.hash,
        seen_at=row.seen_at,
    )


def entry_of(row: Row[Any], topics: Sequence[str]) -> Entry:
    """An entry from a row that holds its columns beside those of its current revision."""
    return Entry(
        id=row.entry_id,
        feed_id=row.feed_id,
        key=row.key,
        first_seen=row.first_seen,
        published=row.published,
        published_raw=row.published_raw,
        date_suspect=row.date_suspect,
        updated=row.updated,
        withdrawn=row.withdrawn_at is not None,
        revision=revision_of(row),
        topics=tuple(topics),
    )


def subscriber_of(row: Row[Any]) -> Subscriber:
    """A subscriber from its row."""
    return Subscriber(
        id=row.id,
        public_id=row.public_id,
        slug=row.slug,
        address=row.address,
        name=row.name,
        timezone=row.timezone,
        state=SubscriberState(row.state),
        listed=row.listed,
        created_at=row.created_at,
        state_at=row.state_at,
        state_detail=row.state_detail,
        paused_until=row.paused_until,
    )


def subscription_of(row: Row[Any], topics: Sequence[str], left: Collection[str] = ()) -> Subscription:
    """A subscription from its row, its topics, and those its reader left."""
    return Subscription(
        id=row.id,
        subscriber_id=row.subscriber_id,
        slug=row.slug,
        topics=tuple(topics),
        schedule=_SCHEDULE.validate_python(row.schedule),
        empty=Empty(row.empty),
        channel=row.channel,
        created_at=row.created_at,
        slot_at=row.slot_at,
        listed=row.listed,
        kind=SubscriptionKind(row.kind),
        target=row.target,
        weekly=row.weekly,
        left=frozenset(left),
        spikes_since=row.spikes_since,
    )


def day_of(now: datetime) -> date:
    """The UTC day that a check counts towards."""
    return now.astimezone(UTC).date()
