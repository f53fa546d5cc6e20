"""What was read: entries, the keys they go by, and their revisions."""

from sqlalchemy import (
    Boolean,
    Column,
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
)

from aggregator.store.columns import Json, UtcDateTime, id_column, metadata

entry = Table(
    "entry",
    metadata,
    id_column(),
    Column("feed_id", ForeignKey("feed.id"), nullable=False),
    Column("key", String(600), nullable=False),
    Column("first_seen", UtcDateTime, nullable=False),
    Column("published", UtcDateTime),
    Column("published_raw", Text),
    Column("date_suspect", Boolean, nullable=False),
    Column("updated", UtcDateTime),
    Column("link_hash", LargeBinary, index=True),
    Column("title_hash", LargeBinary),  # nobody reads it; it stays because the release before writes it
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
    id_column(),
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

is_current = and_(revision.c.entry_id == entry.c.id, revision.c.n == entry.c.current_revision)
