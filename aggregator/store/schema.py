"""The tables, named after the nouns. Every other file of the store reads and writes through these."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcDateTime(TypeDecorator[datetime]):
    """An instant. Refuses naive values, always gives back UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To the database: UTC, without a zone where the database keeps none."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a stored instant needs a time zone: {value!r}")
        instant = value.astimezone(UTC)
        return instant if dialect.name == "postgresql" else instant.replace(tzinfo=None)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """From the database: aware, in UTC."""
        if value is None:
            return None
        instant: datetime = value
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


Json = JSON().with_variant(JSONB(), "postgresql")
# SQLite counts rows only in a column declared exactly INTEGER PRIMARY KEY.
Id = BigInteger().with_variant(Integer(), "sqlite")


def _id() -> Column[int]:
    return Column("id", Id, primary_key=True, autoincrement=True)


feed = Table(
    "feed",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("url", Text, nullable=False),
    Column("definition", Json, nullable=False),
    Column("listed", Boolean, nullable=False),
    Column("active", Boolean, nullable=False),  # listed and not disabled by a person
    Column("added_at", UtcDateTime, nullable=False),
    Column("removed_at", UtcDateTime),
)

host = Table(
    "host",
    metadata,
    _id(),
    Column("name", String(255), nullable=False, unique=True),
    Column("next_due_at", UtcDateTime, index=True),
    Column("hold_until", UtcDateTime),
    Column("lease", String(32), index=True),
    Column("lease_until", UtcDateTime),
)

feed_state = Table(
    "feed_state",
    metadata,
    Column("feed_id", ForeignKey("feed.id", ondelete="CASCADE"), primary_key=True),
    Column("host_id", ForeignKey("host.id"), nullable=False),
    Column("next_check_at", UtcDateTime, nullable=False),
    Column("url_in_use", Text),
    Column("etag", LargeBinary),
    Column("last_modified", LargeBinary),
    Column("body_hash", LargeBinary),
    Column("spans", LargeBinary),
    Column("hints", Json, nullable=False),
    Column("identity", String(16), nullable=False),
    Column("title", Text),
    Column("site", Text),
    Column("language", String(35)),
    Column("checked_at", UtcDateTime),
    Column("succeeded_at", UtcDateTime),
    Column("changed_at", UtcDateTime),
    Column("baseline_at", UtcDateTime),
    Column("failures", Integer, nullable=False),
    Column("failing_since", UtcDateTime),
    Column("error_kind", String(32)),
    Column("error_detail", Text),
    Column("status", Integer),
    Column("strikes", Integer, nullable=False),
    Column("unchanged", Integer, nullable=False),
    Column("gap_rounds", Integer, nullable=False),
    Column("moved_to", Text),
    Column("moved_since", UtcDateTime),
    Column("moved_count", Integer, nullable=False),
    Column("gone_at", UtcDateTime),
    Column("gone", Boolean, nullable=False),
    Index(None, "host_id", "next_check_at"),
)

feed_day = Table(
    "feed_day",
    metadata,
    Column("feed_id", ForeignKey("feed.id", ondelete="CASCADE")),
    Column("day", Date),
    Column("checks", Integer, nullable=False),
    Column("ok", Integer, nullable=False),
    Column("new", Integer, nullable=False),
    Column("gaps", Integer, nullable=False),
    PrimaryKeyConstraint("feed_id", "day"),
    Index(None, "day"),
)

feed_event = Table(
    "feed_event",
    metadata,
    _id(),
    Column("feed_id", ForeignKey("feed.id", ondelete="CASCADE"), nullable=False),
    Column("at", UtcDateTime, nullable=False, index=True),
    Column("kind", String(32), nullable=False),
    Column("detail", Text, nullable=False),
    Index(None, "feed_id", "at"),
)

entry = Table(
    "entry",
    metadata,
    _id(),
    Column("feed_id", ForeignKey("feed.id"), nullable=False),
    Column("key", String(600), nullable=False),
    Column("first_seen", UtcDateTime, nullable=False),
    Column("published", UtcDateTime),
    Column("published_raw", Text),
    Column("date_suspect", Boolean, nullable=False),
    Column("updated", UtcDateTime),
    Column("link_hash", LargeBinary, index=True),
    Column("title_hash", LargeBinary),
    Column("current_revision", Integer, nullable=False),
    Column("withdrawn_at", UtcDateTime),
    UniqueConstraint("feed_id", "key"),
    Index(None, "first_seen", "id"),
    Index(None, "feed_id", "first_seen"),
)

