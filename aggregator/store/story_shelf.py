"""Rows -> the shelf on which entries are compared: candidates, their stories, word counts, and what people said.

Everything here looks up what it is asked for, by the keys it is given.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Integer, Select, bindparam, func, or_, select, tuple_

from aggregator.core.model.stories import StorySignature
from aggregator.core.stories.compact import unpacked
from aggregator.core.stories.group import words_of
from aggregator.core.stories.lead import news_at
from aggregator.core.stories.shelf import MAX_CANDIDATES, SHARED, WINDOW, Item, Shelf, Story
from aggregator.core.stories.vocabulary import ENTRIES, days_of
from aggregator.store.chunks import CHUNK, chunks, rows_of
from aggregator.store.codec import topic_of
from aggregator.store.schema import (
    entry,
    is_in_force,
    match,
    story_member,
    story_posting,
    story_sentence,
    story_signature,
    story_wish,
    story_word,
    topic,
    topic_version,
)

_OLDEST = timedelta(days=20 * 365)
FIRST = "first"  # the relation of the member that a story began with
JOINED = "joined"  # the same of a story that a person joined to it
BEGAN = frozenset({FIRST, JOINED})

Signed = tuple[int, StorySignature]


def items_of(connection: Connection, signed: Sequence[Signed]) -> list[Item]:
    """Signed entries with what else decides where they belong, by id."""
    signatures = dict(signed)
    topics: dict[int, set[str]] = defaultdict(set)
    for row in rows_of(connection, select(match.c.entry_id, match.c.topic_id), match.c.entry_id, signatures):
        topics[row.entry_id].add(row.topic_id)
    windows = _windows(connection, {name for names in topics.values() for name in names})
    return [
        _item(
            row,
            signatures[row.id],
            topics=frozenset(topics[row.id]),
            window=max((windows[name] for name in topics[row.id] if name in windows), default=WINDOW),
        )
        for row in rows_of(connection, select(entry).order_by(entry.c.id), entry.c.id, sorted(signatures))
    ]


def _windows(connection: Connection, topics: Collection[str]) -> Mapping[str, timedelta]:
    """For how long later entries join a story, by topic."""
    query = select(topic_version.c.definition).join(topic, is_in_force)
    return {
        one.id: one.window
        for row in rows_of(connection, query, topic.c.id, sorted(topics))
        if (one := topic_of(row.definition, 0)).window is not None
    }


def _item(row: Any, signature: StorySignature, **more: Any) -> Item:
    return Item(id=row.id, feed_id=row.feed_id, at=when(row), signed=signature, link=row.link_hash, **more)


def when(row: Any) -> datetime:
    """When the entry of a row became news, as far as stories look back."""
    at = news_at(published=row.published, date_suspect=row.date_suspect, first_seen=row.first_seen)
    oldest: datetime = row.first_seen - _OLDEST
    return max(at, oldest)  # a date of antiquity has no days around it


def memberships(connection: Connection, entry_ids: Iterable[int]) -> dict[int, int]:
    """Entry -> its story, of those that have one."""
    query = select(story_member.c.entry_id, story_member.c.story_id)
    return {row.entry_id: row.story_id for row in rows_of(connection, query, story_member.c.entry_id, entry_ids)}


def load_counts(connection: Connection, shelf: Shelf, items: Sequence[Item]) -> None:
    """Put onto the shelf how often the words and sentences of `items` were seen in their topics, days and feeds."""
    _load_words(connection, shelf, items, {ENTRIES, *(word for item in items for word in words_of(item))})
    pairs = sorted({(item.feed_id, one.hash) for item in items for one in item.signed.sentences if one.shingles})
    for some in chunks(pairs, CHUNK // 2):
        known = tuple_(story_sentence.c.feed_id, story_sentence.c.hash).in_(some)
        for row in connection.execute(select(story_sentence).where(known)):
            shelf.sentences[row.feed_id, row.hash] = row.items


def _load_words(connection: Connection, shelf: Shelf, items: Sequence[Item], words: Collection[str]) -> None:
    topics = sorted({topic for item in items for topic in item.topics})
    days = {day for item in items for day in days_of(item.at.astimezone(UTC).date())}
    for part in chunks(sorted(words)):
        query = select(story_word).where(story_word.c.word.in_(part), story_word.c.topic_id.in_(topics))
        rows = connection.execute(query.where(story_word.c.day.between(min(days), max(days))))
        shelf.vocabulary.load({(row.topic_id, row.word, row.day): row.items for row in rows})


def _sharing() -> Select[Any]:
    """The entries that share postings, with how many: two words at least, or the one of a twin."""
    found, number = story_posting.c, func.count()
    twins = func.max(found.token.in_(bindparam("twins", expanding=True)).cast(Integer))
    asked = found.token.in_(bindparam("asked", expanding=True))
    return (
        select(found.entry_id, number)
        .where(asked, found.first_seen.between(bindparam("since"), bindparam("until")))
        .group_by(found.entry_id)
        .having(or_(number >= SHARED, twins == 1))
        .order_by(number.desc(), found.entry_id.desc())
        .limit(MAX_CANDIDATES)
    )


_SHARING = _sharing()  # built once: it is asked for every entry


def shared(connection: Connection, shelf: Shelf, item: Item) -> dict[int, int]:
    """The stored entries that share postings with an item within its window, with how many; the likeliest only."""
    asked = shelf.asked(item)
    twins = [token for token in asked if token[0] in "=@"]
    days = {"since": item.at - item.window, "until": item.at + item.window}
    return dict(connection.execute(_SHARING, {"asked": asked, "twins": twins, **days}).all())


def load(connection: Connection, shelf: Shelf, items: Sequence[Item], near: Collection[int]) -> None:
    """Put candidates onto the shelf, with their stories and the members those began with; `items` have their counts there."""
    load_stories(connection, shelf, set(memberships(connection, near).values()), near)
    # Titles are compared by how rare their words are: those of the candidates count as well.
    theirs = {word for one in shelf.items.values() for word in one.signed.title_tokens}
    _load_words(connection, shelf, items, theirs - {ENTRIES}.union(*map(words_of, items)))
    ids = [item.id for item in items]
    for part in chunks(ids):
        parted = select(story_wish.c.entry_id, story_wish.c.other_id).where(story_wish.c.together.is_(False))
        either = or_(story_wish.c.entry_id.in_(part), story_wish.c.other_id.in_(part))
        shelf.apart |= {frozenset(row) for row in connection.execute(parted.where(either))}


def load_stories(connection: Connection, shelf: Shelf, story_ids: Collection[int], members: Collection[int]) -> None:
    """Put stories onto the shelf: of each the member it began with, and those of `members`, ready to be compared."""
    of: dict[int, int] = {}
    began: set[int] = set()
    query = select(story_member.c.story_id, story_member.c.entry_id, story_member.c.relation, entry)
    query = query.join(entry, entry.c.id == story_member.c.entry_id).order_by(story_member.c.entry_id)
    for row in rows_of(connection, query, story_member.c.story_id, sorted(story_ids)):
        known = shelf.stories.setdefault(row.story_id, Story())
        known.feeds[row.entry_id] = row.feed_id
        of[row.entry_id] = row.story_id
        if row.relation in BEGAN:
            known.began[row.entry_id] = when(row)
            began.add(row.entry_id)
    wanted = began | (set(members) & set(of))
    signed = select(entry, story_signature.c.data).join(story_signature, story_signature.c.entry_id == entry.c.id)
    for row in rows_of(connection, signed, entry.c.id, sorted(wanted)):
        signature = unpacked(row.data)
        if signature is not None:
            shelf.put(_item(row, signature), of[row.id], posted=False)
