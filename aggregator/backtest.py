"""A draft of a topic over the archive: what it would have flagged, beside what the version in force does. It writes nothing.

The word index says which entries no topic can flag; the others are read in pages and evaluated exactly as a check does,
in worker processes. Only what is flagged is kept.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

from aggregator.core.model.stories import StorySignature
from aggregator.core.model.topics import Evaluation, Topic
from aggregator.core.stories.group import group
from aggregator.core.stories.signature import signature
from aggregator.core.topics.coarse import coarse
from aggregator.core.topics.fields import stored_fields
from aggregator.store import replay, search
from aggregator.store.database import Store
from aggregator.store.replay import StoredEntry
from aggregator.workers import Workers

BATCH = 256
# Ids that no topic of a feed list can have, so that both versions of one topic are evaluated side by side.
_DRAFT, _IN_FORCE = "draft:", "in force:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One entry that a version flags; `score` is that version's."""

    entry_id: int
    feed_id: str
    first_seen: datetime
    title: str
    score: float
    alert: bool
    signed: StorySignature


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One daily digest as it would have been: its items, and the stories that these fold into."""

    day: date
    items: int
    stories: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """What a draft does over a window of `entries`. Items come newest first.

    `days` are all days of the window in UTC from the first entry on, oldest first. `before` counts what the version in force flags, None when
    there is none. `overlap` counts for each other topic what it flags, and how much of that the draft flags too.
    """

    entries: int
    items: tuple[Item, ...]
    days: tuple[Day, ...]
    before: int | None
    added: tuple[Item, ...]
    lost: tuple[Item, ...]
    overlap: Mapping[str, tuple[int, int]]


@dataclass(slots=True)
class _Seen:
    """What was flagged so far, by entry."""

    draft: dict[int, Item] = field(default_factory=dict)
    force: dict[int, Item] = field(default_factory=dict)
    others: Counter[str] = field(default_factory=Counter)
    shared: Counter[str] = field(default_factory=Counter)


def lineup(draft: Topic, in_force: Mapping[str, Topic]) -> tuple[Topic, ...]:
    """The topics that workers must match with for a backtest of `draft`: itself, its version in force, and all others."""
    others = [topic for topic in in_force.values() if topic.id != draft.id]
    former = [replace(topic, id=_IN_FORCE) for topic in in_force.values() if topic.id == draft.id]
    return (replace(draft, id=_DRAFT), *former, *others)


async def backtest(
    store: Store, workers: Workers, *, since: datetime, now: datetime, report: Callable[[int], None] = lambda _: None
) -> Backtest:
    """Run the `lineup` that `workers` match with over the entries first seen since an instant.

    `report` hears how many entries are done, at first those that the word index rules out.
    """
    wanted = coarse(workers.topics, await store.reading(replay.sources))
    possible = await store.reading(search.candidates, wanted, since=since)
    entries, _, first = await store.reading(replay.extent, since=since)
    report(entries - len(possible))
    seen = await _tried(store, workers, possible, report)
    ids = [topic.id for topic in workers.topics]
    return Backtest(
        entries=entries,
        items=_newest(seen.draft.values()),
        days=_days(list(seen.draft.values()), first, now),
        before=len(seen.force) if _IN_FORCE in ids else None,
        added=_newest(item for entry_id, item in seen.draft.items() if entry_id not in seen.force),
        lost=_newest(item for entry_id, item in seen.force.items() if entry_id not in seen.draft),
        overlap={name: (seen.others[name], seen.shared[name]) for name in ids if name not in {_DRAFT, _IN_FORCE}},
    )


async def _tried(store: Store, workers: Workers, ids: Sequence[int], report: Callable[[int], None]) -> _Seen:
    """What the workers' topics flag among these entries; one that is gone meanwhile flags nothing."""
    seen = _Seen()
    for start in range(0, len(ids), BATCH):
        chunk = ids[start : start + BATCH]
        page = list((await store.reading(replay.several, chunk)).values())
        verdicts = await workers.evaluate([stored_fields(one.revision, one.facts) for one in page])
        for entry, flags in zip(page, verdicts, strict=True):
            _note(seen, entry, {flag.topic_id: flag for flag in flags})
        report(len(chunk))
    return seen


def _note(seen: _Seen, entry: StoredEntry, flags: Mapping[str, Evaluation]) -> None:
    for name, kept in ((_DRAFT, seen.draft), (_IN_FORCE, seen.force)):
        if name in flags:
            kept[entry.id] = _item(entry, flags[name])
    others = flags.keys() - {_DRAFT, _IN_FORCE}
    seen.others.update(others)
    if _DRAFT in flags:
        seen.shared.update(others)


def _item(entry: StoredEntry, flag: Evaluation) -> Item:
    words = entry.revision
    return Item(
        entry_id=entry.id,
        feed_id=entry.facts.feed_id,
        first_seen=entry.first_seen,
        title=words.title or words.text[:200],
        score=flag.score,
        alert=flag.alert,
        signed=signature(words.title, words.text, words.language or entry.facts.language),
    )


def _newest(items: Iterable[Item]) -> tuple[Item, ...]:
    return tuple(sorted(items, key=lambda one: (one.first_seen, one.entry_id), reverse=True))


def _days(items: Sequence[Item], since: datetime, now: datetime) -> tuple[Day, ...]:
    """Each day of the window with its items folded into stories, as a digest folds them."""
    by_day: dict[date, list[Item]] = defaultdict(list)
    for one in items:
        by_day[one.first_seen.astimezone(UTC).date()].append(one)
    first, last = since.astimezone(UTC).date(), now.astimezone(UTC).date()
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    return tuple(
        Day(
            day=day,
            items=len(by_day[day]),
            stories=len(group([(i.feed_id, i.first_seen, i.signed) for i in by_day[day]])),
        )
        for day in days
    )
