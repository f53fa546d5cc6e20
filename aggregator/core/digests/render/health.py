"""What was looked at, and what stands against it -> the words that let a reader trust a silence, or not.

It lays nothing out. What comes from outside passes `display.line`.
"""

from dataclasses import dataclass

from aggregator.core.digests.display import line
from aggregator.core.digests.render.view import Place, joined, number_words
from aggregator.core.digests.times import short_words
from aggregator.core.model.digests import DigestContent, SourceNote

_NAME, _DETAIL, _NOTES, _NAMES = 60, 160, 6, 6


@dataclass(frozen=True, slots=True, kw_only=True)
class NotesView:
    """One kind of trouble with sources: what it means, which they are, and how many more there are."""

    title: str
    notes: tuple[tuple[str, str], ...]
    more: int


def source_words(content: DigestContent) -> str:
    """What was looked at, in one or two sentences."""
    report = content.sources
    if not report.feeds:
        return "No sources are followed: nothing could be found."
    if not report.checked and len(report.failing) >= report.feeds:
        return f"We could read none of {number_words(report.feeds, 'source', 'sources')}: a silence proves nothing."
    if not report.checked:
        since = "this digest was asked for" if content.archive else "the last digest"
        return f"None of {number_words(report.feeds, 'source was', 'sources were')} read since {since}."
    followed = number_words(report.feeds, "source", "sources")
    checked = "it" if report.checked == report.feeds == 1 else f"{report.checked:,} of {followed}"
    told = [f"We read {checked} and found {number_words(report.entries, 'new entry', 'new entries')}"]
    told += [number_words(len(report.failing), "fails", "fail")] if report.failing else []
    told += [number_words(report.unchecked, "was not checked", "were not checked")] if report.unchecked else []
    return f"{'; '.join(told)}."


def source_notes(content: DigestContent, place: Place) -> tuple[NotesView, ...]:
    """The sources a reader must know about, by what is wrong with them; empty when nothing is."""
    report = content.sources
    kinds = (
        ("Failing, nothing could be read", report.failing),
        (_gaps_title(report.missing), report.gaps),
        ("Unusually quiet", report.quiet),
    )
    return tuple(
        NotesView(
            title=title,
            notes=tuple(_note(note, place) for note in notes[:_NOTES]),
            more=max(len(notes) - _NOTES, 0),
        )
        for title, notes in kinds
        if notes
    )


def source_report(content: DigestContent) -> str:
    """What was looked at, whether all is well, and which sources answer again."""
    told = [source_words(content)]
    if is_sound(content):
        told.append("None failed, none may have dropped entries, none was unusually quiet.")
    if content.sources.recovered:
        told.append(f"Answering again: {joined([note.name for note in content.sources.recovered], _NAMES)}.")
    return " ".join(told)


def _gaps_title(missing: int) -> str:
    if not missing:
        return "Possible gaps, entries may have come and gone between two checks"
    return f"Possible gaps, up to about {number_words(missing, 'entry', 'entries')} may be missing"


def is_clear(content: DigestContent) -> bool:
    """Whether silence can be trusted: every source was checked, none fails, none may have dropped entries."""
    report = content.sources
    return report.checked >= report.feeds > 0 and not report.failing and not report.gaps


def is_sound(content: DigestContent) -> bool:
    """Whether there is nothing at all to say against the sources."""
    return is_clear(content) and not content.sources.quiet


def _note(note: SourceNote, place: Place) -> tuple[str, str]:
    detail = line(note.detail, _DETAIL).rstrip(".")
    since = "" if note.since is None else f", since {short_words(note.since, place.zone, place.now)}"
    return line(note.name, _NAME) or line(note.feed_id, _NAME), f"{detail}{since}"
