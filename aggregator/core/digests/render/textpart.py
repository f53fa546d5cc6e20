"""The words of a digest -> its plain text part, for a terminal or a mail reader without HTML: lines of at most 76 columns.

Matched words stand between asterisks. An address always stands on a line of its own, whole, however long it is.
"""

from collections.abc import Iterator

from aggregator.core.digests.display import apart, underlined, wrap
from aggregator.core.digests.render.corrected import correction_view
from aggregator.core.digests.render.frame import FrameView
from aggregator.core.digests.render.health import NotesView, source_notes, source_report
from aggregator.core.digests.render.spikes import SpikeView, spike_view
from aggregator.core.digests.render.trendbar import BarView, bar_views, bars_title
from aggregator.core.digests.render.view import (
    Place,
    Runs,
    StoryView,
    alerted_lines,
    flood_words,
    number_words,
    plain_words,
    story_view,
)
from aggregator.core.model.digests import CorrectionLine, DigestContent, DigestKind, Section, Side, StoryLine

_INDENT = "    "
_QUOTE = f"{_INDENT}> "
UNSHOWN = "One story could not be shown (match {match}); it is kept with its entry."


def text_part(content: DigestContent, frame: FrameView, place: Place) -> str:
    """The whole text part, ending with a line feed. A story that cannot be told becomes a line that says so."""
    blocks = [_head(frame)]
    if content.corrections:
        blocks.append(_corrections(content, place))
    blocks += [_spike(spike_view(one, content)) for one in content.spikes]
    number = 1
    for section in content.sections:
        if section.stories or section.brief:
            blocks.append(_title(section))
            blocks += _stories(section, place, number)
            number += len(section.stories) + len(section.brief)
            blocks += [_more(section.more, frame)] if section.more else []
    if frame.left_out:
        blocks.append(_listed("Also matched, not shown here", frame.left_out))
    alerted = list(_alerted(content, place))
    if alerted:
        blocks.append("\n".join([underlined("Already alerted to you", "-"), *alerted]))
    if content.bars:
        blocks.append("\n".join([underlined(bars_title(content), "-"), *map(_bar, bar_views(content))]))
    if content.kind is not DigestKind.ALERT:
        blocks.append(_sources(content, place))
    blocks.append(_foot(frame))
    return "\n\n".join(blocks) + "\n"


def _head(frame: FrameView) -> str:
    lines = [wrap(frame.kicker)] if frame.kicker else []
    lines += [underlined(frame.heading.upper(), "="), wrap(frame.when)]
    lines += [wrap(frame.covers)] if frame.covers else []
    lines += [f"\n{wrap(notice)}" for notice in frame.notices]
    if frame.counts:
        lines += ["", *(wrap(told, first="  - ", rest=_INDENT) for told in frame.counts)]
    lines += [f"\n{wrap(frame.silent)}"] if frame.silent else []
    lines += [f"\n{wrap(frame.repeats)}"] if frame.repeats else []
    lines += [f"\nRead it on the web:\n{frame.archive}"] if frame.archive else []
    lines += [f"\nUnsubscribe:\n{frame.unsubscribe}"] if frame.unsubscribe else []
    return "\n".join(lines)


def _corrections(content: DigestContent, place: Place) -> str:
    title = f"Corrections ({len(content.corrections):,})"
    told = [f"\n{underlined(title, '=')}", *(_corrected(one, place) for one in content.corrections)]
    if content.corrections_more:
        told.append(wrap(f"and {content.corrections_more:,} more, which the next mail tells."))
    return "\n\n".join(told)


def _corrected(one: CorrectionLine, place: Place) -> str:
    view = correction_view(one, place)
    lines = [wrap(_differing(view.title), first="  - ", rest=_INDENT, foreign=True)]
    lines += [f"{_INDENT}{view.href}"] if view.href else []
    lines += [_inset(f"{apart(view.source)}. {view.what}; {view.told}.")]
    lines += [wrap(_differing(view.text), first=_QUOTE, rest=_QUOTE)] if view.text else []
    lines += [_inset("Its text changed in further places.")] if view.more else []
    return "\n".join(lines)


def _spike(view: SpikeView) -> str:
    lines = ["", underlined(view.title, "="), wrap(f"{view.figures} {view.rarity}")]
    for story in view.stories:
        told = f"{apart(story.title)} ({apart(story.source)})"
        lines += [wrap(told, first="  - ", rest=_INDENT)]
        lines += [f"{_INDENT}{story.href}"] if story.href else []
    lines += [f"  - {view.rest}"] if view.rest else []
    return "\n".join(lines)


def _differing(runs: tuple[tuple[str, Side], ...]) -> str:
    """Both versions in one line: `[-412-] {+214+} kg`, as word diffs are written."""
    marks = {Side.BOTH: ("", ""), Side.BEFORE: ("[-", "-]"), Side.AFTER: ("{+", "+}")}
    return "".join(f"{marks[side][0]}{text}{marks[side][1]}" for text, side in runs)


def _title(section: Section) -> str:
    count = number_words(len(section.stories) + len(section.brief) + section.more, "story", "stories")
    return f"\n{underlined(f'{plain_words(((section.topic_name, False),))} ({count})', '=')}"


def _stories(section: Section, place: Place, number: int) -> Iterator[str]:
    for at, story in enumerate(section.stories, number):
        yield _told(story, place, at, brief=False)
    if section.brief:
        first = number + len(section.stories)
        lines = [_told(story, place, at, brief=True) for at, story in enumerate(section.brief, first)]
        title = underlined("In brief", "-") if section.flood is None else f"{wrap(flood_words(section.flood))}\n"
        yield "\n".join([title, *lines])


