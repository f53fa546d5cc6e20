"""`topics backtest`: a draft of a topic over what is stored: how much it would flag, and what the change adds and loses."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aggregator.cli.opening import Archive, open_archive, stoppable
from aggregator.cli.options import AsJson, Context, Limit, everywhere
from aggregator.cli.output import Column, count, fields, note, print_json, print_table, progress, say
from aggregator.cli.paragraphs import heading
from aggregator.cli.replaying import crew
from aggregator.cli.topic_names import TopicName, find_topic
from aggregator.core.digests.times import iso

if TYPE_CHECKING:
    from aggregator.backtest import Backtest, Item
    from aggregator.core.model.topics import Topic

BAR = 30  # columns of the longest bar
MOST_DAYS = 31  # rows; programs get all

DraftFile = Annotated[
    Path | None, typer.Option("--file", metavar="DRAFT.yaml", help="A draft to try instead of what the feed list has.")
]
Days = Annotated[int, typer.Option("--days", metavar="N", min=1, max=3650, help="How many days back.")]


@everywhere
def backtest(
    here: Context,
    topic: TopicName,
    *,
    file: DraftFile = None,
    days: Days = 30,
    limit: Limit = 5,
    as_json: AsJson = False,
) -> None:
    """Try a topic, as the feed list or a draft has it, on what was stored in the last days. Writes nothing.

    Items a day, what the change adds and loses against the version in force, overlap with other topics, and how long the
    daily digests would have been.
    """
    from aggregator.feedlist import load_draft
    from aggregator.store import topics

    draft = find_topic(here, topic) if file is None else load_draft(file, topic)
    with open_archive(here) as archive:
        in_force = {one.id: one for one in archive.store.read(topics.listed)}
        found = stoppable(_run(archive, draft, in_force, days))
    former = in_force.get(draft.id)
    if as_json:
        print_json(_told(draft, former, found, days, limit))
    elif not found.entries:
        note(f"nothing was stored in the last {count(days, 'day')}")
    else:
        _print(draft, former, found, days, limit)


async def _run(archive: Archive, draft: "Topic", in_force: "dict[str, Topic]", days: int) -> "Backtest":
    from aggregator.backtest import backtest as tried
    from aggregator.backtest import lineup
    from aggregator.store import replay

    since = archive.now - timedelta(days=days)
    total, _, _ = await archive.store.reading(replay.extent, since=since)
    async with crew(archive.settings, lineup(draft, in_force)) as workers:
        with progress(total, "backtesting") as step:
            return await tried(archive.store, workers, since=since, now=archive.now, report=step)


def _told(draft: "Topic", former: "Topic | None", found: "Backtest", days: int, limit: int) -> dict[str, Any]:
    sizes = [one.items for one in found.days]
    return {
        "topic": draft.id,
        "days": days,
        "entries": found.entries,
        "items": len(found.items),
        "items_a_day": round(len(found.items) / len(found.days), 2),
        "stories": sum(one.stories for one in found.days),
        "alerts": sum(one.alert for one in found.items),
        "in_force": None if former is None else {"version": former.version, "items": found.before},
        "added": {"count": len(found.added), "samples": _samples(found.added, limit)},
        "lost": {"count": len(found.lost), "samples": _samples(found.lost, limit)},
        "overlap": [
            {"topic": name, "items": number, "shared": shared} for name, (number, shared) in found.overlap.items()
        ],
        "digests": {
            "median_items": median(sizes),
            "largest_items": max(sizes),
            "largest_stories": max(one.stories for one in found.days),
            "empty": sizes.count(0),
            "by_day": [{"day": str(one.day), "items": one.items, "stories": one.stories} for one in found.days],
        },
    }


def _samples(items: "Sequence[Item]", limit: int) -> list[dict[str, Any]]:
    return [
        {
            "entry": one.entry_id,
            "feed": one.feed_id,
            "title": one.title,
            "score": one.score,
            "first_seen": iso(one.first_seen),
        }
        for one in items[:limit]
    ]


def _print(draft: "Topic", former: "Topic | None", found: "Backtest", days: int, limit: int) -> None:
    items, stories = len(found.items), sum(one.stories for one in found.days)
    # An archive that is younger than the window says nothing of the days before it.
    last = count(min(days, len(found.days)), "day")
    say(f"{draft.id} over {count(found.entries, 'entry', 'entries')} of the last {last}", style="bold")
    sizes = sorted(one.stories for one in found.days)
    lines = {
        "flags": f"{count(items, 'item')}, {items / len(found.days):.1f} a day, {count(sum(i.alert for i in found.items), 'alert')}",
        "digests": f"{count(stories, 'story', 'stories')}; a day {median(sizes):g} in the middle, {sizes[-1]:,} at most, "
        f"{sizes.count(0):,} of {len(sizes):,} days without any",
    }
    if former is not None:
        lines["in force"] = f"version {former.version} flags {found.before:,}"
        lines["change"] = f"adds {len(found.added):,}, loses {len(found.lost):,}"
    else:
        lines["in force"] = "nothing of that name"
    fields(lines)
    if former is not None:
        _print_items("added", found.added, limit)
        _print_items("lost", found.lost, limit)
    else:
        _print_items("flagged", found.items, limit)
    _print_overlap(found)
    _print_days(found)


def _print_items(what: str, items: "Sequence[Item]", limit: int) -> None:
    if not items:
        return
    heading(f"{what}: {len(items):,}" + (f", the latest {limit:,}" if len(items) > limit else ""))
    columns = (Column("entry", right=True), Column("score", right=True), Column("feed"), Column("title", shrinks=True))
    print_table(columns, [(str(one.entry_id), f"{one.score:g}", one.feed_id, one.title) for one in items[:limit]])


def _print_overlap(found: "Backtest") -> None:
    shared = {name: numbers for name, numbers in found.overlap.items() if numbers[1]}
    if not shared:
        return
    heading("also flagged by")
    columns = (Column("topic"), Column("shared", right=True), Column("of its", right=True))
    ordered = sorted(shared.items(), key=lambda pair: (-pair[1][1], pair[0]))
    print_table(columns, [(name, f"{both:,}", f"{number:,}") for name, (number, both) in ordered])


def _print_days(found: "Backtest") -> None:
    most = max((one.items for one in found.days), default=0)
    if not most:
        return
    some = [one for one in found.days if one.items]
    whole = len(found.days) <= MOST_DAYS
    shown = found.days if whole else some[-MOST_DAYS:]
    heading("a day, in UTC" if whole else f"days with any, in UTC: {len(some):,}")
    columns = (Column("day"), Column("items", right=True), Column("stories", right=True), Column(""))
    rows = [(str(one.day), f"{one.items:,}", f"{one.stories:,}", "#" * -(-one.items * BAR // most)) for one in shown]
    print_table(columns, rows)
