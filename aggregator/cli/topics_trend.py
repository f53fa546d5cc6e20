"""`topics trend`: a topic's stories a day, what was to be expected of each, its spikes with their stories, and its silence."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aggregator.cli.opening import open_archive
from aggregator.cli.options import AsJson, Context, everywhere
from aggregator.cli.output import Column, count, note, print_json, print_table, say, width
from aggregator.cli.paragraphs import heading, paragraph
from aggregator.cli.topic_names import refuse_unknown
from aggregator.core.errors import UsageError

if TYPE_CHECKING:
    from aggregator.core.model.trends import Spike, Trend, TrendDay
    from aggregator.store.database import Connection
    from aggregator.store.trends import Headline

HEIGHT = 8  # lines of the chart
LISTED = 5  # stories under a spike
PIPED = 120  # columns where there is no terminal to fit


class Cut(StrEnum):
    """What a trend may be cut by."""

    CLAUSE = "clause"
    TIER = "tier"
    FEED = "feed"


TopicId = Annotated[str, typer.Argument(metavar="TOPIC", help="A topic's id.")]
Days = Annotated[int, typer.Option("--days", metavar="N", min=7, max=730, help="How many days back, in UTC.")]
By = Annotated[
    Cut | None, typer.Option("--by", help="Cut it by the clause that fired, the source's tier, or the feed.")
]
Svg = Annotated[Path | None, typer.Option("--svg", metavar="FILE", help="Write the chart as a script-free SVG.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What was read for one trend: the whole topic, its slices, and the titles under its spikes."""

    whole: "Trend"
    parts: "Mapping[str, Trend]"
    titles: "Mapping[int, Headline]"


@everywhere
def trend(
    here: Context, topic: TopicId, *, days: Days = 90, by: By = None, svg: Svg = None, as_json: AsJson = False
) -> None:
    """How many stories a topic has a day, copies counted once, and which days stand out.

    A day is compared with the eight weeks before it, weekday by weekday, and with what the feeds that were read then
    usually bring. New feeds, backlogs and feeds that come back make no spike.
    """
    with open_archive(here) as archive:
        until = archive.now.date()
        found = archive.store.read(_read, topic, by, until, days)
    if svg is not None:
        _draw(svg, topic, by, found)
    if as_json:
        _tell(topic, by, days, found)
    elif not any(one.stories for one in found.whole.days):
        note(f"{topic} has had no story in the last {count(days, 'day')}")
    elif by is None:
        _print(topic, days, found)
    else:
        _print_parts(topic, days, by, found)
    if svg is not None and not as_json:
        note(f"drawn into {svg}")


def _read(connection: "Connection", topic_id: str, by: Cut | None, until: date, days: int) -> Read:
    from aggregator.core.stories import trends
    from aggregator.core.stories.watch import watch
    from aggregator.store import trends as stored

    refuse_unknown(connection, (topic_id,))
    since = stored.span_of(until, days)
    hits = stored.hits(connection, topic_id, since=since, until=until, clauses=by is Cut.CLAUSE)
    seen = watch(stored.checked_days(connection, {hit.feed_id for hit in hits}, since=since))
    whole = trends.trend(hits, seen, until=until, days=days)
    cut = trends.slices(hits, by.value) if by else {}
    # So many slices are so many more chances for a chance: each has to be rarer.
    rare = trends.RARE / max(1, len(cut))
    parts = {key: trends.trend(own, seen, until=until, days=days, rare=rare) for key, own in cut.items()}
    parts = dict(sorted(parts.items(), key=lambda part: -sum(one.stories for one in part[1].days)))
    shown = [one for part in (whole, *parts.values()) for spike in part.spikes for one in spike.entries]
    return Read(whole=whole, parts=parts, titles=stored.headlines(connection, sorted(set(shown))))


