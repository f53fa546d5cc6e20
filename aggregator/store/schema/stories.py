"""Which entries tell one story, what they are compared by, and what people said of them."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Float,
    ForeignKey,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
)

from aggregator.store.columns import Id, Json, UtcDateTime, id_column, metadata

story = Table(
    "story",
    metadata,
    id_column(),
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

story_signature = Table(
    "story_signature",
    metadata,
    Column("entry_id", ForeignKey("entry.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("at", UtcDateTime, nullable=False, index=True),
    Column("data", LargeBinary, nullable=False),
)

story_word = Table(
    "story_word",
    metadata,
    Column("word", String(64), nullable=False),
    Column("topic_id", String(64), nullable=False),
    Column("day", Date, nullable=False, index=True),
    Column("items", Integer, nullable=False),
    PrimaryKeyConstraint("word", "topic_id", "day"),
)

story_sentence = Table(
    "story_sentence",
    metadata,
    Column("feed_id", String(64), nullable=False),
    Column("hash", BigInteger, nullable=False),
    Column("items", Integer, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False, index=True),
    PrimaryKeyConstraint("feed_id", "hash"),
)

story_link = Table(
    "story_link",
    metadata,
    Column("story_id", ForeignKey("story.id", ondelete="CASCADE"), nullable=False),
    Column("other_id", ForeignKey("story.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("entry_id", Id, nullable=False),
    Column("other_entry_id", Id, nullable=False),
    Column("reasons", Json, nullable=False),
    Column("strength", Float, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("story_id", "other_id"),
)

story_wish = Table(
    "story_wish",
    metadata,
    Column("entry_id", ForeignKey("entry.id", ondelete="CASCADE"), nullable=False),
    Column("other_id", ForeignKey("entry.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("together", Boolean, nullable=False),  # what a person wants of two entries for ever
    Column("at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("entry_id", "other_id"),
)
