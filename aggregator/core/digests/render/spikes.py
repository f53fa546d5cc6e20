"""Spikes -> their words, cleaned and bounded, the same for plain text and for HTML. It lays nothing out."""

from dataclasses import dataclass
from datetime import UTC

from aggregator.core.digests.display import apart, line
from aggregator.core.digests.render.view import language_of, number_words, safe_link
from aggregator.core.digests.times import day_words
from aggregator.core.model.digests import DigestContent, SpikeLine
from aggregator.core.model.trends import DueSpike, SpikeStory

_NAME, _TITLE, _LINK = 60, 200, 1000
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadlineView:
    """One story behind a spike. `href` is None when there is no link to trust."""

    title: str
    href: str | None
    source: str
    language: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SpikeView:
    """One spike: of which topic, how much came and how rare that is, the stories listed, and in words where the others are.

    Where none is listed, `rarity` ends with where all of them are, and `rest` is empty.
    """

    title: str
    figures: str
    rarity: str
    stories: tuple[HeadlineView, ...]
    rest: str


def spike_view(one: SpikeLine, content: DigestContent) -> SpikeView:
    """The words of one spike; a day that goes on when the digest is due is told as it was by then."""
    chance = rarity_words(one.due.chance)
    return SpikeView(
        title=f"Unusual day: {apart(line(one.due.topic_name, _NAME))}",
        figures=f"{_counted(one.due, content)}; usually {usual_words(one.due.expected)}.",
        rarity=" ".join(filter(None, (f"By chance alone so many come on {chance}.", _elsewhere(one)))),
        stories=tuple(map(_headline, one.stories)),
        rest=_rest(one),
    )


def spikes_words(content: DigestContent) -> str:
    """`1 unusual day`, empty when there is none."""
    count = len(content.spikes)
    return number_words(count, "unusual day", "unusual days") if count else ""


def first_spike_words(content: DigestContent) -> str:
    """The rarest spike in a few words, for a subject; empty when there is none."""
    if not content.spikes:
        return ""
    due = content.spikes[0].due
    return (
        f"{number_words(due.counted, 'story', 'stories')} on {day_words(due.day)}, usually {usual_words(due.expected)}"
    )


def usual_words(expected: float) -> str:
    """`about 2.6`, `about 14`, `less than one`."""
    if expected < 0.95:
        return "less than one"
    shown = f"{expected:,.0f}" if expected >= 9.95 else f"{expected:.1f}".removesuffix(".0")
    return f"about {shown}"


def rarity_words(chance: float) -> str:
    """`about one day in 4,200`, in two telling digits; what is rarer than one in a million is no more told apart."""
    if chance * _MILLION < 1:
        return "less than one day in a million"
    days = round(1 / chance)
    scale = 10 ** max(len(str(days)) - 2, 0)
    return f"about one day in {round(days / scale) * scale:,}"


def _counted(due: DueSpike, content: DigestContent) -> str:
    so_far = " so far" if due.day == content.slot_at.astimezone(UTC).date() else ""
    return f"{number_words(due.counted, 'story', 'stories')}{so_far} on {day_words(due.day)} (UTC)"


def _headline(story: SpikeStory) -> HeadlineView:
    href = safe_link(story.link)
    return HeadlineView(
        title=line(story.title, _TITLE) or "(untitled)",
        # What stands under spikes cannot make room for stories: a list of endless links would leave none for them.
        href=href if href and len(href) <= _LINK else None,
        source=line(story.feed_name, _NAME) or line(story.feed_id, _NAME),
        language=language_of(story.language),
    )


def _rest(one: SpikeLine) -> str:
    """Where the stories are that do not stand in a list of others; empty without such a list."""
    counts = ((one.above, "told above"), (one.below, "told below"), (one.more, "more"))
    told = [f"{count:,} {where}" for count, where in counts if count]
    return f"and {', '.join(told)}" if one.stories and told else ""


def _elsewhere(one: SpikeLine) -> str:
    """A sentence on where the stories are of which none is listed; empty when some are."""
    if one.stories:
        return ""
    if not one.above and not one.below:
        return "None of them stands in this mail."
    counts = ((one.above, "told above"), (one.below, "told below"), (one.more, "not in this mail"))
    told = [(count, where) for count, where in counts if count]
    if len(told) == 1:
        return f"All are {told[0][1]}."
    return ", ".join(f"{number_words(count, 'is', 'are')} {where}" for count, where in told) + "."