def _told(story: StoryLine, place: Place, number: int, *, brief: bool) -> str:
    """One story, or the line that says it could not be shown."""
    try:
        view = story_view(story, place)
        return _brief(view, number) if brief else _full(view, number)
    except Exception:  # noqa: BLE001 - one poisoned item must not cost the whole digest
        return wrap(UNSHOWN.format(match=story.lead.match_id), first=f"{number:>2}. ", rest=_INDENT)


def _full(view: StoryView, number: int) -> str:
    # A reader must see the words that matched; the title stays plain where the quotation shows some, not what is new.
    shown = any(marked for _, marked in view.quote) and not view.news
    title = plain_words(view.headline) if shown else _marked(view.headline)
    lines = [
        wrap(
            f"{'DEVELOPING: ' if view.news else ''}{title}",
            first=f"{number:>2}. ",
            rest=_INDENT,
            foreign=True,
        )
    ]
    lines += [f"{_INDENT}{view.href}"] if view.href else [f"{_INDENT}(no link was given)"]
    lines += list(_develops(view))
    lines += [_inset(f"{_source(view)}. {view.times}.")]
    if view.quote:
        lines += [wrap(_marked(view.quote), first=_QUOTE, rest=_QUOTE, foreign=True)]
    lines += [_inset(f"Matched: {_matched(view)}")]
    lines += [_inset(f"Also in: {_also(view)}")] if view.also else []
    lines += [f"{_INDENT}Was it relevant? {view.review}"] if view.review else []
    return "\n".join(lines)


def _develops(view: StoryView) -> Iterator[str]:
    """What is new in a story its reader knows, and when they were told of it."""
    if view.news:
        yield _inset(f"New since you were first told on {view.told}: {'; '.join(map(apart, view.news))}.")
        if view.told_href:
            yield f"{_INDENT}{view.told_href}"


def _brief(view: StoryView, number: int) -> str:
    lines = [wrap(_marked(view.headline), first=f"{number:>2}. ", rest=_INDENT, foreign=True)]
    lines += [f"{_INDENT}{view.href}"] if view.href else []
    lines += list(_develops(view))
    return "\n".join([*lines, _inset(f"{_source(view)}. {view.times}. Matched: {_matched(view)}")])


def _alerted(content: DigestContent, place: Place) -> Iterator[str]:
    stories, more = alerted_lines(content)
    for story in stories:
        try:
            view = story_view(story, place)
            when = f", alerted {view.alerted}" if view.alerted else ""
            told = f"{apart(plain_words(view.headline))} ({apart(view.source)}{when})"
        except Exception:  # noqa: BLE001 - one poisoned item must not cost the whole digest
            told = UNSHOWN.format(match=story.lead.match_id)
        yield wrap(told, first="  - ", rest=_INDENT)
    if more:
        yield f"  - and {more:,} more"


def _source(view: StoryView) -> str:
    """`HIGH: UNODC (official), unodc.org, from the archive, related to the story above`."""
    tier = f" ({view.tier})" if view.tier else ""
    archive = "from the archive" if view.archive else ""
    beside = "related to the story above" if view.beside else ""
    told = ", ".join(filter(None, (f"{apart(view.source)}{tier}", view.host, archive, beside)))
    return f"HIGH: {told}" if view.high else told


def _also(view: StoryView) -> str:
    names = ", ".join(apart(name) for name, _ in view.also)
    return f"{names} (+{view.also_more})" if view.also_more else names


def _matched(view: StoryView) -> str:
    """`trafficking, agencies (score 9)`."""
    more = (f"{view.matched_more} more",) if view.matched_more else ()
    names = ", ".join((*map(apart, view.matched), *more))
    return f"{names} (score {view.score})" if names else f"score {view.score}"


def _marked(runs: Runs) -> str:
    """The quotation with asterisks around its hits, never with a space between an asterisk and its word."""
    told = ""
    for text, marked in runs:
        word = text.strip()
        told += text.replace(word, f"*{word}*", 1) if marked and word else text
    return told


def _more(count: int, frame: FrameView) -> str:
    where = f", all on the web:\n{frame.archive}" if frame.archive else " that did not fit in here."
    return f"and {number_words(count, 'more story', 'more stories')}{where}"


def _bar(bar: BarView) -> str:
    return "\n".join([wrap(bar.name, first="  - ", rest=_INDENT), _inset(f"{bar.blocks} {bar.words}")])


def _sources(content: DigestContent, place: Place) -> str:
    notes = source_notes(content, place)
    lines = [underlined("Sources", "="), wrap(source_report(content))]
    return "\n".join([*lines, *(_notes(found) for found in notes)])


def _notes(found: NotesView) -> str:
    rest = (f"and {found.more:,} more",) if found.more else ()
    return "\n" + _listed(
        found.title,
        (*(f"{apart(name)}: {apart(detail)}" if detail else apart(name) for name, detail in found.notes), *rest),
    )


def _foot(frame: FrameView) -> str:
    lines = [underlined("Why you get this", "-"), *(wrap(told) for told in frame.why)]
    lines += [f"\nUnsubscribe:\n{frame.unsubscribe}"] if frame.unsubscribe else []
    return "\n".join(lines)


def _listed(title: str, entries: tuple[str, ...]) -> str:
    return "\n".join([wrap(f"{title}:"), *(wrap(told, first="  - ", rest=_INDENT) for told in entries)])


def _inset(text: str) -> str:
    return wrap(text, first=_INDENT, rest=_INDENT)
