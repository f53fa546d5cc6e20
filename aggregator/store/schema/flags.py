"""What is watched and what it flagged: topics and their versions, matches, the evidence, and people's verdicts."""

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    and_,
    false,
)

from aggregator.core.model.topics import Origin
from aggregator.store.columns import Id, Json, UtcDateTime, id_column, metadata

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
    Column("replay_after", Id),  # the last stored entry it was tried on; null when all were
    Column("replay_since", UtcDateTime),
    Column("replay_notify", Boolean, nullable=False, server_default=false()),
    PrimaryKeyConstraint("topic_id", "n"),
)
is_in_force = and_(topic_version.c.topic_id == topic.c.id, topic_version.c.n == topic.c.version)

match = Table(
    "match",
    metadata,
    id_column(),
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
    id_column(),
    Column("match_id", ForeignKey("match.id"), nullable=False, index=True),
    Column("topic_version", Integer, nullable=False),
    Column("revision_id", ForeignKey("revision.id"), nullable=False, index=True),
    Column("score", Float, nullable=False),
    Column("alert", Boolean, nullable=False),
    Column("fired", Json, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

# What was news when it came: a first import or a replay says nothing of its day.
is_news = match.c.origin.in_([Origin.LIVE.value, Origin.REVISED.value])

review = Table(
    "review",
    metadata,
    id_column(),
    Column("match_id", ForeignKey("match.id"), nullable=False, index=True),
    Column("subscriber_id", ForeignKey("subscriber.id")),
    Column("relevant", Boolean, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)
