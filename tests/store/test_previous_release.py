"""The release before writes to this schema without its new columns: an upgrade need not stop every process at once."""

from datetime import timedelta

from sqlalchemy import Connection, insert

from aggregator.core.model.feeds import FeedState
from aggregator.store import dialect, feeds
from aggregator.store.codec import state_row
from aggregator.store.database import Store
from aggregator.store.politeness import politeness
from aggregator.store.schema import REQUESTS, feed, feed_day, feed_state
from tests.factories import NOW, make_feed

NEW_STATE = ("validators_from", "slow_until")


def test_rows_without_the_new_columns_are_taken_and_read_back(store: Store) -> None:
    store.write(feeds.save, [make_feed()], now=NOW)
    store.write(_as_before)
    (one,) = store.read(feeds.followed, ids=["old"])
    assert (one.state.validators_from, one.state.slow_until) == (None, None)
    counted = store.read(politeness, since=NOW.date() - timedelta(days=1))
    assert (counted.checks, counted.not_modified, counted.early) == (3, 0, 0)


def _as_before(connection: Connection) -> None:
    host_id = feeds.host_ids(connection, {"wire.example"})["wire.example"]
    connection.execute(
        insert(feed).values(
            id="old", url="https://wire.example/old", definition={"id": "old", "url": "https://wire.example/old"},
            listed=True, active=True, added_at=NOW,
        )
    )  # fmt: skip
    row = state_row(FeedState(feed_id="old", host="wire.example", next_check_at=NOW), host_id)
    connection.execute(insert(feed_state).values({name: row[name] for name in row if name not in NEW_STATE}))
    counted = {"checks": 3, "ok": 3, "new": 0, "gaps": 0}
    assert not set(counted) & set(REQUESTS)
    before = dialect.insert(connection, feed_day).values(feed_id="old", day=NOW.date(), **counted)
    connection.execute(before)
