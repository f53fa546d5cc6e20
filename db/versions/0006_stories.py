"""Keeps what entries are compared by, so that each joins its story when it comes, and what people said of stories.

The previous release runs on this schema: it neither reads nor writes the new tables, and what it matches meanwhile is
given its story afterwards.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "story_signature",
        sa.Column("entry_id", ID, autoincrement=False, nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("entry_id", name="pk_story_signature"),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["entry.id"], name="fk_story_signature_entry_id_entry", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_story_signature_at", "story_signature", ["at"])
    op.create_table(
        "story_word",
        sa.Column("word", sa.String(64), nullable=False),
        sa.Column("topic_id", sa.String(64), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("word", "topic_id", "day", name="pk_story_word"),
    )
    op.create_index("ix_story_word_day", "story_word", ["day"])
    op.create_table(
        "story_sentence",
        sa.Column("feed_id", sa.String(64), nullable=False),
        sa.Column("hash", sa.BigInteger(), nullable=False),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.Column("seen_at", AT, nullable=False),
        sa.PrimaryKeyConstraint("feed_id", "hash", name="pk_story_sentence"),
    )
    op.create_index("ix_story_sentence_seen_at", "story_sentence", ["seen_at"])
    op.create_table(
        "story_link",
        sa.Column("story_id", ID, nullable=False),
        sa.Column("other_id", ID, nullable=False),
        sa.Column("entry_id", ID, nullable=False),
        sa.Column("other_entry_id", ID, nullable=False),
        sa.Column("reasons", JSON, nullable=False),
        sa.Column("strength", sa.Float(), nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.PrimaryKeyConstraint("story_id", "other_id", name="pk_story_link"),
        sa.ForeignKeyConstraint(["story_id"], ["story.id"], name="fk_story_link_story_id_story", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["other_id"], ["story.id"], name="fk_story_link_other_id_story", ondelete="CASCADE"),
    )
    op.create_index("ix_story_link_other_id", "story_link", ["other_id"])
    op.create_table(
        "story_wish",
        sa.Column("entry_id", ID, nullable=False),
        sa.Column("other_id", ID, nullable=False),
        sa.Column("together", sa.Boolean(), nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.PrimaryKeyConstraint("entry_id", "other_id", name="pk_story_wish"),
        sa.ForeignKeyConstraint(["entry_id"], ["entry.id"], name="fk_story_wish_entry_id_entry", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["other_id"], ["entry.id"], name="fk_story_wish_other_id_entry", ondelete="CASCADE"),
    )
    op.create_index("ix_story_wish_other_id", "story_wish", ["other_id"])


def downgrade() -> None:
    for table in ("story_wish", "story_link", "story_sentence", "story_word", "story_signature"):
        op.drop_table(table)
