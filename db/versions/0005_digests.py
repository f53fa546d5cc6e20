"""Keeps what a reader asked for (topics left out, one mail a week), what must be corrected, and which addresses bounced.

The previous release runs on this schema: every new column may be left out, and it does not know the new tables.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT = sa.DateTime(timezone=True)
UNTOLD = sa.text("digest_id IS NULL")


def upgrade() -> None:
    op.add_column("feed_state", sa.Column("self_link", sa.Text(), nullable=True))
    op.add_column("subscription", sa.Column("kind", sa.String(16), nullable=False, server_default="topics"))
    op.add_column("subscription", sa.Column("target", sa.Text(), nullable=True))
    op.add_column("subscription", sa.Column("weekly", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("digest", sa.Column("kind", sa.String(16), nullable=False, server_default="digest"))
    op.create_table(
        "opt_out",
        sa.Column("subscription_id", ID, nullable=False),
        sa.Column("topic_id", sa.String(64), nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.PrimaryKeyConstraint("subscription_id", "topic_id", name="pk_opt_out"),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["subscription.id"], name="fk_opt_out_subscription_id_subscription"
        ),
    )
    _create_correction()
    op.create_table(
        "bounce",
        sa.Column("subscriber_id", ID, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("weight", sa.Float(), nullable=False),
        sa.Column("code", sa.String(16), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("source", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("subscriber_id", "day", name="pk_bounce"),
        sa.ForeignKeyConstraint(["subscriber_id"], ["subscriber.id"], name="fk_bounce_subscriber_id_subscriber"),
    )


def _create_correction() -> None:
    op.create_table(
        "correction",
        sa.Column("id", ID, nullable=False),
        sa.Column("subscription_id", ID, nullable=False),
        sa.Column("entry_id", ID, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.Column("digest_id", ID, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_correction"),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["subscription.id"], name="fk_correction_subscription_id_subscription"
        ),
        sa.ForeignKeyConstraint(["entry_id"], ["entry.id"], name="fk_correction_entry_id_entry", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["digest_id"], ["digest.id"], name="fk_correction_digest_id_digest"),
        sa.UniqueConstraint(
            "subscription_id",
            "entry_id",
            "revision",
            "kind",
            name="uq_correction_subscription_id_entry_id_revision_kind",
        ),
    )
    op.create_index("ix_correction_entry_id", "correction", ["entry_id"])
    op.create_index("ix_correction_digest_id", "correction", ["digest_id"])
    op.create_index(
        "ix_correction_pending",
        "correction",
        ["subscription_id", "id"],
        sqlite_where=UNTOLD,
        postgresql_where=UNTOLD,
    )


def downgrade() -> None:
    op.drop_table("bounce")
    op.drop_table("correction")
    op.drop_table("opt_out")
    op.drop_column("digest", "kind")
    for column in ("weekly", "target", "kind"):
        op.drop_column("subscription", column)
    op.drop_column("feed_state", "self_link")
