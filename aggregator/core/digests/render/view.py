"""The content of a digest -> its words, cleaned and in the reader's zone, the same for plain text and for HTML.

It lays nothing out. Whatever comes from outside passes `display.line` or `display.clean` here, and only here.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from urllib.parse import quote, urlsplit

from aggregator.core.digests.display import ELLIPSIS, apart, clean, cut, line
from aggregator.core.digests.times import seen_words, short_words
from aggregator.core.model.digests import DigestContent, DueItem, Excerpt, SourceNote, StoryLine
from aggregator.core.urls import absolute, host_of

_NAME, _LINK, _DETAIL, _RUNS = 60, 2000, 160, 1000
_ALSO, _MATCHED, _NOTES, _ALERTED = 2, 6, 10, 10
_TIER_WORDS = {"official": "official", "research": "research", "wire": "wire", "media": "media", "ngo": "NGO"}
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8}){0,3}")

Runs = tuple[tuple[str, bool], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """How times are told: the reader's zone, the instant they are told from, and whether to say which are high."""

    zone: tzinfo
    now: datetime
    tiers: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryView:
    """One story's words. `href` is None when there is no link to trust; then `host` is empty too."""

    headline: Runs
    href: str | None
    host: str
    language: str | None
    source: str
    tier: str
    high: bool
    archive: bool
    times: str
    quote: Runs
    matched: tuple[str, ...]
    matched_more: int
    score: str
    also: tuple[tuple[str, str | None], ...]
    also_more: int
    alerted: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotesView:
    """One kind of trouble with sources: what it means, which they are, and how many more there are."""

    title: str
    notes: tuple[tuple[str, str], ...]
    more: int


def story_view(story: StoryLine, place: Place) -> StoryView:
    """The words of one story. Raises whatever a poisoned item makes it raise; the caller tells that instead."""
    lead = story.lead
    title = _runs(story.headline)
    if not any(text.strip() for text, _ in title):
        raise ValueError("a story without a headline cannot be shown")
    also, more = _also(story)
    href = safe_link(lead.link)
    host = host_of(href).removeprefix("www.") if href else ""
    source = line(lead.feed_name, _NAME) or line(lead.feed_id, _NAME)
    return StoryView(
        headline=title,
        href=href,
        host="" if host in source.lower() else line(host, _NAME),
        language=lead.language if lead.language and _LANGUAGE.fullmatch(lead.language) else None,
        source=source,
        tier=_TIER_WORDS.get(lead.tier, ""),
        high=place.tiers and is_high(story),
        archive=lead.archive,
        times=seen_words(lead.published, lead.first_seen, place.zone, place.now, doubtful=lead.date_suspect),
        quote=() if story.excerpt is None else _runs(story.excerpt),
        matched=tuple(line(name, _NAME) for name in story.matched[:_MATCHED]),
        matched_more=max(len(story.matched) - _MATCHED, 0),
        score=f"{story.score:.1f}".removesuffix(".0"),
        also=also,
        also_more=more,
        alerted="" if lead.alerted_at is None else short_words(lead.alerted_at, place.zone, place.now),
    )


def is_high(story: StoryLine) -> bool:
    """Whether any outlet's version of the story reaches its topic's alert level."""
    return story.lead.alert or any(item.alert for item in story.also)


def plain_words(runs: Iterable[tuple[str, bool]]) -> str:
    """The runs as one line without marks."""
    return "".join(text for text, _ in runs).strip()


def safe_link(link: str | None) -> str | None:
    """`link` in ASCII when it is an http(s) URL that names its host plainly, else None.

    A user name before the host serves only to make one site look like another, so such a link is not shown.
    """
    found = absolute(link, link) if link else None
    if found is None or "@" in urlsplit(found).netloc:
        return None
    ascii_only = quote(found, safe="%:/?#[]@!$&'()*+,;=~")
    return ascii_only if len(ascii_only) <= _LINK else None


def number_words(count: int, one: str, many: str) -> str:
    """`1 story`, `1,204 stories`."""
    return f"{count:,} {one if count == 1 else many}"


