"""What `status` says of feeds that answer and of topics: what is quiet, what may have gaps, what recovered, what is silent."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aggregator.cli.output import Column, ago, count, print_table, say
from aggregator.cli.paragraphs import heading
from aggregator.core.digests.times import iso

if TYPE_CHECKING:
    from aggregator.cli.glance import Glance
    from aggregator.core.model.digests import SourceNote


def silent_topics(seen: "Glance") -> list[str]:
    """A sentence for each topic that has had no story although some were to be expected."""
    return [
        f"{topic} has had no story since {one.since}, where about {one.expected:.0f} were to be expected; its feeds were read, nothing is broken"
        if one.healthy
        else f"{topic} has had no story since {one.since}, but the feeds that usually bring them were not read"
        for topic, one in seen.silent.items()
    ]


def silent_json(seen: "Glance") -> list[dict[str, Any]]:
    """The same for programs; `feeds_read` is false where the feeds, not the topic, may be why."""
    return [
        {
            "topic": topic,
            "since": str(one.since),
            "days": one.days,
            "expected": round(one.expected, 2),
            "feeds_read": one.healthy,
        }
        for topic, one in seen.silent.items()
    ]


def print_noted(seen: "Glance", limit: int) -> None:
    """Feeds without an error that a person should know about, in a table."""
    kinds = _kinds(seen)
    rows = [
        (note.feed_id, what, ago(note.since, seen.now), note.detail) for what, notes in kinds.items() for note in notes
    ]
    if not rows:
        return
    heading(f"{count(len(rows), 'feed')} to know about, of the last week")
    print_table(
        (Column("feed"), Column("what", style="state"), Column("since"), Column("detail", shrinks=True)), rows[:limit]
    )
    if len(rows) > limit:
        say(f"and {len(rows) - limit} more: `aggregator status --limit {len(rows)}`")


def noted_json(seen: "Glance") -> dict[str, Any]:
    """The same feeds for programs."""
    names = {"quiet": "quiet", "gap": "gaps", "recovered": "recovered"}
    return {
        names[what]: [{"id": note.feed_id, "since": iso(note.since), "detail": note.detail} for note in notes]
        for what, notes in _kinds(seen).items()
    }


def _kinds(seen: "Glance") -> "Mapping[str, tuple[SourceNote, ...]]":
    return {"quiet": seen.sources.quiet, "gap": seen.sources.gaps, "recovered": seen.sources.recovered}
