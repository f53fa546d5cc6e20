"""Stories as people look at them: their members in the order of `core.stories.lead`, what is beside them, and why."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, func, or_, select

from aggregator.core.stories.lead import lead_rank
from aggregator.store.chunks import chunks, rows_of
from aggregator.store.schema import entry, feed, is_current, match, revision, story, story_link, story_member
from aggregator.store.story_shelf import when

_OPENING = func.substr(revision.c.text, 1, 120).label("opening")  # what an entry without a title is listed by


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """An entry of a story. `at` is when it became news, `relation` first, exact, duplicate, same or joined."""

    entry_id: int
    feed_id: str
    feed_name: str
    tier: str
    title: str
    link: str | None
    length: int
    at: datetime
    first_seen: datetime
    relation: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """A story that is related to another: the entries that make it so, its own and the other's, and why."""

    story_id: int
    title: str
    entry_id: int
    to: int
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryView:
    """A story: its members, the leading one first, the topics that flagged them, and what is shown beside it."""

    id: int
    first_seen: datetime
    members: tuple[Member, ...]
    topics: tuple[str, ...]
    beside: tuple[Beside, ...] = ()

    @property
    def lead(self) -> Member:
        """The member that speaks for the story."""
        return self.members[0]


def latest(
    connection: Connection, *, topic_id: str | None = None, since: datetime | None = None, limit: int = 50
) -> tuple[StoryView, ...]:
    """Stories, the last begun first; with a member that one topic flagged; begun at or after an instant."""
    query = select(story.c.id).order_by(story.c.first_seen.desc(), story.c.id.desc()).limit(limit)
    if since is not None:
        query = query.where(story.c.first_seen >= since)
    if topic_id is not None:
        flagged = select(story_member.c.story_id).join(match, match.c.entry_id == story_member.c.entry_id)
        query = query.where(story.c.id.in_(flagged.where(match.c.topic_id == topic_id)))
    numbers = connection.execute(query).scalars().all()
    found = _views(connection, numbers)
    return tuple(found[number] for number in numbers if number in found)


def one(connection: Connection, number: int) -> StoryView | None:
    """One story with what is beside it, None when there is none of that number."""
    return _views(connection, [number]).get(number)


def of_entry(connection: Connection, entry_id: int) -> StoryView | None:
    """The story of an entry, None when it has none."""
    query = select(story_member.c.story_id).where(story_member.c.entry_id == entry_id)
    number = connection.execute(query).scalar()
    return None if number is None else one(connection, number)


def links(connection: Connection, numbers: Collection[int]) -> frozenset[tuple[int, int]]:
    """The pairs of related stories among those of these numbers."""
    pairs = select(story_link.c.story_id, story_link.c.other_id)
    found = rows_of(connection, pairs, story_link.c.story_id, numbers)
    return frozenset((row.story_id, row.other_id) for row in found if row.other_id in numbers)


def _views(connection: Connection, numbers: Sequence[int]) -> dict[int, StoryView]:
    members: dict[int, list[Member]] = defaultdict(list)
    began: dict[int, datetime] = {}
    for row in rows_of(connection, _told(), story_member.c.story_id, numbers):
        members[row.story_id].append(_member(row))
        began[row.story_id] = row.began
    topics = _topics(connection, numbers)
    beside = _beside(connection, numbers)
    return {
        number: StoryView(
            id=number,
            first_seen=began[number],
            members=tuple(sorted(found, key=_rank)),
            topics=topics.get(number, ()),
            beside=beside.get(number, ()),
        )
        for number, found in members.items()
    }


def _rank(one: Member) -> Any:
    return lead_rank(tier=one.tier, length=one.length, first_seen=one.first_seen, number=one.entry_id)


def _told() -> Select[Any]:
    return (
        select(story_member, entry.c.feed_id, entry.c.published, entry.c.date_suspect, entry.c.first_seen)
        .add_columns(story.c.first_seen.label("began"), feed.c.definition, revision.c.title, revision.c.link)
        .add_columns(func.length(revision.c.text).label("length"), _OPENING)
        .join(story, story.c.id == story_member.c.story_id)
        .join(entry, entry.c.id == story_member.c.entry_id)
        .join(feed, feed.c.id == entry.c.feed_id)
        .join(revision, is_current)
    )


def _member(row: Row[Any]) -> Member:
    return Member(
        entry_id=row.entry_id,
        feed_id=row.feed_id,
        feed_name=row.definition.get("name") or row.feed_id,
        tier=row.definition.get("tier") or "other",
        title=row.title or row.opening,
        link=row.link,
        length=row.length,
        at=when(row),
        first_seen=row.first_seen,
        relation=row.relation,
        reasons=tuple(row.reasons),
    )


def _topics(connection: Connection, numbers: Sequence[int]) -> Mapping[int, tuple[str, ...]]:
    found: dict[int, list[str]] = defaultdict(list)
    query = select(story_member.c.story_id, match.c.topic_id).distinct()
    query = query.join(match, match.c.entry_id == story_member.c.entry_id).order_by(match.c.topic_id)
    for row in rows_of(connection, query, story_member.c.story_id, numbers):
        found[row.story_id].append(row.topic_id)
    return {number: tuple(topics) for number, topics in found.items()}


def _beside(connection: Connection, numbers: Collection[int]) -> Mapping[int, tuple[Beside, ...]]:
    wanted = frozenset(numbers)
    rows: list[tuple[int, int, int, int, Row[Any]]] = []
    for part in chunks(numbers):
        query = select(story_link).where(or_(story_link.c.story_id.in_(part), story_link.c.other_id.in_(part)))
        for row in connection.execute(query.order_by(story_link.c.strength.desc())):
            rows.append((row.story_id, row.other_id, row.entry_id, row.other_entry_id, row))
            rows.append((row.other_id, row.story_id, row.other_entry_id, row.entry_id, row))
    titles = _titles(connection, {entry_id for _, _, _, entry_id, _ in rows})
    found: dict[int, dict[int, Beside]] = defaultdict(dict)
    for number, other, to, entry_id, row in rows:
        if number in wanted:
            shown = Beside(
                story_id=other, title=titles.get(entry_id, ""), entry_id=entry_id, to=to, reasons=tuple(row.reasons)
            )
            found[number][other] = shown
    return {number: tuple(beside.values()) for number, beside in found.items()}


def _titles(connection: Connection, entry_ids: Collection[int]) -> Mapping[int, str]:
    query = select(entry.c.id, revision.c.title, _OPENING).join(revision, is_current)
    return {row.id: row.title or row.opening for row in rows_of(connection, query, entry.c.id, entry_ids)}
