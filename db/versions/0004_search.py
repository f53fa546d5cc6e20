"""Makes the archive's word index: the words of each revision, as the program cut them, by the revision's id.

The previous release runs on this schema: it neither reads nor writes the index, and what it deletes leaves the index too.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# The words come folded and cut, each a token as it is: the tokenizer's only work is to part them at spaces.
TOKENIZER = "unicode61 remove_diacritics 0 categories 'L* N* Co Mn Mc'"


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        gone = sa.ForeignKey("revision.id", name="fk_entry_words_revision_id_revision", ondelete="CASCADE")
        op.create_table(
            "entry_words",
            sa.Column("revision_id", sa.BigInteger(), gone, autoincrement=False, nullable=False),
            sa.Column("words", postgresql.TSVECTOR(), nullable=False),
            sa.PrimaryKeyConstraint("revision_id", name="pk_entry_words"),
        )
        op.create_index("ix_entry_words_words", "entry_words", ["words"], postgresql_using="gin")
        return
    op.execute(f'CREATE VIRTUAL TABLE entry_words USING fts5(words, detail=none, tokenize="{TOKENIZER}")')
    # A row's id may be given again once the row is gone, so what is deleted has to leave the index at once.
    op.execute(
        "CREATE TRIGGER revision_leaves_entry_words AFTER DELETE ON revision "
        "BEGIN DELETE FROM entry_words WHERE rowid = old.id; END"
    )


def downgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        op.execute("DROP TRIGGER revision_leaves_entry_words")
    op.drop_table("entry_words")
