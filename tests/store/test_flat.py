"""Hot queries stay flat as the archive grows: none of them scans a table that grows."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, event

from aggregator.core.model.digests import Change
from aggregator.core.model.subscriptions import Empty, Schedule, Subscription
from aggregator.core.model.trends import Spike
from aggregator.core.stories.signature import signature
from aggregator.store import (
    attention,
    claims,
    corrections,
    deliveries,
    digests,
    entries,
    export,
    frozen,
    health,
    migrate,
    replay,
    retention,
    silence,
    spike_checks,
    spikes,
    stories,
    story_views,
    told,
    trends,
)
from aggregator.store.database import Store
from aggregator.store.schema import entry, feed, topic
from tests.core.digests.test_compose import make_item
from tests.factories import NOW

GROWING = {
    "correction",
    "entry",
    "entry_alias",
    "revision",
    "match",
    "evidence",
    "ledger",
    "delivery",
    "digest",
    "feed_event",
    "feed_day",
    "spike",
    "story",
    "story_member",
    "story_posting",
    "story_signature",
    "story_word",
    "story_sentence",
    "story_link",
    "story_wish",
}
LASTS = timedelta(seconds=120)
DAY = NOW.date()
ASKED = export.Asked(topic_ids=("narcotics",), since=NOW, until=NOW + LASTS)


MORNING = Subscription(
    id=1,
    subscriber_id=1,
    slug="morning",
    topics=("narcotics",),
    schedule=Schedule(immediate=True),
    empty=Empty.SKIP,
    channel="mail",
    created_at=NOW,
    slot_at=None,
    listed=True,
)


RISEN = Spike(day=DAY, counted=9, expected=1.0, chance=1e-4, entries=(1, 2))


def _renewed(connection: Connection) -> None:
    """An entry that is matched, in a story with others, and whose words changed."""
    stories.join(connection, [(2, signature("Customs seize drums", "Text. " * 9))], now=NOW)
    stories.join(connection, [(2, signature("Ministers sign a treaty", "Other text. " * 9))], now=NOW)


HOT: dict[str, Callable[[Connection], Any]] = {
    "claim due hosts": lambda c: claims.claim(c, now=NOW, lease="a", lasts=LASTS),
    "know a document": lambda c: entries.known(
        c, keys={"un": {"id:1", "id:2"}}, links={"un": {b"l" * 16}}, watchers={}
    ),
    "latest entries": lambda c: entries.latest(c, limit=50),
    "latest of a feed": lambda c: entries.latest(c, feed_id="un", limit=50),
    "pending items": lambda c: digests.due_items(c, 1, archive=False),
    "anything pending": lambda c: attention.with_pending(c, [1]),
    "corrections": lambda c: corrections.waiting(c, 1),
    "any correction": lambda c: corrections.with_waiting(c, [1]),
    "note a correction": lambda c: corrections.note(c, [(1, 2)], Change.CHANGED, now=NOW),
    "spikes": lambda c: spikes.waiting(c, 1),
    "any spike": lambda c: spikes.with_waiting(c, [1]),
    "topics to look at for spikes": lambda c: spike_checks.due(c, now=NOW),
    "note a spike": lambda c: spike_checks.note(c, "narcotics", [RISEN], now=NOW),
    "spikes left to digests": lambda c: spikes.give_to_digests(c, 1, [2], "alert_limit"),
    "spikes that are let go": lambda c: spikes.release(c, 1, reason=None),
    "alerts of a day": lambda c: attention.alerts_of(c, 1, now=NOW),
    "alerts left to digests": lambda c: attention.give_to_digests(c, 1, 1, now=NOW),
    "anything for digests": lambda c: attention.has_for_digests(c, 1, 1),
    "late alerts": lambda c: attention.late_alerts(c, 1, [make_item(1)]),
    "a topic's days": lambda c: attention.daily_matches(c, "narcotics", until=NOW),
    "told before": lambda c: told.told_before(c, MORNING, [make_item(1)]),
    "left out since": lambda c: told.left_out_since(c, MORNING, NOW),
    "a frozen digest": lambda c: frozen.one(c, 1),
    "last digest": lambda c: digests.last_digest_at(c, 1),
    "due deliveries": lambda c: deliveries.claim(c, now=NOW, lease="a", lasts=LASTS),
    "what was checked": lambda c: health.sources(c, since=NOW),
    "a page to replay": lambda c: replay.page(c, after=7, limit=128),
    "what was matched": lambda c: replay.matched(c, ["narcotics"], [1, 2, 3]),
    "hits of a topic": lambda c: trends.hits(c, "narcotics", since=DAY, until=DAY, clauses=True),
    "days of its feeds": lambda c: trends.checked_days(c, {"un"}, since=DAY),
    "silent topics": lambda c: trends.silences(c, until=DAY),
    "quiet feeds": silence.quiet_feeds,
    "a page to export": lambda c: export.page(c, ASKED, "narcotics", (NOW, 7)),
    "newest entry": replay.newest,
    "give an entry its story": lambda c: stories.join(
        c, [(1, signature("Customs seize drums", "Text. " * 9))], now=NOW
    ),
    "renew an entry in its story": _renewed,
    "entries without a story": lambda c: stories.catch_up(c, since=NOW, now=NOW),
    "old means to compare": lambda c: stories.prune(c, now=NOW),
    "latest stories": lambda c: story_views.latest(c, limit=20),
    "one story": lambda c: story_views.of_entry(c, 1),
    "old entries": lambda c: retention.prune(c, before=NOW, now=NOW),
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    database = f"sqlite:///{tmp_path_factory.mktemp('flat') / 'aggregator.db'}"
    migrate.upgrade(database, now=NOW)
    opened = Store(database)
    opened.write(_fill)
    yield opened
    opened.close()


def _fill(connection: Connection) -> None:
    """Entries and a topic to look up: a story is asked for only where there is an entry."""
    connection.execute(topic.insert().values(id="narcotics", name="N", version=1, listed=True, updated_at=NOW))
    connection.execute(feed.insert().values(id="un", url="u", definition={}, listed=True, active=True, added_at=NOW))
    row = {"feed_id": "un", "first_seen": NOW, "date_suspect": False, "current_revision": 1}
    connection.execute(entry.insert(), [{**row, "key": f"k{number}"} for number in range(3)])


@contextmanager
def statements(connection: Connection) -> Iterator[list[tuple[str, Any]]]:
    seen: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: Any) -> None:
        seen.append((statement, parameters))

    event.listen(connection, "before_cursor_execute", note)
    yield seen
    event.remove(connection, "before_cursor_execute", note)


def explained(connection: Connection, work: Callable[[Connection], Any]) -> list[str]:
    with statements(connection) as seen:
        work(connection)
    steps: list[str] = []
    for statement, parameters in seen:
        if statement.lstrip().upper().startswith(("SELECT", "UPDATE", "DELETE")) and isinstance(parameters, tuple):
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            steps += [str(row[3]) for row in plan]
    return steps


@pytest.mark.parametrize("work", HOT.values(), ids=HOT)
def test_a_hot_query_scans_nothing_that_grows(store: Store, work: Callable[[Connection], Any]) -> None:
    steps = store.write(explained, work)
    assert steps
    scanned = {found[1] for step in steps if (found := re.match(r"SCAN (\w+)(?! USING)", step))}
    assert scanned.isdisjoint(GROWING), steps


@pytest.mark.parametrize(
    ("work", "index"),
    [
        pytest.param(HOT["pending items"], "ix_ledger_pending", id="pending items"),
        pytest.param(HOT["anything pending"], "ix_ledger_pending", id="anything pending"),
        pytest.param(HOT["any correction"], "ix_correction_pending", id="any correction"),
        pytest.param(HOT["any spike"], "ix_spike_pending", id="any spike"),
        pytest.param(HOT["topics to look at for spikes"], "ix_match_topic_id_first_seen_id", id="spikes"),
        pytest.param(HOT["due deliveries"], "ix_delivery_open", id="due deliveries"),
        pytest.param(HOT["claim due hosts"], "ix_host_next_due_at", id="claim due hosts"),
        pytest.param(HOT["latest entries"], "ix_entry_first_seen_id", id="latest entries"),
    ],
)
def test_a_hot_query_goes_through_the_index_made_for_it(
    store: Store, work: Callable[[Connection], Any], index: str
) -> None:
    assert any(index in step for step in store.write(explained, work))
