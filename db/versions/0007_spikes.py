"""Keeps who wishes to be told of a topic's spikes and since when, each spike that is due to them, and what was judged.

The previous release runs on this schema: it wishes none, judges none and tells none.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
PENDING = sa.text("digest_id IS NULL AND reason IS NULL")


def upgrade() -> None:
    op.add_column("subscription", sa.Column("spikes_since", AT))
    op.add_column("subscription_topic", sa.Column("added_at", AT))
    op.create_table(
        "spike",
        sa.Column("id", ID, nullable=False),
        sa.Column("subscription_id", ID, nullable=False),
        sa.Column("topic_id", sa.String(64), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("counted", sa.Integer(), nullable=False),
        sa.Column("expected", sa.Float(), nullable=False),
        sa.Column("chance", sa.Float(), nullable=False),
        sa.Column("entries", JSON, nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.Column("digest_id", ID),
        sa.Column("reason", sa.String(32)),
        sa.PrimaryKeyConstraint("id", name="pk_spike"),
        sa.ForeignKeyConstraint(["subscription_id"], ["subscription.id"], name="fk_spike_subscription_id_subscription"),
        sa.ForeignKeyConstraint(["topic_id"], ["topic.id"], name="fk_spike_topic_id_topic"),
        sa.ForeignKeyConstraint(["digest_id"], ["digest.id"], name="fk_spike_digest_id_digest"),
        sa.UniqueConstraint("subscription_id", "topic_id", "day", name="uq_spike_subscription_id_topic_id_day"),
    )
    op.create_index("ix_spike_topic_id_day", "spike", ["topic_id", "day"])
    op.create_index("ix_spike_digest_id", "spike", ["digest_id"])
    op.create_index(
        "ix_spike_pending", "spike", ["subscription_id", "id"], sqlite_where=PENDING, postgresql_where=PENDING
    )
    op.create_table(
        "spike_check",
        sa.Column("topic_id", sa.String(64), nullable=False),
        sa.Column("judged_until", AT, nullable=False),
        sa.PrimaryKeyConstraint("topic_id", name="pk_spike_check"),
        sa.ForeignKeyConstraint(["topic_id"], ["topic.id"], name="fk_spike_check_topic_id_topic"),
    )


def downgrade() -> None:
    op.drop_table("spike_check")
    op.drop_table("spike")
    op.drop_column("subscription_topic", "added_at")
    op.drop_column("subscription", "spikes_since")
