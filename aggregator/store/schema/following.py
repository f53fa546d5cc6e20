"""What is followed: feeds, their hosts, how each check went, and the life signs of the service."""

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    text,
)

from aggregator.store.columns import Json, UtcDateTime, id_column, metadata

# What a feed's day counts of requests; `early` ones were made before the host wanted to be asked again.
REQUESTS = ("not_modified", "same_body", "unconditional", "early", "pages", "articles", "articles_failed")


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
    id_column(),
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
    Column("validators_from", Text),
    Column("slow_until", UtcDateTime),
    Column("self_link", Text),  # where the document says it lives, when that is not where it was fetched
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
    *(Column(name, Integer, nullable=False, server_default=text("0")) for name in REQUESTS),
    PrimaryKeyConstraint("feed_id", "day"),
    Index(None, "day"),
)

feed_event = Table(
    "feed_event",
    metadata,
    id_column(),
    Column("feed_id", ForeignKey("feed.id", ondelete="CASCADE"), nullable=False),
    Column("at", UtcDateTime, nullable=False, index=True),
    Column("kind", String(32), nullable=False),
    Column("detail", Text, nullable=False),
    Index(None, "feed_id", "at"),
)

heartbeat = Table(
    "heartbeat",
    metadata,
    Column("kind", String(32), primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("detail", Json, nullable=False),
)
