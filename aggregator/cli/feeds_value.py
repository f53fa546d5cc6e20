"""`feeds value`: what each feed is worth to each topic: what it alone had, what it had first, what its loss would have cost."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aggregator.cli.feed_names import find_feed
from aggregator.cli.opening import open_archive
from aggregator.cli.options import AsJson, Context, LimitOrAll, everywhere
from aggregator.cli.output import Column, count, note, print_json, print_table, say, span
from aggregator.cli.paragraphs import paragraph

if TYPE_CHECKING:
    from aggregator.core.stories.coverage import FeedValue
    from aggregator.store.database import Connection

FeedId = Annotated[str | None, typer.Argument(metavar="FEED", help="Only this feed; all of them without.")]
Days = Annotated[int, typer.Option("--days", metavar="N", min=1, max=3650, help="How many days back, in UTC.")]


@everywhere
def value(
    here: Context, feed: FeedId = None, *, days: Days = 90, limit: LimitOrAll = None, as_json: AsJson = False
) -> None:
    """What each feed brought to each topic: stories it alone had, and those it had first, by how long.

    Stories that a feed alone had would have been lost without it; those it had first would have come so much later.
    What a feed held already when it was added does not count.
    """
    with open_archive(here) as archive:
        found, quiet = archive.store.read(_read, feed, archive.now.date(), days)
    shown = found[:limit]
    if as_json:
        for one in shown:
            print_json(value_json(one, days))
        return
    if not found:
        note(f"{feed or 'no feed'} has brought {'no' if feed else 'a'} match in the last {count(days, 'day')}")
    _print(shown)
    if feed is not None and found:
        _print_loss(feed, found, days)
    if quiet:
        paragraph(f"without any match in {count(days, 'day')}: {', '.join(quiet)}")


def _read(
    connection: "Connection", feed_id: str | None, until: Any, days: int
) -> "tuple[list[FeedValue], tuple[str, ...]]":
    from aggregator.core.stories.coverage import coverage
    from aggregator.store import feeds, trends

    followed = {one.id for one in feeds.definitions(connection)}
    by_topic = trends.all_hits(connection, since=until - timedelta(days=days - 1), until=until)
    values = [one for topic_id, hits in by_topic.items() for one in coverage(topic_id, hits)]
    if feed_id is None:
        return values, tuple(sorted(followed - {one.feed_id for one in values}))
    find_feed(connection, feed_id)
    return [one for one in values if one.feed_id == feed_id], ()


def value_json(one: "FeedValue", days: int) -> dict[str, Any]:
    """A line of `feeds value --json`; `lead_seconds` is the median of the stories that others had later."""
    return {
        "topic": one.topic_id,
        "feed": one.feed_id,
        "days": days,
        "hits": one.hits,
        "stories": one.stories,
        "alone": one.alone,
        "share_alone": round(one.share, 4),
        "first": one.first,
        "lead_seconds": None if one.lead is None else round(one.lead.total_seconds()),
        "topic_stories": one.of_topic,
        "without_it": {"lost": one.alone, "later": one.first},
    }


def _print(values: "Sequence[FeedValue]") -> None:
    columns = (
        Column("topic"),
        Column("feed"),
        Column("hits", right=True, wide=True),
        Column("stories", right=True),
        Column("alone", right=True),
        Column("of topic", right=True),
        Column("first", right=True),
        Column("by", right=True),
    )
    print_table(columns, [_row(one) for one in values])


def _row(one: "FeedValue") -> tuple[str, ...]:
    lead = "-" if one.lead is None else span(one.lead)
    numbers = (f"{one.hits:,}", f"{one.stories:,}", f"{one.alone:,}", f"{one.share:.0%}", f"{one.first:,}")
    return one.topic_id, one.feed_id, *numbers, lead


def _print_loss(feed_id: str, values: "Sequence[FeedValue]", days: int) -> None:
    say()
    for one in values:
        lost = f"{count(one.alone, 'story', 'stories')} of {one.of_topic:,} would not have come at all"
        later = f", and {one.first:,} about {span(one.lead)} later" if one.lead is not None else ""
        paragraph(f"without {feed_id}, {lost}{later} in the last {count(days, 'day')}", lead=f"{one.topic_id}  ")