def alerted_lines(content: DigestContent) -> tuple[tuple[StoryLine, ...], int]:
    """The stories the reader was alerted to, each entry once over all topics, and how many more there are."""
    once = {story.lead.entry_id: story for section in content.sections for story in section.alerted}
    return tuple(once.values())[:_ALERTED], max(len(once) - _ALERTED, 0)


def source_words(content: DigestContent) -> str:
    """What was looked at, in one or two sentences."""
    report = content.sources
    if not report.feeds:
        return "No sources are followed: nothing could be found."
    if not report.checked and report.failing:
        return f"We could read none of {number_words(report.feeds, 'source', 'sources')}: this silence proves nothing."
    if not report.checked:
        return f"None of {number_words(report.feeds, 'source was', 'sources were')} checked since the last digest."
    followed = number_words(report.feeds, "source", "sources")
    checked = "it" if report.checked == report.feeds == 1 else f"{report.checked:,} of {followed}"
    times = f" in {number_words(report.checks, 'check', 'checks')}" if report.checks else ""
    return f"We looked at {checked}{times} and read {number_words(report.entries, 'new entry', 'new entries')}."


def source_notes(content: DigestContent, place: Place) -> tuple[NotesView, ...]:
    """The sources a reader must know about, by what is wrong with them; empty when nothing is."""
    report = content.sources
    kinds = (
        ("Failing, nothing could be read", report.failing),
        ("Possible gaps, entries may have come and gone between two checks", report.gaps),
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


def is_clear(content: DigestContent) -> bool:
    """Whether silence can be trusted: every source was checked, none fails, none may have dropped entries."""
    report = content.sources
    return report.checked >= report.feeds > 0 and not report.failing and not report.gaps


def is_sound(content: DigestContent) -> bool:
    """Whether there is nothing at all to say against the sources."""
    return is_clear(content) and not content.sources.quiet


def joined(names: Sequence[str], limit: int) -> str:
    """`A, B and C`; after `limit` names `A, B and 3 more`."""
    told = [apart(line(name, _NAME)) for name in names[:limit]]
    if len(names) > limit:
        told.append(f"{len(names) - limit} more")
    return " and ".join([", ".join(told[:-1]), told[-1]] if len(told) > 1 else told)


def place_of(content: DigestContent, zone: tzinfo | None) -> Place:
    """How this digest tells times; stories are called high only where some are and others are not."""
    stories = [story for section in content.sections for story in (*section.stories, *section.brief)]
    rest = any(section.more for section in content.sections)
    high = sum(map(is_high, stories))
    return Place(zone=zone or UTC, now=content.slot_at, tiers=0 < high < len(stories) + rest)


def _runs(excerpt: Excerpt) -> Runs:
    """The quotation's runs, cleaned, with an ellipsis where it was cut, at most 1,000 characters in all."""
    told: list[tuple[str, bool]] = [(f"{ELLIPSIS} ", False)] if excerpt.cut_before else []
    left = _RUNS
    for text, marked in excerpt.runs:
        shown = cut(clean(text), left) if left else ""
        if shown:
            told.append((shown, marked))
        left = max(left - len(shown), 0)
    return (*told, (f" {ELLIPSIS}", False)) if excerpt.cut_after else tuple(told)


def _also(story: StoryLine) -> tuple[tuple[tuple[str, str | None], ...], int]:
    """The first other outlets with their links, and how many more carry the story."""
    others: dict[str, DueItem] = {}
    for item in story.also:
        if item.feed_id != story.lead.feed_id:
            others.setdefault(item.feed_id, item)
    named = [(line(item.feed_name, _NAME) or item.feed_id, safe_link(item.link)) for item in others.values()]
    shown = _ALSO if len(named) > _ALSO + 1 else len(named)  # "(+1)" would hide a name to save none
    return tuple(named[:shown]), len(named) - shown


def _note(note: SourceNote, place: Place) -> tuple[str, str]:
    detail = line(note.detail, _DETAIL).rstrip(".")
    since = "" if note.since is None else f", since {short_words(note.since, place.zone, place.now)}"
    return line(note.name, _NAME) or line(note.feed_id, _NAME), f"{detail}{since}"