entry_alias = Table(
    "entry_alias",
    metadata,
    Column("feed_id", ForeignKey("feed.id"), nullable=False),
    Column("key", String(600), nullable=False),
    Column("entry_id", ForeignKey("entry.id", ondelete="SET NULL"), index=True),
    Column("at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("feed_id", "key"),
)

revision = Table(
    "revision",
    metadata,
    _id(),
    Column("entry_id", ForeignKey("entry.id", ondelete="CASCADE"), nullable=False),
    Column("n", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("html", Text, nullable=False),
    Column("link", Text),
    Column("authors", Json, nullable=False),
    Column("tags", Json, nullable=False),
    Column("language", String(35)),
    Column("enclosures", Json, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    UniqueConstraint("entry_id", "n"),
)

topic = Table(
    "topic",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("listed", Boolean, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)

topic_version = Table(
    "topic_version",
    metadata,
    Column("topic_id", ForeignKey("topic.id"), nullable=False),
    Column("n", Integer, nullable=False),
    Column("definition", Json, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("topic_id", "n"),
)

match = Table(
    "match",
    metadata,
    _id(),
    Column("topic_id", ForeignKey("topic.id"), nullable=False),
    Column("entry_id", ForeignKey("entry.id"), nullable=False, index=True),
    Column("origin", String(16), nullable=False),
    Column("score", Float, nullable=False),
    Column("first_seen", UtcDateTime, nullable=False),
    UniqueConstraint("topic_id", "entry_id"),
    Index(None, "topic_id", "first_seen", "id"),
)

evidence = Table(
    "evidence",
    metadata,
    _id(),
    Column("match_id", ForeignKey("match.id"), nullable=False, index=True),
    Column("topic_version", Integer, nullable=False),
    Column("revision_id", ForeignKey("revision.id"), nullable=False, index=True),
    Column("score", Float, nullable=False),
    Column("alert", Boolean, nullable=False),
    Column("fired", Json, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

story = Table(
    "story",
    metadata,
    _id(),
    Column("first_seen", UtcDateTime, nullable=False, index=True),
)

story_member = Table(
    "story_member",
    metadata,
    Column("entry_id", ForeignKey("entry.id", ondelete="CASCADE"), primary_key=True),
    Column("story_id", ForeignKey("story.id"), nullable=False, index=True),
    Column("relation", String(16), nullable=False),
    Column("reasons", Json, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

story_posting = Table(
    "story_posting",
    metadata,
    Column("token", String(64), nullable=False),
    Column("first_seen", UtcDateTime, nullable=False),
    Column("entry_id", ForeignKey("entry.id", ondelete="CASCADE"), nullable=False, index=True),
    PrimaryKeyConstraint("token", "first_seen", "entry_id"),
)

subscriber = Table(
    "subscriber",
    metadata,
    _id(),
    Column("public_id", String(32), nullable=False, unique=True),
    Column("slug", String(64), nullable=False, unique=True),
    Column("address", Text),
    Column("name", Text),
    Column("timezone", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("state_detail", Text),
    Column("state_at", UtcDateTime, nullable=False),
    Column("paused_until", UtcDateTime),
    Column("listed", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)

review = Table(
    "review",
    metadata,
    _id(),
    Column("match_id", ForeignKey("match.id"), nullable=False, index=True),
    Column("subscriber_id", ForeignKey("subscriber.id")),
    Column("relevant", Boolean, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

subscription = Table(
    "subscription",
    metadata,
    _id(),
    Column("subscriber_id", ForeignKey("subscriber.id"), nullable=False),
    Column("slug", String(64), nullable=False),
    Column("schedule", Json, nullable=False),
    Column("empty", String(16), nullable=False),
    Column("channel", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("slot_at", UtcDateTime),
    Column("listed", Boolean, nullable=False),
    UniqueConstraint("subscriber_id", "slug"),
)

subscription_topic = Table(
    "subscription_topic",
    metadata,
    Column("subscription_id", ForeignKey("subscription.id"), nullable=False),
    Column("topic_id", ForeignKey("topic.id"), nullable=False, index=True),
    PrimaryKeyConstraint("subscription_id", "topic_id"),
)

digest = Table(
    "digest",
    metadata,
    _id(),
    Column("subscription_id", ForeignKey("subscription.id"), nullable=False),
    Column("slot_at", UtcDateTime, nullable=False),
    Column("since", UtcDateTime),
    Column("subject", Text, nullable=False),
    Column("item_count", Integer, nullable=False),
    Column("story_count", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False, index=True),
    UniqueConstraint("subscription_id", "slot_at"),
)

ledger = Table(
    "ledger",
    metadata,
    Column("subscription_id", ForeignKey("subscription.id"), nullable=False),
    Column("match_id", ForeignKey("match.id"), nullable=False, index=True),
    Column("state", String(16), nullable=False),
    Column("reason", String(32)),
    Column("digest_id", ForeignKey("digest.id"), index=True),
    Column("revision_sent", Integer),
    Column("at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("subscription_id", "match_id"),
    Index(
        "ix_ledger_pending",
        "subscription_id",
        "match_id",
        sqlite_where=text("state = 'pending' AND digest_id IS NULL"),
        postgresql_where=text("state = 'pending' AND digest_id IS NULL"),
    ),
)

delivery = Table(
    "delivery",
    metadata,
    _id(),
    Column("digest_id", ForeignKey("digest.id"), nullable=False, index=True),
    Column("subscriber_id", ForeignKey("subscriber.id"), nullable=False, index=True),
    Column("message_id", String(255), nullable=False, unique=True),
    Column("sender", Text, nullable=False),
    Column("recipient", Text),
    Column("channel", Text, nullable=False),
    Column("message", LargeBinary),  # zlib; null once erased
    Column("phase", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("ambiguous", Integer, nullable=False),
    Column("lease", String(32)),
    Column("lease_until", UtcDateTime),
    Column("next_try_at", UtcDateTime),
    Column("detail", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Index(
        "ix_delivery_open",
        "next_try_at",
        "id",
        sqlite_where=text("phase IN ('queued', 'sending', 'data', 'unknown')"),
        postgresql_where=text("phase IN ('queued', 'sending', 'data', 'unknown')"),
    ),
)

relay = Table(
    "relay",
    metadata,
    Column("channel", String(255), primary_key=True),
    Column("parked_until", UtcDateTime),
    Column("detail", Text, nullable=False),
)

heartbeat = Table(
    "heartbeat",
    metadata,
    Column("kind", String(32), primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("detail", Json, nullable=False),
)
