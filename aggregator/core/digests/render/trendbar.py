"""A topic's days -> a small chart in its mail: block characters for text, cells of a table for HTML, and a sentence for both."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from aggregator.core.digests.display import apart, line
from aggregator.core.digests.render.view import joined, number_words
from aggregator.core.digests.times import day_words
from aggregator.core.model.digests import DigestContent
from aggregator.core.model.trends import TopicSilence, TrendBar
from aggregator.core.stories import bars

MOST = 12  # topics
HEIGHT = 24  # pixels of the fullest day
_NAME = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class BarView:
    """One topic's bar. `cells` are (pixels, whether it stands out) a day, `spoken` what a screen reader reads."""

    name: str
    blocks: str
    cells: tuple[tuple[int, bool], ...]
    words: str
    spoken: str


def bar_views(content: DigestContent) -> tuple[BarView, ...]:
    """The bars of a digest's topics, in their order. A day that the digest tells of itself is coloured, and not told again."""
    told = {(one.due.topic_id, one.due.day) for one in content.spikes}
    return tuple(_view(bar, told) for bar in content.bars[:MOST])


def bars_title(content: DigestContent) -> str:
    """Which days the bars show."""
    if not content.bars:
        return ""
    days = content.bars[0].days
    return f"Stories a day, {day_words(days[0])} to {day_words(days[-1])} (UTC)"


def silence_words(topic_name: str, silence: TopicSilence) -> str:
    """A topic without a story although its feeds are read: `... has been silent since 7 Jan: ..`."""
    since = f"{silence.since.day} {silence.since:%b}"
    usual = number_words(round(silence.expected), "story", "stories")
    return (
        f"{apart(line(topic_name, _NAME))} has been silent since {since}, a time in which about {usual} "
        f"{'is' if round(silence.expected) == 1 else 'are'} usual. Its sources were read: nothing is broken."
    )


def _view(bar: TrendBar, told: Collection[tuple[str, date]]) -> BarView:
    pixels = bars.heights(bar.counts, most=HEIGHT)
    days = [f"{day:%a} {number:,}" for day, number in zip(bar.days, bar.counts, strict=True)]
    return BarView(
        name=apart(line(bar.topic_name, _NAME)),
        # A blank would be lost at either end of a line, and tells less than an empty place does.
        blocks=bars.line(bar.counts).replace(" ", "\u00b7"),
        cells=tuple((height, day in bar.spikes) for height, day in zip(pixels, bar.days, strict=True)),
        words=_words(bar, [day for day in bar.spikes if (bar.topic_id, day) not in told]),
        spoken=joined(days, len(days)),
    )


def _words(bar: TrendBar, out_days: Sequence[date]) -> str:
    """`31 stories, about 24 are usual; Tue 20 Jan stands out`."""
    total = number_words(sum(bar.counts), "story", "stories")
    usual = "" if bar.usual is None else f", about {bar.usual:,.0f} {'is' if round(bar.usual) == 1 else 'are'} usual"
    days = [day_words(day) for day in out_days]
    out = f"; {joined(days, len(days))} {'stands' if len(days) == 1 else 'stand'} out" if days else ""
    return f"{total}{usual}{out}"
