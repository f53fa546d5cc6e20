"""Pending matches and the state of the sources -> the content of one digest: topics, stories, leads, order, counts.

It leaves nothing out without counting it, and it never asks a clock: what is due was decided before. An entry that
matches two topics stands under both, is counted once, and not at all when this person was alerted to it before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from aggregator.core.digests.compose.beside import Links, neighbours, side_by_side
from aggregator.core.digests.compose.excerpt import excerpt, headline, new_words
from aggregator.core.digests.compose.gather import Grouping, by_words, stories
from aggregator.core.digests.compose.known import MOST_NEWS, with_news
from aggregator.core.model.digests import DigestContent, DueItem, Excerpt, Flood, Section, SourceReport, StoryLine
from aggregator.core.stories.lead import Rank, lead_rank, news_at
from aggregator.core.urls import host_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much of each topic is told: stories in full, then titles only; lengths of quotations in characters."""

    full: int = 25
    brief: int = 25
    excerpt: int = 280
    headline: int = 200
    flooded: int = 5  # of a topic that is flooded, as titles


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """A story of one topic with its place in the order, and whether its reader has it already."""

    key: str
    line: StoryLine
    rank: tuple[int, int, float, int]
    entries: frozenset[int]
    alerted: bool


def compose(
    *,
    subscription: str,
    subscriber_name: str | None,
    timezone: str,
    slot_at: datetime,
    since: datetime | None,
    items: Sequence[DueItem],
    sources: SourceReport,
    archive: bool = False,
    coalesced: int = 0,
    topics: Sequence[tuple[str, str]] = (),
    floods: Mapping[str, Flood] | None = None,
    links: Links = (),
    group: Grouping = by_words,
    limits: Limits = Limits(),
) -> DigestContent:
    """The content of one digest, from pending matches in any order. Times are aware UTC, `timezone` an IANA name.

    Items of one topic that tell one story become one line. `topics` are (id, name) of all watched, in the order of their
    sections; `floods` those, by id, only summed up; `links` are related stories. `group` sees what has no stored story.
    """
    told = _by_topic(sorted(items, key=lambda item: item.match_id), topics, links, group, limits)
    sections = _sections(told, limits, floods or {})
    fresh = [story for section in told.values() for story in section if not story.alerted]
    return DigestContent(
        subscription=subscription,
        subscriber_name=subscriber_name,
        timezone=timezone,
        slot_at=slot_at,
        since=since,
        sections=sections,
        sources=sources,
        item_count=len(frozenset[int]().union(*(story.entries for story in fresh))),
        story_count=len({story.key for story in fresh}),
        developing=len({story.key for story in fresh if story.line.news}),
        archive=archive,
        coalesced=coalesced,
        topics=tuple(name for _, name in topics) or tuple(section.topic_name for section in sections),
    )


def _by_topic(
    items: Sequence[DueItem], topics: Sequence[tuple[str, str]], links: Links, group: Grouping, limits: Limits
) -> dict[str, list[_Told]]:
    """Topic id -> its stories in order, for each topic that has any."""
    keys = stories(items, group)
    found: dict[str, list[DueItem]] = {topic_id: [] for topic_id in _topic_order(items, topics)}
    for item in items:
        found[item.topic_id].append(item)
    return {topic_id: _side_by_side(_told(members, keys, limits), links) for topic_id, members in found.items()}


def _topic_order(items: Sequence[DueItem], topics: Sequence[tuple[str, str]]) -> list[str]:
    """Ids of the topics that have items: first in the order the subscription names them, then by id."""
    wanted = [topic_id for topic_id, _ in topics]
    return sorted(
        {item.topic_id for item in items},
        key=lambda topic_id: (wanted.index(topic_id) if topic_id in wanted else len(wanted), topic_id),
    )


def _sections(told: Mapping[str, Sequence[_Told]], limits: Limits, floods: Mapping[str, Flood]) -> tuple[Section, ...]:
    return tuple(_section(topic_id, stories, limits, floods.get(topic_id)) for topic_id, stories in told.items())


def _section(topic_id: str, told: Sequence[_Told], limits: Limits, flood: Flood | None) -> Section:
    """One topic's part: the first stories in full, the next as titles, the rest as a number."""
    fresh = [story.line for story in told if not story.alerted]
    full, brief = (limits.full, limits.brief) if flood is None else (0, limits.flooded)
    return Section(
        topic_id=topic_id,
        topic_name=told[0].line.lead.topic_name,
        stories=tuple(fresh[:full]),
        brief=tuple(fresh[full : full + brief]),
        more=max(len(fresh) - full - brief, 0),
        alerted=tuple(story.line for story in told if story.alerted),
        flood=flood,
    )


