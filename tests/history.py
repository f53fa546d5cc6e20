"""A past for tests: feeds that were read on given days, and matched entries that came, written straight into the tables."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, insert, select, update

from aggregator.core.model.feeds import Feed
from aggregator.core.model.topics import Fired, Origin, Span, Topic
from aggregator.store import feeds, topics
from aggregator.store.codec import fired_json
from aggregator.store.database import Store
from aggregator.store.schema import (
    entry,
    evidence,
    feed_day,
    feed_event,
    feed_state,
    match,
    revision,
    story,
    story_member,
)
from tests.factories import NOW, make_topic

FIRED = (Fired(clause="query", points=1.0, spans=(Span(field="title", start=0, end=8),)),)


def days_before(until: date, number: int) -> list[date]:
    """So many days up to and with `until`, oldest first."""
    return [until - timedelta(days=back) for back in range(number - 1, -1, -1)]


def at(day: date, hour: float = 12.0) -> datetime:
    """An instant of a UTC day."""
    return datetime.combine(day, time(), UTC) + timedelta(hours=hour)


def follow(store: Store, listed: Sequence[Feed], *, topic: Topic | None = None, since: datetime = NOW) -> None:
    """Follow feeds, first read at `since`, and put a topic in force."""
    store.write(feeds.save, listed, now=since)
    store.write(topics.save, [topic or make_topic()], now=since)
    for one in listed:
        learned(store, one.id, baseline_at=since, changed_at=since)


def learned(store: Store, feed_id: str, **values: Any) -> None:
    """Say what checking has learned of a feed."""
    statement = update(feed_state).where(feed_state.c.feed_id == feed_id).values(values)
    store.write(lambda connection: connection.execute(statement))


def checked(store: Store, feed_id: str, days: Iterable[date], *, ok: int = 24, new: int = 0, gaps: int = 0) -> None:
    """A feed's days in counts."""
    rows = [{"feed_id": feed_id, "day": day, "checks": 24, "ok": ok, "new": new, "gaps": gaps} for day in days]
    store.write(lambda connection: connection.execute(insert(feed_day), rows))


def happened(store: Store, feed_id: str, kind: str, when: datetime, detail: str) -> None:
    """Something that happened to a feed."""
    row = {"feed_id": feed_id, "kind": kind, "at": when, "detail": detail}
    store.write(lambda connection: connection.execute(insert(feed_event), row))


def came(store: Store, feed_id: str, seen: Iterable[datetime], **said: Any) -> list[int]:
    """A matched entry of a feed at each instant; `{n}` in the title is its place. Their ids."""
    return store.write(lambda connection: [_entry(connection, feed_id, one, n, said) for n, one in enumerate(seen)])


def told(store: Store, entry_ids: Iterable[int], *, relation: str = "duplicate") -> int:
    """Make entries one story; its id."""
    return store.write(_tell, list(entry_ids), relation)


def _tell(connection: Connection, entry_ids: list[int], relation: str) -> int:
    made = connection.execute(insert(story).values(first_seen=NOW)).inserted_primary_key
    assert made is not None
    rows = [{"entry_id": one, "story_id": made[0], "relation": relation, "reasons": [], "at": NOW} for one in entry_ids]
    connection.execute(insert(story_member), rows)
    return int(made[0])


def _entry(connection: Connection, feed_id: str, seen: datetime, n: int, said: dict[str, Any]) -> int:
    title = str(said.get("title", "Fentanyl seized {n}")).replace("{n}", str(n))
    number = connection.execute(select(entry.c.id).order_by(entry.c.id.desc()).limit(1)).scalar() or 0
    made = connection.execute(
        insert(entry).values(
            feed_id=feed_id,
            key=f"id:{number + 1}",
            first_seen=seen,
            published=said.get("published"),
            date_suspect=False,
            current_revision=1,
        )
    ).inserted_primary_key
    assert made is not None
    words = connection.execute(
        insert(revision).values(
            entry_id=made[0],
            n=1,
            title=title,
            text=said.get("text", ""),
            html="",
            link=said.get("link", f"https://{feed_id}.example/{made[0]}"),
            authors=[],
            tags=[],
            language="en",
            enclosures=[],
            hash=sha256(title.encode()).digest(),
            seen_at=seen,
        )
    ).inserted_primary_key
    assert words is not None
    for topic_id in said.get("topics", ("narcotics",)):
        _match(connection, topic_id, int(made[0]), int(words[0]), seen, said)
    return int(made[0])


def _match(
    connection: Connection, topic_id: str, entry_id: int, revision_id: int, seen: datetime, said: dict[str, Any]
) -> None:
    origin = said.get("origin", Origin.LIVE)
    found = connection.execute(
        insert(match).values(
            topic_id=topic_id,
            entry_id=entry_id,
            origin=origin.value,
            score=said.get("score", 1.0),
            first_seen=said.get("matched_at", seen),
        )
    ).inserted_primary_key
    assert found is not None
    connection.execute(
        insert(evidence).values(
            match_id=found[0],
            topic_version=1,
            revision_id=revision_id,
            score=said.get("score", 1.0),
            alert=True,
            fired=fired_json(said.get("fired", FIRED)),
            at=seen,
        )
    )
