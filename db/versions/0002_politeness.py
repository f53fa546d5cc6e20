"""Counts requests by kind for each feed and day, and keeps who gave the validators and how long a 429 slows a feed down.

Every column may be left out, so that the previous release runs on this schema.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

REQUESTS = ("not_modified", "same_body", "unconditional", "early", "pages", "articles", "articles_failed")


def upgrade() -> None:
    op.add_column("feed_state", sa.Column("validators_from", sa.Text(), nullable=True))
    op.add_column("feed_state", sa.Column("slow_until", sa.DateTime(timezone=True), nullable=True))
    for name in REQUESTS:
        op.add_column("feed_day", sa.Column(name, sa.Integer(), nullable=False, server_default=sa.text("0")))


def downgrade() -> None:
    for name in reversed(REQUESTS):
        op.drop_column("feed_day", name)
    op.drop_column("feed_state", "slow_until")
    op.drop_column("feed_state", "validators_from")
