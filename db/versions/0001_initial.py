"""The first schema: feeds, entries, topics, matches, subscribers, the ledger, digests and deliveries."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
# SQLite counts rows only in a column declared exactly INTEGER PRIMARY KEY.
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "feed",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("definition", JSON, nullable=False),
        sa.Column("listed", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feed")),
    )
    op.create_table(
        "heartbeat",
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("detail", JSON, nullable=False),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_heartbeat")),
    )
    op.create_table(
        "host",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("next_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("hold_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease", sa.String(length=32), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_host")),
        sa.UniqueConstraint("name", name=op.f("uq_host_name")),
    )
    op.create_index(op.f("ix_host_lease"), "host", ["lease"], unique=False)
    op.create_index(op.f("ix_host_next_due_at"), "host", ["next_due_at"], unique=False)
    op.create_table(
        "relay",
        sa.Column("channel", sa.String(length=255), nullable=False),
        sa.Column("parked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("channel", name=op.f("pk_relay")),
    )
    op.create_table(
        "story",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("first_seen", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_story")),
    )
    op.create_index(op.f("ix_story_first_seen"), "story", ["first_seen"], unique=False)
    op.create_table(
        "subscriber",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=32), nullable=False),
        sa.Column("slug", sa.String(length=64), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("state_detail", sa.Text(), nullable=True),
        sa.Column("state_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("paused_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("listed", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscriber")),
        sa.UniqueConstraint("public_id", name=op.f("uq_subscriber_public_id")),
        sa.UniqueConstraint("slug", name=op.f("uq_subscriber_slug")),
    )
    op.create_table(
        "topic",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("listed", sa.Boolean(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_topic")),
    )
    op.create_table(
        "entry",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("feed_id", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=600), nullable=False),
        sa.Column("first_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published", sa.DateTime(timezone=True), nullable=True),
        sa.Column("published_raw", sa.Text(), nullable=True),
        sa.Column("date_suspect", sa.Boolean(), nullable=False),
        sa.Column("updated", sa.DateTime(timezone=True), nullable=True),
        sa.Column("link_hash", sa.LargeBinary(), nullable=True),
        sa.Column("title_hash", sa.LargeBinary(), nullable=True),
        sa.Column("current_revision", sa.Integer(), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["feed_id"], ["feed.id"], name=op.f("fk_entry_feed_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entry")),
        sa.UniqueConstraint("feed_id", "key", name=op.f("uq_entry_feed_id_key")),
    )
    op.create_index(op.f("ix_entry_feed_id_first_seen"), "entry", ["feed_id", "first_seen"], unique=False)
    op.create_index(op.f("ix_entry_first_seen_id"), "entry", ["first_seen", "id"], unique=False)
    op.create_index(op.f("ix_entry_link_hash"), "entry", ["link_hash"], unique=False)
    op.create_table(
        "feed_day",
        sa.Column("feed_id", sa.String(length=64), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("checks", sa.Integer(), nullable=False),
        sa.Column("ok", sa.Integer(), nullable=False),
        sa.Column("new", sa.Integer(), nullable=False),
        sa.Column("gaps", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["feed_id"], ["feed.id"], name=op.f("fk_feed_day_feed_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("feed_id", "day", name=op.f("pk_feed_day")),
    )
    op.create_index(op.f("ix_feed_day_day"), "feed_day", ["day"], unique=False)
    op.create_table(
        "feed_event",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("feed_id", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["feed_id"], ["feed.id"], name=op.f("fk_feed_event_feed_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feed_event")),
    )
    op.create_index(op.f("ix_feed_event_at"), "feed_event", ["at"], unique=False)
    op.create_index(op.f("ix_feed_event_feed_id_at"), "feed_event", ["feed_id", "at"], unique=False)
    op.create_table(
        "feed_state",
        sa.Column("feed_id", sa.String(length=64), nullable=False),
        sa.Column("host_id", ID, nullable=False),
        sa.Column("next_check_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("url_in_use", sa.Text(), nullable=True),
        sa.Column("etag", sa.LargeBinary(), nullable=True),
        sa.Column("last_modified", sa.LargeBinary(), nullable=True),
        sa.Column("body_hash", sa.LargeBinary(), nullable=True),
        sa.Column("spans", sa.LargeBinary(), nullable=True),
        sa.Column("hints", JSON, nullable=False),
        sa.Column("identity", sa.String(length=16), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("site", sa.Text(), nullable=True),
        sa.Column("language", sa.String(length=35), nullable=True),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("succeeded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("baseline_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error_kind", sa.String(length=32), nullable=True),
        sa.Column("error_detail", sa.Text(), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("strikes", sa.Integer(), nullable=False),
        sa.Column("unchanged", sa.Integer(), nullable=False),
        sa.Column("gap_rounds", sa.Integer(), nullable=False),
        sa.Column("moved_to", sa.Text(), nullable=True),
        sa.Column("moved_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("moved_count", sa.Integer(), nullable=False),
        sa.Column("gone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("gone", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["feed_id"], ["feed.id"], name=op.f("fk_feed_state_feed_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["host_id"], ["host.id"], name=op.f("fk_feed_state_host_id")),
        sa.PrimaryKeyConstraint("feed_id", name=op.f("pk_feed_state")),
    )
    op.create_index(
        op.f("ix_feed_state_host_id_next_check_at"), "feed_state", ["host_id", "next_check_at"], unique=False
    )
    op.create_table(
        "subscription",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("subscriber_id", ID, nullable=False),
        sa.Column("slug", sa.String(length=64), nullable=False),
        sa.Column("schedule", JSON, nullable=False),
        sa.Column("empty", sa.String(length=16), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("slot_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("listed", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["subscriber_id"], ["subscriber.id"], name=op.f("fk_subscription_subscriber_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscription")),
        sa.UniqueConstraint("subscriber_id", "slug", name=op.f("uq_subscription_subscriber_id_slug")),
    )
    op.create_table(
        "topic_version",
        sa.Column("topic_id", sa.String(length=64), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("definition", JSON, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["topic_id"], ["topic.id"], name=op.f("fk_topic_version_topic_id")),
        sa.PrimaryKeyConstraint("topic_id", "n", name=op.f("pk_topic_version")),
    )
    op.create_table(
        "digest",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("subscription_id", ID, nullable=False),
        sa.Column("slot_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("item_count", sa.Integer(), nullable=False),
        sa.Column("story_count", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["subscription_id"], ["subscription.id"], name=op.f("fk_digest_subscription_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_digest")),
        sa.UniqueConstraint("subscription_id", "slot_at", name=op.f("uq_digest_subscription_id_slot_at")),
    )
    op.create_index(op.f("ix_digest_created_at"), "digest", ["created_at"], unique=False)
    op.create_table(
        "entry_alias",
        sa.Column("feed_id", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=600), nullable=False),
        sa.Column("entry_id", ID, nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["entry.id"], name=op.f("fk_entry_alias_entry_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["feed_id"], ["feed.id"], name=op.f("fk_entry_alias_feed_id")),
        sa.PrimaryKeyConstraint("feed_id", "key", name=op.f("pk_entry_alias")),
    )
    op.create_index(op.f("ix_entry_alias_entry_id"), "entry_alias", ["entry_id"], unique=False)
    op.create_table(
        "match",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("topic_id", sa.String(length=64), nullable=False),
        sa.Column("entry_id", ID, nullable=False),
        sa.Column("origin", sa.String(length=16), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("first_seen", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["entry.id"], name=op.f("fk_match_entry_id")),
        sa.ForeignKeyConstraint(["topic_id"], ["topic.id"], name=op.f("fk_match_topic_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_match")),
        sa.UniqueConstraint("topic_id", "entry_id", name=op.f("uq_match_topic_id_entry_id")),
    )
    op.create_index(op.f("ix_match_entry_id"), "match", ["entry_id"], unique=False)
    op.create_index(op.f("ix_match_topic_id_first_seen_id"), "match", ["topic_id", "first_seen", "id"], unique=False)
    op.create_table(
        "revision",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("entry_id", ID, nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("link", sa.Text(), nullable=True),
        sa.Column("authors", JSON, nullable=False),
        sa.Column("tags", JSON, nullable=False),
        sa.Column("language", sa.String(length=35), nullable=True),
        sa.Column("enclosures", JSON, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["entry.id"], name=op.f("fk_revision_entry_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_revision")),
        sa.UniqueConstraint("entry_id", "n", name=op.f("uq_revision_entry_id_n")),
    )
    op.create_table(
        "story_member",
        sa.Column("entry_id", ID, nullable=False),
        sa.Column("story_id", ID, nullable=False),
        sa.Column("relation", sa.String(length=16), nullable=False),
        sa.Column("reasons", JSON, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["entry.id"], name=op.f("fk_story_member_entry_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["story_id"], ["story.id"], name=op.f("fk_story_member_story_id")),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_story_member")),
    )
    op.create_index(op.f("ix_story_member_story_id"), "story_member", ["story_id"], unique=False)
    op.create_table(
        "story_posting",
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("first_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entry_id", ID, nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["entry.id"], name=op.f("fk_story_posting_entry_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("token", "first_seen", "entry_id", name=op.f("pk_story_posting")),
    )
    op.create_index(op.f("ix_story_posting_entry_id"), "story_posting", ["entry_id"], unique=False)
    op.create_table(
        "subscription_topic",
        sa.Column("subscription_id", ID, nullable=False),
        sa.Column("topic_id", sa.String(length=64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["subscription.id"], name=op.f("fk_subscription_topic_subscription_id")
        ),
        sa.ForeignKeyConstraint(["topic_id"], ["topic.id"], name=op.f("fk_subscription_topic_topic_id")),
        sa.PrimaryKeyConstraint("subscription_id", "topic_id", name=op.f("pk_subscription_topic")),
    )
    op.create_index(op.f("ix_subscription_topic_topic_id"), "subscription_topic", ["topic_id"], unique=False)
    op.create_table(
        "delivery",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("digest_id", ID, nullable=False),
        sa.Column("subscriber_id", ID, nullable=False),
        sa.Column("message_id", sa.String(length=255), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=True),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("message", sa.LargeBinary(), nullable=True),
        sa.Column("phase", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("ambiguous", sa.Integer(), nullable=False),
        sa.Column("lease", sa.String(length=32), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["digest_id"], ["digest.id"], name=op.f("fk_delivery_digest_id")),
        sa.ForeignKeyConstraint(["subscriber_id"], ["subscriber.id"], name=op.f("fk_delivery_subscriber_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("message_id", name=op.f("uq_delivery_message_id")),
    )
    op.create_index(op.f("ix_delivery_digest_id"), "delivery", ["digest_id"], unique=False)
    op.create_index(
        "ix_delivery_open",
        "delivery",
        ["next_try_at", "id"],
        unique=False,
        sqlite_where=sa.text("phase IN ('queued', 'sending', 'data', 'unknown')"),
        postgresql_where=sa.text("phase IN ('queued', 'sending', 'data', 'unknown')"),
    )
    op.create_index(op.f("ix_delivery_subscriber_id"), "delivery", ["subscriber_id"], unique=False)
    op.create_table(
        "evidence",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("match_id", ID, nullable=False),
        sa.Column("topic_version", sa.Integer(), nullable=False),
        sa.Column("revision_id", ID, nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("alert", sa.Boolean(), nullable=False),
        sa.Column("fired", JSON, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["match_id"], ["match.id"], name=op.f("fk_evidence_match_id")),
        sa.ForeignKeyConstraint(["revision_id"], ["revision.id"], name=op.f("fk_evidence_revision_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evidence")),
    )
    op.create_index(op.f("ix_evidence_match_id"), "evidence", ["match_id"], unique=False)
    op.create_index(op.f("ix_evidence_revision_id"), "evidence", ["revision_id"], unique=False)
    op.create_table(
        "ledger",
        sa.Column("subscription_id", ID, nullable=False),
        sa.Column("match_id", ID, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=True),
        sa.Column("digest_id", ID, nullable=True),
        sa.Column("revision_sent", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["digest_id"], ["digest.id"], name=op.f("fk_ledger_digest_id")),
        sa.ForeignKeyConstraint(["match_id"], ["match.id"], name=op.f("fk_ledger_match_id")),
        sa.ForeignKeyConstraint(["subscription_id"], ["subscription.id"], name=op.f("fk_ledger_subscription_id")),
        sa.PrimaryKeyConstraint("subscription_id", "match_id", name=op.f("pk_ledger")),
    )
    op.create_index(op.f("ix_ledger_digest_id"), "ledger", ["digest_id"], unique=False)
    op.create_index(op.f("ix_ledger_match_id"), "ledger", ["match_id"], unique=False)
    op.create_index(
        "ix_ledger_pending",
        "ledger",
        ["subscription_id", "match_id"],
        unique=False,
        sqlite_where=sa.text("state = 'pending' AND digest_id IS NULL"),
        postgresql_where=sa.text("state = 'pending' AND digest_id IS NULL"),
    )
    op.create_table(
        "review",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("match_id", ID, nullable=False),
        sa.Column("subscriber_id", ID, nullable=True),
        sa.Column("relevant", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["match_id"], ["match.id"], name=op.f("fk_review_match_id")),
        sa.ForeignKeyConstraint(["subscriber_id"], ["subscriber.id"], name=op.f("fk_review_subscriber_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review")),
    )
    op.create_index(op.f("ix_review_match_id"), "review", ["match_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_review_match_id"), table_name="review")
    op.drop_table("review")
    op.drop_index(
        "ix_ledger_pending",
        table_name="ledger",
        sqlite_where=sa.text("state = 'pending' AND digest_id IS NULL"),
        postgresql_where=sa.text("state = 'pending' AND digest_id IS NULL"),
    )
    op.drop_index(op.f("ix_ledger_match_id"), table_name="ledger")
    op.drop_index(op.f("ix_ledger_digest_id"), table_name="ledger")
    op.drop_table("ledger")
    op.drop_index(op.f("ix_evidence_revision_id"), table_name="evidence")
    op.drop_index(op.f("ix_evidence_match_id"), table_name="evidence")
    op.drop_table("evidence")
    op.drop_index(op.f("ix_delivery_subscriber_id"), table_name="delivery")
    op.drop_index(
        "ix_delivery_open",
        table_name="delivery",
        sqlite_where=sa.text("phase IN ('queued', 'sending', 'data', 'unknown')"),
        postgresql_where=sa.text("phase IN ('queued', 'sending', 'data', 'unknown')"),
    )
    op.drop_index(op.f("ix_delivery_digest_id"), table_name="delivery")
    op.drop_table("delivery")
    op.drop_index(op.f("ix_subscription_topic_topic_id"), table_name="subscription_topic")
    op.drop_table("subscription_topic")
    op.drop_index(op.f("ix_story_posting_entry_id"), table_name="story_posting")
    op.drop_table("story_posting")
    op.drop_index(op.f("ix_story_member_story_id"), table_name="story_member")
    op.drop_table("story_member")
    op.drop_table("revision")
    op.drop_index(op.f("ix_match_topic_id_first_seen_id"), table_name="match")
    op.drop_index(op.f("ix_match_entry_id"), table_name="match")
    op.drop_table("match")
    op.drop_index(op.f("ix_entry_alias_entry_id"), table_name="entry_alias")
    op.drop_table("entry_alias")
    op.drop_index(op.f("ix_digest_created_at"), table_name="digest")
    op.drop_table("digest")
    op.drop_table("topic_version")
    op.drop_table("subscription")
    op.drop_index(op.f("ix_feed_state_host_id_next_check_at"), table_name="feed_state")
    op.drop_table("feed_state")
    op.drop_index(op.f("ix_feed_event_feed_id_at"), table_name="feed_event")
    op.drop_index(op.f("ix_feed_event_at"), table_name="feed_event")
    op.drop_table("feed_event")
    op.drop_index(op.f("ix_feed_day_day"), table_name="feed_day")
    op.drop_table("feed_day")
    op.drop_index(op.f("ix_entry_link_hash"), table_name="entry")
    op.drop_index(op.f("ix_entry_first_seen_id"), table_name="entry")
    op.drop_index(op.f("ix_entry_feed_id_first_seen"), table_name="entry")
    op.drop_table("entry")
    op.drop_table("topic")
    op.drop_table("subscriber")
    op.drop_index(op.f("ix_story_first_seen"), table_name="story")
    op.drop_table("story")
    op.drop_table("relay")
    op.drop_index(op.f("ix_host_next_due_at"), table_name="host")
    op.drop_index(op.f("ix_host_lease"), table_name="host")
    op.drop_table("host")
    op.drop_table("heartbeat")
    op.drop_table("feed")
