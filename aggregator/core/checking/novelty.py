"""Turns recognised entries into what is stored of them: new entries with their matches, and revisions of known ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from aggregator.core.checking.matches import matches_of, split_flags
from aggregator.core.checking.recognise import Recognised, Recognition
from aggregator.core.checking.revisions import MAX_SILENT, Change, change, notable, revision_of
from aggregator.core.model.entries import KnownEntry, ParsedEntry
from aggregator.core.model.plans import Check, EntryPlan, FeedEvent, Known, RevisionPlan
from aggregator.core.model.topics import Origin

_CLOCK_SKEW = timedelta(minutes=10)
_ZONE_ERROR = timedelta(hours=14)  # the widest offset a date may lack


@dataclass(frozen=True, slots=True, kw_only=True)
class Revised:
    """Revisions to store; `postponed` are keys of edits that come too soon and must be read again."""

    plans: tuple[RevisionPlan, ...]
    postponed: frozenset[str]
    events: tuple[FeedEvent, ...]


def new_entries(check: Check, recognition: Recognition, known: Known, now: datetime) -> tuple[EntryPlan, ...]:
    """A plan for each new entry, the oldest of the document first, so that later ids are newer entries.

    First seen is `now` for all of them; an origin decides who hears of them.
    """
    fresh = [one for one in recognition.entries if not one.stored]
    ordered = fresh if _is_oldest_first([one.keyed.read.entry for one in fresh]) else fresh[::-1]
    return tuple(_entry_plan(one, _origin(check, one, now), known, now) for one in ordered)


def live_entries(check: Check, recognition: Recognition, now: datetime) -> tuple[ParsedEntry, ...]:
    """The entries that would be stored as news now, the newest first; those of older pages come last."""
    fresh = [one for one in recognition.entries if not one.stored and _origin(check, one, now) is Origin.LIVE]
    entries = [one.keyed.read.entry for one in fresh]
    return tuple(entries[::-1] if _is_oldest_first(entries) else entries)


def revised_entries(recognition: Recognition, known: Known, now: datetime) -> Revised:
    """What became of stored entries whose words changed: matches they newly earn, evidence for those they had."""
    plans: list[RevisionPlan] = []
    postponed: set[str] = set()
    events: list[FeedEvent] = []
    for one in recognition.entries:
        if one.known is None or one.keyed.older:
            continue  # an archive may hold the words of long ago
        verdict = change(one.known, one.keyed.read.entry, now)
        if verdict is Change.TOO_SOON:
            postponed.add(one.keyed.key)
        if verdict is not Change.REVISED:
            continue
        plan = _revision_plan(one, one.known, known, now)
        plans.append(plan)
        if plan.revision.n == MAX_SILENT + 1:
            detail = f"{one.key[:100]} has changed {MAX_SILENT} times; only changes of its title are kept from now on"
            events.append(FeedEvent(kind="frozen", detail=detail))
    return Revised(plans=tuple(plans), postponed=frozenset(postponed), events=tuple(events))


def _entry_plan(one: Recognised, origin: Origin, known: Known, now: datetime) -> EntryPlan:
    entry = one.keyed.read.entry
    suspect = entry.published is not None and entry.published > now + _CLOCK_SKEW
    return EntryPlan(
        key=one.key,
        revision=revision_of(entry, n=1, now=now),
        first_seen=now,
        published=now if suspect else entry.published,
        published_raw=entry.published_raw,
        date_suspect=suspect,
        updated=entry.updated,
        link_hash=one.keyed.link_hash,
        aliases=one.aliases,
        matches=matches_of(one.keyed.read.flags, origin, known.watchers),
        signature=one.keyed.read.signature,
    )


def _revision_plan(one: Recognised, before: KnownEntry, known: Known, now: datetime) -> RevisionPlan:
    entry = one.keyed.read.entry
    earned, evidence = split_flags(one.keyed.read.flags, before.matches)
    return RevisionPlan(
        entry_id=before.entry_id,
        key=one.key,
        revision=revision_of(entry, n=before.revisions + 1, now=now),
        notable=notable(before, entry),
        updated=entry.updated,
        link_hash=one.keyed.link_hash,
        matches=matches_of(earned, Origin.REVISED, known.watchers),
        evidence=evidence,
        signature=one.keyed.read.signature,
    )


def _origin(check: Check, one: Recognised, now: datetime) -> Origin:
    """Live, but for the first import: there only what the feed's `backlog` covers, by the publisher's date.

    A date some hours ahead is a wrong time zone and counts as fresh; one further ahead says nothing of when it appeared.
    """
    if one.historical:
        return Origin.BASELINE
    if check.state.baseline_at is not None:
        return Origin.LIVE
    published, backlog = one.keyed.read.entry.published, check.feed.backlog
    fresh = bool(backlog) and published is not None and now - backlog <= published <= now + _ZONE_ERROR
    return Origin.LIVE if fresh else Origin.BASELINE


def _is_oldest_first(entries: Sequence[ParsedEntry]) -> bool:
    """Whether dates mostly rise through the document; most feeds, and all undated ones, are taken as newest first."""
    dates = [at for entry in entries if (at := entry.published or entry.updated)]
    rises = sum(later > earlier for earlier, later in pairwise(dates))
    falls = sum(later < earlier for earlier, later in pairwise(dates))
    return rises > falls