def _draw(file: Path, topic_id: str, by: Cut | None, found: Read) -> None:
    from aggregator import charts

    days = [one.day for one in found.whole.days]
    if found.parts:
        first, rest = list(found.parts.items())[:7], list(found.parts.items())[7:]
        series = {key: [one.stories for one in part.days] for key, part in first}
        if rest:
            others = zip(*([one.stories for one in part.days] for _, part in rest), strict=True)
            series["others"] = [sum(numbers) for numbers in others]
    else:
        series = {
            "stories": [0 if one.spike else one.stories for one in found.whole.days],
            "spike": [one.stories if one.spike else 0 for one in found.whole.days],
        }
    cut = f" by {by.value}" if by else ""
    drawn = charts.bars(f"{topic_id}: stories a day{cut}", days, series)
    try:
        file.write_bytes(drawn)
    except OSError as error:
        raise UsageError(f"cannot write {file}: {error.strerror}", hint="name another place with --svg") from error


def _print(topic_id: str, days: int, found: Read) -> None:
    whole = found.whole
    stories = [one.stories for one in whole.days]
    say(
        f"{topic_id}: {count(sum(stories), 'story', 'stories')} in {count(days, 'day')}, {sum(stories) / days:.1f} a day",
        style="bold",
    )
    _print_chart(whole.days)
    paragraph(_today(whole.days[-1]), lead="today     ")
    _print_silence(whole)
    _print_spikes(whole.spikes, found.titles)


def _today(last: "TrendDay") -> str:
    """What the last day came to so far, and what of it a spike could be made of."""
    if last.expected is None:
        return "no day can be judged yet: that takes two weeks of readings, and a feed that was read today"
    aside = last.stories - last.counted
    why = f", of which {aside:,} do not count: their feeds are new, or came back" if aside > 0 else ""
    return f"{last.day}: {last.stories:,} so far{why}; {last.expected:.1f} are usual on such a day"


def _print_chart(days: "Sequence[TrendDay]") -> None:
    from aggregator.core.stories import bars

    signs = bars.BLOCKS if _has_blocks() else bars.PLAIN
    scale = len(f"{max(one.stories for one in days):,}") + 1
    columns, each = bars.gathered([one.stories for one in days], min(width(), PIPED) - scale - 2)
    marks = bars.gathered([int(one.spike) for one in days], min(width(), PIPED) - scale - 2)[0]
    for at, row in enumerate(bars.rows(columns, height=HEIGHT, signs=signs)):
        label = f"{max(columns):,}" if at == 0 else "0" if at == HEIGHT - 1 else ""
        say(f"{label:>{scale}} {row}".rstrip())
    if any(marks):
        say(" " * (scale + 1) + "".join("^" if mark else " " for mark in marks).rstrip(), style="warning")
    say(" " * (scale + 1) + _axis([one.day for one in days], each, len(columns)), style="dim")
    if each > 1:
        say(f"{'':{scale + 1}}a column is {count(each, 'day')}", style="dim")


def _axis(days: Sequence[date], each: int, columns: int) -> str:
    """Dates under the columns with which a month begins, and under the first."""
    signs = [" "] * (columns + 6)
    free = 0
    for column in range(columns):
        last = len(days) - 1 - (columns - 1 - column) * each
        own = days[max(0, last - each + 1) : last + 1]
        begins = [day for day in own if day.day == 1]
        if (begins or column == 0) and column >= free and column + 6 <= columns + 6:
            label = f"{(begins or own)[0]:%m-%d}"
            signs[column : column + len(label)] = label
            free = column + len(label) + 1
    return "".join(signs).rstrip()


def _has_blocks() -> bool:
    try:
        "█".encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def _print_silence(whole: "Trend") -> None:
    silence = whole.silence
    if silence is None:
        return
    lasted = f"no story on the {count(silence.days, 'day')} since {silence.since}, where {silence.expected:.1f} were to be expected"
    if silence.healthy:
        paragraph(
            f"{lasted}; its feeds were read: the topic is silent, nothing is broken", lead="silent    ", style="warning"
        )
    else:
        said = f"no story on the {count(silence.days, 'day')} since {silence.since}, but its feeds were not read"
        paragraph(f"{said}: `aggregator feeds list`", lead="unknown   ", style="warning")


