"""Plays checks of one feed, alone or in a row: what a plan decides is what the next check knows, as the store would have it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

from aggregator.core.checking.identity import asked, key_document
from aggregator.core.checking.plan import plan_check
from aggregator.core.model.entries import KnownEntry, ParsedEntry, ParsedFeed, ReadDone, ReadEntry, Revision
from aggregator.core.model.feeds import Answer, Feed, FeedState, Fetched
from aggregator.core.model.plans import Check, EntryPlan, Keyed, Known, RefreshPlan, Watcher
from aggregator.core.model.topics import Evaluation
from tests.factories import NOW, make_feed, make_parsed, make_state

URL = "https://wire.example/feed.xml"


def span_of(entry: ParsedEntry) -> bytes:
    return blake2b(repr(entry).encode(), digest_size=16).digest()


def document(
    *entries: ParsedEntry,
    state: FeedState | None = None,
    cut: bool = True,
    flags: Mapping[str, tuple[Evaluation, ...]] | None = None,
    **told: Any,
) -> ReadDone:
    """What the reader makes of a document with these entries: the ones whose spans `state` knows are left out."""
    known = state.spans if state and cut else {}
    spans = tuple(span_of(entry) for entry in entries) if cut else ()
    flagged = flags or {}
    read = tuple(
        ReadEntry(entry=replace(entry, span=span_of(entry)) if cut else entry, flags=flagged.get(entry.title, ()))
        for entry in entries
        if span_of(entry) not in known
    )
    values: dict[str, Any] = {"format": "rss", "spans": spans, **told}
    return ReadDone(feed=ParsedFeed(**values), entries=read)


class Played:
    """One feed and all that its checks have stored so far."""

    def __init__(self, feed: Feed | None = None, watchers: Mapping[str, tuple[Watcher, ...]] | None = None) -> None:
        self.feed = feed or make_feed()
        self.state = make_state(self.feed)
        self.watchers = watchers or {}
        self.entries: dict[int, KnownEntry] = {}
        self.keys: dict[str, int | None] = {}
        self.now = NOW

    def check(self, *entries: ParsedEntry, status: int = 200, etag: bytes | None = b'"1"', **told: Any) -> RefreshPlan:
        """Let a 200 with these entries come, an hour after the last one; the plan is applied and given back."""
        read = document(*entries, state=self.state, **told)
        answer = Answer(url=URL, status=status, etag=etag)
        body = repr(entries).encode()
        return self.end(Fetched(answer=answer, body=body), read=read, body_hash=blake2b(body, digest_size=16).digest())

    def end(self, fetched: Any, **brought: Any) -> RefreshPlan:
        """Let a check end in any way."""
        claimed = replace(self.state, strikes=self.state.strikes + 1)
        check = Check(feed=self.feed, state=claimed, lease="lease", fetched=fetched, **brought)
        keyed = key_document(check)
        plan = plan_check(check, keyed, self.known(check, keyed), now=self.now)
        self.apply(plan)
        self.now += timedelta(hours=1)
        return plan

    def known(self, check: Check, keyed: Keyed) -> Known:
        keys, links = asked(check, keyed)
        ids = {key: self.keys[key] for key in keys if key in self.keys}
        by_link = {one.link_hash: one for _, one in sorted(self.entries.items()) if one.link_hash in links}
        latest = sorted(self.entries.values(), key=lambda one: one.entry_id, reverse=True)[:50]
        return Known(
            entries={key: None if id_ is None else self.entries[id_] for key, id_ in ids.items()},
            by_link=by_link,
            times=tuple(min(one.published or one.first_seen, one.first_seen) for one in latest),
            watchers=self.watchers,
        )

    def apply(self, plan: RefreshPlan) -> None:
        self.state = plan.state
        for new in plan.new:
            id_ = len(self.entries) + 1
            assert new.key not in self.keys, "two entries under one key"
            self.entries[id_] = stored(id_, plan.feed_id, new)
            self.keys |= dict.fromkeys((new.key, *new.aliases), id_)
        for one in plan.revised:
            matched = {match.evaluation.topic_id for match in one.matches}
            before = self.entries[one.entry_id]
            self.entries[one.entry_id] = replace(
                before,
                **_words(one.revision),
                link_hash=one.link_hash,
                matches=before.matches | matched,
                revised_at=one.revision.seen_at,
            )
        for key, id_ in plan.aliases:
            assert key not in self.keys, "an alias of another entry"
            self.keys[key] = id_

    def purge(self, *keys: str) -> None:
        """Let retention take entries away: their keys stay as tombstones."""
        for key in keys:
            self.entries.pop(self.keys[key] or 0, None)
            self.keys[key] = None


def stored(id_: int, feed_id: str, new: EntryPlan) -> KnownEntry:
    return KnownEntry(
        entry_id=id_,
        feed_id=feed_id,
        key=new.key,
        link_hash=new.link_hash,
        first_seen=new.first_seen,
        revised_at=new.first_seen,
        published=new.published,
        matches=frozenset(match.evaluation.topic_id for match in new.matches),
        **_words(new.revision),
    )


def _words(revision: Revision) -> dict[str, Any]:
    return {"title": revision.title, "text": revision.text, "hash": revision.hash, "revisions": revision.n}


def post(n: int, **said: Any) -> ParsedEntry:
    return make_parsed(f"g{n}", link=f"https://w.example/{n}", title=f"Post {n}", **said)


def answer(**said: Any) -> Answer:
    return Answer(**{"url": URL, "status": 200, **said})


def ended(
    fetched: Any, *, state: dict[str, Any] | None = None, feed: dict[str, Any] | None = None, **brought: Any
) -> RefreshPlan:
    """The plan of one check that ended so, of a feed of which nothing else is known."""
    said = make_feed(**(feed or {}))
    check = Check(feed=said, state=make_state(said, **(state or {})), lease="lease", fetched=fetched, **brought)
    return plan_check(check, key_document(check), Known(), now=NOW)


def titles(plans: Sequence[EntryPlan]) -> list[str]:
    return [plan.revision.title for plan in plans]


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


def at(count: float) -> datetime:
    """So many hours after NOW."""
    return NOW + timedelta(hours=count)
