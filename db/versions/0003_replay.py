"""Remembers how far a topic's version has been replayed over the archive, from when on its finds are news, and whether to mail the rest.

Every column may be left out, so that the previous release runs on this schema.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.add_column("topic_version", sa.Column("replay_after", number, nullable=True))
    op.add_column("topic_version", sa.Column("replay_since", sa.DateTime(timezone=True), nullable=True))
    no = sa.false()
    op.add_column("topic_version", sa.Column("replay_notify", sa.Boolean(), nullable=False, server_default=no))


def downgrade() -> None:
    op.drop_column("topic_version", "replay_notify")
    op.drop_column("topic_version", "replay_since")
    op.drop_column("topic_version", "replay_after")
