"""Lets go of what nobody watches: old entries that no topic matched. Their keys stay, so that they never come back."""

from datetime import datetime

from sqlalchemy import Connection, delete, exists, select

from aggregator.store import dialect
from aggregator.store.schema import entry, entry_alias, match, revision

BATCH = 500


def prune(connection: Connection, *, before: datetime, now: datetime, limit: int = BATCH) -> int:
    """Delete up to `limit` unmatched entries first seen before an instant, oldest first; how many there were."""
    unmatched = ~exists().where(match.c.entry_id == entry.c.id)
    query = select(entry.c.id, entry.c.feed_id, entry.c.key).where(entry.c.first_seen < before, unmatched)
    rows = connection.execute(query.order_by(entry.c.first_seen, entry.c.id).limit(limit)).all()
    if not rows:
        return 0
    ids = [row.id for row in rows]
    tombstones = [{"feed_id": row.feed_id, "key": row.key, "entry_id": None, "at": now} for row in rows]
    connection.execute(dialect.insert(connection, entry_alias).on_conflict_do_nothing(), tombstones)
    connection.execute(delete(revision).where(revision.c.entry_id.in_(ids)))
    connection.execute(delete(entry).where(entry.c.id.in_(ids)))
    return len(rows)
