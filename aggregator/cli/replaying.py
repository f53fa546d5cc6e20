"""What changed topics find in the archive, counted before anything is written, and the replay that writes it, with a bar on stderr."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from aggregator.cli.output import count, print_json, progress
from aggregator.cli.paragraphs import paragraph
from aggregator.settings import Settings

if TYPE_CHECKING:
    from aggregator.core.model.topics import Topic
    from aggregator.feedlist import FeedList
    from aggregator.feedlist.changes import ChangePlan
    from aggregator.replay import Count
    from aggregator.store.database import Store
    from aggregator.workers import Workers

_SILENT = {"name", "tests"}  # fields of a topic that change nothing of what it matches


def to_replay(planned: "ChangePlan", wanted: "FeedList") -> "tuple[Topic, ...]":
    """The topics that match otherwise than before once a plan is applied."""
    names = {
        change.id
        for change in planned.changes
        if change.noun == "topic" and (change.kind == "add" or {one.name for one in change.fields} - _SILENT)
    }
    return tuple(topic for topic in wanted.topics if topic.id in names)


@asynccontextmanager
async def crew(settings: Settings, topics: "Sequence[Topic]") -> "AsyncIterator[Workers]":
    """Worker processes of one's own that match with `topics`."""
    from aggregator.app import make_workers

    workers = make_workers(settings)
    try:
        await workers.set_topics(topics)
        yield workers
    finally:
        await workers.stop()


async def would_match(settings: Settings, store: "Store", topics: "Sequence[Topic]") -> "Mapping[str, Count]":
    """What `topics` would match of all that is stored; nothing is counted, and no process started, without either."""
    from aggregator.replay import count as counted
    from aggregator.store import entries

    stored = await store.reading(entries.count)
    if not topics or not stored:
        return {}
    async with crew(settings, topics) as workers:
        with progress(stored, "counting") as step:
            return await counted(store, workers, topics, report=step)


def tell_counts(counts: "Mapping[str, Count]", *, as_json: bool, done: bool, notify: bool = False) -> None:
    """What was counted: a line a topic. `done`: the matches are being written."""
    for topic_id, found in counts.items():
        if as_json:
            told: dict[str, Any] = {"kind": "replay", "noun": "topic", "id": topic_id}
            print_json({**told, "entries": found.entries, "new": found.new, "notify": notify})
            continue
        entries = count(found.entries, "stored entry", "stored entries")
        verb = ("matches" if found.entries == 1 else "match") if done else "would match"
        told_of = f"{entries} {verb}, {found.new:,} for the first time"
        if found.new:
            told_of += "; they are mailed with what is due next" if notify else "; nobody is mailed for the past"
        paragraph(told_of, lead=f"{topic_id}: ")


async def replay_now(settings: Settings, store: "Store", clock: Any) -> None:
    """Replay what is due, unless a running service does so already. It may be interrupted, and goes on later."""
    from aggregator.replay import Replayer
    from aggregator.store import entries, lock, replay, topics

    due = await store.reading(replay.due)
    newest = await store.reading(replay.newest)
    behind = [one for one in due if one.after < newest]
    if not behind or lock.holder_of(settings.database) is not None:
        return
    stored = await store.reading(entries.count)
    async with crew(settings, await store.reading(topics.listed)) as workers:
        replayer = Replayer(store=store, workers=workers, clock=clock)
        with progress(stored, "replaying") as step:
            await replayer.run(report=step)
