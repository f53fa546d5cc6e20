"""What is due to whom, and what became of it: ledger, digests, corrections, spikes, the outbox and its relays."""

from sqlalchemy import (
    Column,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    and_,
    literal_column,
    text,
)

from aggregator.store.columns import Json, UtcDateTime, id_column, metadata

digest = Table(
    "digest",
    metadata,
    id_column(),
    Column("subscription_id", ForeignKey("subscription.id"), nullable=False),
    Column("kind", String(16), nullable=False, server_default="digest"),
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
    id_column(),
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

correction = Table(
    "correction",
    metadata,
    id_column(),
    Column("subscription_id", ForeignKey("subscription.id"), nullable=False),
    Column("entry_id", ForeignKey("entry.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("revision", Integer, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("digest_id", ForeignKey("digest.id"), index=True),
    UniqueConstraint("subscription_id", "entry_id", "revision", "kind"),
    Index(
        "ix_correction_pending",
        "subscription_id",
        "id",
        sqlite_where=text("digest_id IS NULL"),
        postgresql_where=text("digest_id IS NULL"),
    ),
)

spike = Table(
    "spike",
    metadata,
    id_column(),
    Column("subscription_id", ForeignKey("subscription.id"), nullable=False),
    Column("topic_id", ForeignKey("topic.id"), nullable=False),
    Column("day", Date, nullable=False),
    Column("counted", Integer, nullable=False),
    Column("expected", Float, nullable=False),
    Column("chance", Float, nullable=False),
    Column("entries", Json, nullable=False),  # ids of the first ones behind it
    Column("at", UtcDateTime, nullable=False),
    Column("digest_id", ForeignKey("digest.id"), index=True),
    Column("reason", String(32)),  # why it is not told; null while it waits, and once it is in a digest
    UniqueConstraint("subscription_id", "topic_id", "day"),
    Index(None, "topic_id", "day"),
    Index(
        "ix_spike_pending",
        "subscription_id",
        "id",
        sqlite_where=text("digest_id IS NULL AND reason IS NULL"),
        postgresql_where=text("digest_id IS NULL AND reason IS NULL"),
    ),
)

spike_check = Table(
    "spike_check",
    metadata,
    Column("topic_id", ForeignKey("topic.id"), primary_key=True),
    Column("judged_until", UtcDateTime, nullable=False),  # matches made up to then are judged
)

relay = Table(
    "relay",
    metadata,
    Column("channel", String(255), primary_key=True),
    Column("parked_until", UtcDateTime),
    Column("detail", Text, nullable=False),
)

# Spelled as literals: a database only uses a partial index for a condition it can read.
is_pending = and_(ledger.c.state == literal_column("'pending'"), ledger.c.digest_id.is_(None))
is_open = delivery.c.phase.in_([literal_column(f"'{phase}'") for phase in ("queued", "sending", "data", "unknown")])
is_untold = and_(spike.c.digest_id.is_(None), spike.c.reason.is_(None))