def _print_spikes(spikes: "Sequence[Spike]", titles: "Mapping[int, Headline]") -> None:
    for spike in reversed(spikes):
        heading(f"spike on {spike.day:%a} {spike.day}: {spike.counted:,} stories where {spike.expected:.1f} are usual")
        columns = (Column("entry", right=True), Column("feed"), Column("title", shrinks=True))
        shown = [titles[one] for one in spike.entries[:LISTED] if one in titles]
        print_table(columns, [(str(one.entry_id), one.feed_id, one.title) for one in shown])
        if len(spike.entries) > LISTED:
            say(f"and {len(spike.entries) - LISTED:,} more; `--json` has them all", style="dim")


def _print_parts(topic_id: str, days: int, by: Cut, found: Read) -> None:
    from aggregator.core.stories import bars

    signs = bars.BLOCKS if _has_blocks() else bars.PLAIN
    total = sum(one.stories for one in found.whole.days)
    say(f"{topic_id}: {count(total, 'story', 'stories')} in {count(days, 'day')}, by {by.value}", style="bold")
    columns = (
        Column(by.value, shrinks=True),
        Column("stories", right=True),
        Column("a day", right=True),
        Column("usual today", right=True, wide=True),
        Column(f"{count(days, 'day')}, a column each" if days <= 30 else f"{count(days, 'day')}"),
        Column("spikes"),
    )
    rows = []
    for key, part in found.parts.items():
        stories = [one.stories for one in part.days]
        usual = part.days[-1].expected
        line = bars.line(bars.gathered(stories, 30)[0], signs=signs)
        spikes = ", ".join(f"{spike.day:%m-%d}" for spike in part.spikes[-3:])
        rows.append(
            (
                key,
                f"{sum(stories):,}",
                f"{sum(stories) / days:.1f}",
                "-" if usual is None else f"{usual:.1f}",
                line,
                spikes,
            )
        )
    print_table(columns, rows)
    if sum(sum(one.stories for one in part.days) for part in found.parts.values()) > total:
        say(f"a story counts for each {by.value} that has it", style="dim")


def _tell(topic_id: str, by: Cut | None, days: int, found: Read) -> None:
    about = {"topic": topic_id, "days": days}
    if by is None:
        print_json(about | trend_json(found.whole, found.titles))
        return
    for key, part in found.parts.items():
        print_json(about | {by.value: key} | trend_json(part, found.titles))


def trend_json(one: "Trend", titles: "Mapping[int, Headline]") -> dict[str, Any]:
    """A trend as programs read it; days are UTC days."""
    silence = one.silence
    return {
        "stories": sum(day.stories for day in one.days),
        "by_day": [_day_json(day) for day in one.days],
        "spikes": [_spike_json(spike, titles) for spike in one.spikes],
        "silence": None
        if silence is None
        else {
            "since": str(silence.since),
            "days": silence.days,
            "expected": round(silence.expected, 2),
            "feeds_read": silence.healthy,
        },
    }


def _day_json(one: "TrendDay") -> dict[str, Any]:
    return {
        "day": str(one.day),
        "stories": one.stories,
        "counted": one.counted,
        "expected": None if one.expected is None else round(one.expected, 2),
        "covered": round(one.covered, 3),
        "spike": one.spike,
    }


def _spike_json(spike: "Spike", titles: "Mapping[int, Headline]") -> dict[str, Any]:
    return {
        "day": str(spike.day),
        "counted": spike.counted,
        "expected": round(spike.expected, 2),
        "chance": spike.chance,
        "stories": [
            {"entry": one, "feed": titles[one].feed_id, "title": titles[one].title, "link": titles[one].link}
            for one in spike.entries
            if one in titles
        ],
    }
