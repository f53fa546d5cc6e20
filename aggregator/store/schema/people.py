"""Who receives what, what they asked for themselves, and whose address bounced."""

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    Float,
    ForeignKey,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from aggregator.store.columns import Json, UtcDateTime, id_column, metadata

subscriber = Table(
    "subscriber",
    metadata,
    id_column(),
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

subscription = Table(
    "subscription",
    metadata,
    id_column(),
    Column("subscriber_id", ForeignKey("subscriber.id"), nullable=False),
    Column("slug", String(64), nullable=False),
    Column("schedule", Json, nullable=False),
    Column("empty", String(16), nullable=False),
    Column("kind", String(16), nullable=False, server_default="topics"),
    Column("channel", Text, nullable=False),
    Column("target", Text),  # where a channel that is no mail leads to; a secret
    Column("weekly", Boolean, nullable=False, server_default=false()),  # its reader asked for one mail a week
    Column("spikes_since", UtcDateTime),  # when spikes began to be wished; null: they are not
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
    Column("position", Integer, nullable=False),  # sections come in the order a person wrote
    Column("added_at", UtcDateTime),  # null: before this was kept
    PrimaryKeyConstraint("subscription_id", "topic_id"),
)

opt_out = Table(
    "opt_out",
    metadata,
    Column("subscription_id", ForeignKey("subscription.id"), nullable=False),
    Column("topic_id", String(64), nullable=False),  # empty: all of the subscription
    Column("at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("subscription_id", "topic_id"),
)

bounce = Table(
    "bounce",
    metadata,
    Column("subscriber_id", ForeignKey("subscriber.id"), nullable=False),
    Column("day", Date, nullable=False),
    Column("weight", Float, nullable=False),
    Column("code", String(16)),
    Column("detail", Text, nullable=False),
    Column("source", String(16), nullable=False),
    PrimaryKeyConstraint("subscriber_id", "day"),
)
