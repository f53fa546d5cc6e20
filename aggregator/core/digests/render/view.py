"""The content of a digest -> its words, cleaned and in the reader's zone, the same for plain text and for HTML.

It lays nothing out. Whatever comes from outside passes `display.line` or `display.clean` here, and only here.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from urllib.parse import quote, urlsplit

from aggregator.core.digests.display import ELLIPSIS, apart, clean, cut, line
from aggregator.core.digests.render.links import Links
from aggregator.core.digests.times import seen_words, short_words
from aggregator.core.model.digests import DigestContent, DueItem, Excerpt, Flood, StoryLine
from aggregator.core.urls import absolute, host_of

_NAME, _LINK, _RUNS, _NEWS = 60, 2000, 1000, 80
_ALSO, _MATCHED, _ALERTED = 2, 6, 10
_TIER_WORDS = {"official": "official", "research": "research", "wire": "wire", "media": "media", "ngo": "NGO"}
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8}){0,3}")

Runs = tuple[tuple[str, bool], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """How times are told: the reader's zone, the instant they are told from, and whether to say which are high.

    `reviews` and `pages` are links of ours, by match and by digest, where there is a place to lead to. `views` keeps the
    words of the stories told so far, by the line's identity, so that both parts of a mail are made of the same.
    """

    zone: tzinfo
    now: datetime
    tiers: bool
    reviews: Mapping[int, str] = field(default_factory=dict)
    pages: Mapping[int, str] = field(default_factory=dict)
    views: "dict[int, tuple[StoryLine, StoryView]]" = field(default_factory=dict)


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
    beside: bool
    times: str
    quote: Runs
    matched: tuple[str, ...]
    matched_more: int
    score: str
    also: tuple[tuple[str, str | None], ...]
    also_more: int
    alerted: str
    news: tuple[str, ...]  # of a story that develops
    told: str  # when its reader was first told of it, empty for a new story
    told_href: str | None
    review: str | None


def story_view(story: StoryLine, place: Place) -> StoryView:
    """The words of one story. Raises whatever a poisoned item makes it raise; the caller tells that instead."""
    kept = place.views.get(id(story))
    if kept is None or kept[0] is not story:
        kept = place.views[id(story)] = (story, _view_of(story, place))
    return kept[1]


def _view_of(story: StoryLine, place: Place) -> StoryView:
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
        language=language_of(lead.language),
        source=source,
        tier=_TIER_WORDS.get(lead.tier, ""),
        high=place.tiers and is_high(story),
        archive=lead.archive,
        beside=story.beside,
        times=seen_words(lead.published, lead.first_seen, place.zone, place.now, doubtful=lead.date_suspect),
        quote=() if story.excerpt is None else _runs(story.excerpt),
        matched=tuple(line(name, _NAME) for name in story.matched[:_MATCHED]),
        matched_more=max(len(story.matched) - _MATCHED, 0),
        score=f"{story.score:.1f}".removesuffix(".0"),
        also=also,
        also_more=more,
        alerted="" if lead.alerted_at is None else short_words(lead.alerted_at, place.zone, place.now),
        news=tuple(line(said, _NEWS) for said in story.news),
        told="" if story.told_at is None else short_words(story.told_at, place.zone, place.now),
        told_href=place.pages.get(story.told_in or 0),
        review=place.reviews.get(lead.match_id),
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


def language_of(said: str | None) -> str | None:
    """A language tag that may stand in an attribute, None for what is none."""
    return said if said and _LANGUAGE.fullmatch(said) else None


def number_words(count: int, one: str, many: str) -> str:
    """`1 story`, `1,204 stories`."""
    return f"{count:,} {one if count == 1 else many}"


def flood_words(flood: Flood) -> str:
    """What a topic that is only summed up says of itself."""
    usual = f"{flood.usual:,.1f}".removesuffix(".0")
    return (
        f"{flood.count:,} matches at once; usually it has {usual} a day. That is too much to be read here, and may be one "
        "event or a rule that is too wide. What weighs most:"
    )


def alerted_lines(content: DigestContent) -> tuple[tuple[StoryLine, ...], int]:
    """The stories the reader was alerted to, each entry once over all topics, and how many more there are."""
    once = {story.lead.entry_id: story for section in content.sections for story in section.alerted}
    return tuple(once.values())[:_ALERTED], max(len(once) - _ALERTED, 0)


def joined(names: Sequence[str], limit: int) -> str:
    """`A, B and C`; after `limit` names `A, B and 3 more`."""
    told = [apart(line(name, _NAME)) for name in names[:limit]]
    if len(names) > limit:
        told.append(f"{len(names) - limit} more")
    return " and ".join([", ".join(told[:-1]), told[-1]] if len(told) > 1 else told)


def place_of(content: DigestContent, zone: tzinfo | None, links: Links) -> Place:
    """How this digest tells times; stories are called high only where some are and others are not."""
    stories = [story for section in content.sections for story in (*section.stories, *section.brief)]
    rest = any(section.more for section in content.sections)
    high = sum(map(is_high, stories))
    return Place(
        zone=zone or UTC,
        now=content.slot_at,
        tiers=0 < high < len(stories) + rest,
        reviews=links.reviews,
        pages=links.pages,
    )


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
