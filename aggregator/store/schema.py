"""The tables, named after the nouns. Every other file of the store reads and writes through these."""

from sqlalchemy import (
    BigInteger,
    Boolean,
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
    false,
    literal_column,
    text,
)

from aggregator.store.columns import Id, Json, UtcDateTime, id_column, metadata

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

review = Table(
    "review",
    metadata,
    id_column(),
    Column("match_id", ForeignKey("match.id"), nullable=False, index=True),
    Column("subscriber_id", ForeignKey("subscriber.id")),
    Column("relevant", Boolean, nullable=False),
    Column("at", UtcDateTime, nullable=False),
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

# Spelled as literals: a database only uses a partial index for a condition it can read.
is_pending = and_(ledger.c.state == literal_column("'pending'"), ledger.c.digest_id.is_(None))
is_open = delivery.c.phase.in_([literal_column(f"'{phase}'") for phase in ("queued", "sending", "data", "unknown")])
