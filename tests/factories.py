"""Nouns for tests: keyword-only, every field with a dull default."""

from datetime import UTC, datetime, time, timedelta
from hashlib import sha256
from typing import Any

from aggregator.core.model.entries import KnownEntry, ParsedEntry, Revision
from aggregator.core.model.feeds import Answer, Feed, FeedState, Fetched
from aggregator.core.model.plans import EntryPlan, LedgerPlan, MatchPlan, Outcome, RefreshPlan
from aggregator.core.model.subscriptions import Schedule, SubscriberSpec, SubscriptionSpec
from aggregator.core.model.topics import Clause, ClauseKind, Evaluation, Fired, Origin, Span, Topic

NOW = datetime(2026, 1, 27, 6, 30, tzinfo=UTC)


def make_feed(id_: str = "wire", url: str | None = None, **said: Any) -> Feed:
    return Feed(id=id_, url=url or f"https://{id_}.example/feed.xml", **said)


def make_state(feed: Feed | None = None, **learned: Any) -> FeedState:
    feed = feed or make_feed()
    values: dict[str, Any] = {"feed_id": feed.id, "host": f"{feed.id}.example", "next_check_at": NOW, **learned}
    return FeedState(**values)


def make_topic(id_: str = "narcotics", *, query: str = "fentanyl", **said: Any) -> Topic:
    clause = Clause(name="query", kind=ClauseKind.SIGNAL, query=query)
    values: dict[str, Any] = {"id": id_, "name": id_.title(), "clauses": (clause,), **said}
    return Topic(**values)


def make_revision(n: int = 1, *, title: str = "Customs seize fentanyl", text: str = "", at: datetime = NOW) -> Revision:
    return Revision(
        n=n,
        title=title,
        text=text,
        html="",
        link="https://wire.example/1",
        authors=("Wire desk",),
        tags=("customs",),
        language="en",
        enclosures=(),
        hash=sha256(f"{title}\n{text}".encode()).digest(),
        seen_at=at,
    )


def make_evaluation(
    topic_id: str = "narcotics", *, version: int = 1, score: float = 1.0, alert: bool = True
) -> Evaluation:
    fired = (Fired(clause="query", points=score, spans=(Span(field="title", start=14, end=22),)),)
    return Evaluation(topic_id=topic_id, version=version, score=score, flagged=True, alert=alert, fired=fired)


def make_match(
    topic_id: str = "narcotics", *, ledger: tuple[LedgerPlan, ...] = (), origin: Origin = Origin.LIVE
) -> MatchPlan:
    return MatchPlan(origin=origin, evaluation=make_evaluation(topic_id), ledger=ledger)


def make_entry_plan(key: str = "id:1", **decided: Any) -> EntryPlan:
    values: dict[str, Any] = {"key": key, "revision": make_revision(), "first_seen": NOW, **decided}
    return EntryPlan(**values)


def make_plan(feed: Feed, lease: str, **decided: Any) -> RefreshPlan:
    state = make_state(feed, next_check_at=NOW + timedelta(hours=1), checked_at=NOW, succeeded_at=NOW)
    values: dict[str, Any] = {
        "feed_id": feed.id,
        "lease": lease,
        "outcome": Outcome.FETCHED,
        "state": state,
        **decided,
    }
    return RefreshPlan(**values)


def make_subscriber(slug: str = "desk", *, topics: tuple[str, ...] = ("narcotics",), **said: Any) -> SubscriberSpec:
    schedule = said.pop("schedule", Schedule(at=(time(7, 30),)))
    address = said.pop("address", f"{slug}@example.org")
    subscription = SubscriptionSpec(slug="morning", topics=topics, schedule=schedule)
    values: dict[str, Any] = {"slug": slug, "address": address, "subscriptions": (subscription,), **said}
    return SubscriberSpec(**values)


def make_parsed(id_: str | None = "1", **said: Any) -> ParsedEntry:
    values: dict[str, Any] = {"id": id_, "link": f"https://wire.example/{id_}", "title": f"Story {id_}", **said}
    return ParsedEntry(**values)


def make_fetched(body: bytes = b"<rss/>", url: str = "https://wire.example/feed.xml") -> Fetched:
    return Fetched(answer=Answer(url=url, status=200), body=body)


def make_known(key: str = "id:1", entry_id: int = 1, **stored: Any) -> KnownEntry:
    values: dict[str, Any] = {
        "entry_id": entry_id,
        "feed_id": "wire",
        "key": key,
        "link_hash": None,
        "title": "Story 1",
        "text": "",
        "hash": b"0" * 32,
        "revisions": 1,
        "first_seen": NOW,
        "revised_at": NOW,
        **stored,
    }
    return KnownEntry(**values)