def _told(items: Sequence[DueItem], keys: Mapping[int, str], limits: Limits) -> list[_Told]:
    """The stories of one topic: with an alert first, then what more outlets carry, then the latest; ties by match id."""
    members: dict[str, list[DueItem]] = {}
    for item in items:
        members.setdefault(keys[item.entry_id], []).append(item)
    return sorted((_story(key, found, limits) for key, found in members.items()), key=lambda story: story.rank)


def _side_by_side(told: Sequence[_Told], links: Links) -> list[_Told]:
    """The stories of one topic with related ones beside each other; what its reader has already stands apart."""
    fresh = [story for story in told if not story.alerted]
    order = side_by_side([story.key for story in fresh], neighbours(links))
    placed = [replace(fresh[at], line=replace(fresh[at].line, beside=beside)) for at, beside in order]
    return placed + [story for story in told if story.alerted]


def _story(key: str, members: Sequence[DueItem], limits: Limits) -> _Told:
    """One story, led by the outlet nearest to the facts: by tier, then the fullest text, then the earliest.

    Only an outlet that says something new leads a story that its reader knows: its words are those worth quoting.

    Its reader has it already when an alert told of it and no member that came later says anything new.
    """
    fresh = [item for item in members if item.alerted_at is None]
    known = [(item.alerted_at, item) for item in members if item.alerted_at is not None]
    since = min((at for at, _ in known), default=None)
    if known:
        fresh = [replace(item, told_at=since) for item in with_news((item for _, item in known), fresh)]
    telling = [item for item in fresh if item.news]
    alerted = bool(known) and not telling
    lead = min([item for _, item in known] if alerted else telling or fresh, key=_lead_rank)
    also = sorted((item for item in members if item.match_id != lead.match_id), key=_lead_rank)
    newest = max(_when(item) for item in members)
    return _Told(
        key=key,
        line=_line(lead, also, _news((lead, *fresh)), limits),
        rank=(
            0 if any(item.alert for item in members) else 1,
            -len({item.feed_id for item in members}),
            -newest.timestamp(),
            min(item.match_id for item in members),
        ),
        entries=frozenset(item.entry_id for item in members),
        alerted=alerted,
    )


def _when(item: DueItem) -> datetime:
    return news_at(published=item.published, date_suspect=item.date_suspect, first_seen=item.first_seen)


def _lead_rank(item: DueItem) -> Rank:
    return lead_rank(tier=item.tier, length=len(item.text), first_seen=item.first_seen, number=item.match_id)


def _news(members: Sequence[DueItem]) -> tuple[str, ...]:
    """What is new in a story its reader knows, each thing once: what the first of `members` says before the others' news."""
    return tuple(dict.fromkeys(said for item in members for said in item.news))[:MOST_NEWS]


def _line(lead: DueItem, also: Sequence[DueItem], news: tuple[str, ...], limits: Limits) -> StoryLine:
    """The story's line. One that cannot be quoted has an empty headline, and is told as one that could not be shown."""
    members = (lead, *also)
    first = min((item for item in members if item.told_at), key=lambda item: str(item.told_at), default=None)
    points: dict[str, float] = {}
    for fired in (fired for item in members for fired in item.fired if fired.points > 0):
        points[fired.clause] = max(fired.points, points.get(fired.clause, 0.0))
    try:
        title, quoted = _headline(lead, limits), _quoted(lead, limits)
    except Exception:  # noqa: BLE001 - one poisoned item must not cost the whole digest
        title, quoted = Excerpt(runs=()), None
    return StoryLine(
        lead=lead,
        headline=title,
        excerpt=quoted,
        matched=tuple(sorted(points, key=lambda clause: (-points[clause], clause))),
        score=max(item.score for item in members),
        also=tuple(also),
        news=news,
        told_at=first.told_at if first and news else None,
        told_in=first.told_in if first and news else None,
    )


def _headline(item: DueItem, limits: Limits) -> Excerpt:
    """The title with its hits marked; else how the text begins, else the host that the entry points to."""
    if item.title.strip():
        return headline(item.title, _spans(item, "title"), limits.headline)
    if item.text.strip():
        return excerpt(item.text, (), min(limits.headline, 120))
    return Excerpt(runs=((f"Untitled, at {host_of(item.link or '') or item.feed_name}", False),))


def _quoted(item: DueItem, limits: Limits) -> Excerpt | None:
    """What is new in a story its reader knows, else the words around the hits; None when the text says what the title does."""
    if not item.text.strip() or " ".join(item.text.split()) == " ".join(item.title.split()):
        return None
    if any(item.new_at):
        return new_words(item.text, item.new_at, limits.excerpt)
    return excerpt(item.text, _spans(item, "text"), limits.excerpt)


def _spans(item: DueItem, field: str) -> list[tuple[int, int]]:
    """Where the clauses that speak for the item fired in one of its fields; what lowers it is not marked."""
    return [
        (span.start, span.end)
        for fired in item.fired
        if fired.points > 0
        for span in fired.spans
        if span.field == field
    ]
