"""Gives matched entries their stories, in the transaction that stores the matches: candidates are looked up, never scanned.

An entry is found by its rarest words, its exact text and its address among entries of its own days, so that what a new
one costs does not grow with the archive. The rule itself is `core.stories.shelf`.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, exists, func, select

from aggregator.core.model.stories import Kind
from aggregator.core.stories.compact import packed
from aggregator.core.stories.group import count
from aggregator.core.stories.shelf import LONGEST_WINDOW, Item, Placement, Shelf, judge, postings
from aggregator.core.stories.signature import signed as sign
from aggregator.core.stories.vocabulary import Key
from aggregator.store import dialect
from aggregator.store.chunks import chunks, rows_of
from aggregator.store.database import Store
from aggregator.store.schema import (
    entry,
    feed,
    feed_state,
    is_current,
    is_in_force,
    match,
    revision,
    story,
    story_link,
    story_member,
    story_posting,
    story_sentence,
    story_signature,
    story_wish,
    story_word,
    topic,
    topic_version,
)
from aggregator.store.story_shelf import (
    FIRST,
    Signed,
    items_of,
    load,
    load_counts,
    load_stories,
    memberships,
    shared,
)

BATCH = 500
_ROUNDS = 200  # of a batch each, before others get their turn again
_ONCE = timedelta(days=8)  # how long a sentence that stands in one entry is remembered
_STOCK = timedelta(days=90)  # the same for those that came back

Numbered = Mapping[int, int]


def join(connection: Connection, signed: Sequence[Signed], *, now: datetime) -> None:
    """Give each matched entry (id, signature) its story, the lowest id first; those that have one keep it.

    An entry whose words changed is compared by its new ones from now on. It leaves its story only when it has nothing in
    common with any member any more, no person joined it to one, and the story did not begin with it.

    Processes that do this at once wait for each other here, so it comes last in a transaction.
    """
    if not signed:
        return
    dialect.lock_stories(connection)
    items = items_of(connection, signed)
    known = memberships(connection, [item.id for item in items])
    left = _renew(connection, [item for item in items if item.id in known], known)
    arriving = [item for item in items if item.id not in known or item.id in left]
    if arriving:
        _place(connection, arriving, left, now)


def adopt(connection: Connection, entry_ids: Collection[int], *, now: datetime) -> None:
    """Give stored entries their stories, by the words that are stored of them."""
    query = (
        select(entry.c.id, revision.c.title, revision.c.text, revision.c.language)
        .add_columns(feed.c.definition, feed_state.c.language.label("feed_language"))
        .join(revision, is_current)
        .join(feed, feed.c.id == entry.c.feed_id)
        .outerjoin(feed_state, feed_state.c.feed_id == entry.c.feed_id)
    )
    signed: list[Signed] = []
    for row in rows_of(connection, query, entry.c.id, sorted(entry_ids)):
        language = row.language or row.definition.get("language") or row.feed_language
        signed.append((row.id, sign(row.title, row.text, language)))
    join(connection, signed, now=now)


def catch_up(connection: Connection, *, since: datetime, now: datetime, limit: int = BATCH) -> int:
    """Adopt up to `limit` matched entries that were first seen since an instant and have no story; how many there were.

    Those are entries of a release that knew no stories.
    """
    matched = exists().where(match.c.entry_id == entry.c.id)
    alone = ~exists().where(story_member.c.entry_id == entry.c.id)
    query = select(entry.c.id).where(entry.c.first_seen >= since, matched, alone)
    missing = connection.execute(query.order_by(entry.c.first_seen, entry.c.id).limit(limit)).scalars().all()
    adopt(connection, missing, now=now)
    return len(missing)


def prune(connection: Connection, *, now: datetime, limit: int = BATCH) -> int:
    """Let go of up to `limit` entries' means to be compared, and of old counts; how many entries there were."""
    before = now - LONGEST_WINDOW - timedelta(days=1)
    query = select(story_signature.c.entry_id).where(story_signature.c.at < before)
    old = connection.execute(query.order_by(story_signature.c.at).limit(limit)).scalars().all()
    if old:
        connection.execute(delete(story_posting).where(story_posting.c.entry_id.in_(old)))
        connection.execute(delete(story_signature).where(story_signature.c.entry_id.in_(old)))
    connection.execute(delete(story_word).where(story_word.c.day < before.date()))
    seen = story_sentence.c.seen_at
    connection.execute(delete(story_sentence).where(seen < now - _ONCE, story_sentence.c["items"] == 1))
    connection.execute(delete(story_sentence).where(seen < now - _STOCK))
    return len(old)


async def tidy(store: Store, *, now: datetime) -> None:
    """Give stories to what has none yet, and let go of what is no longer compared."""
    for _ in range(_ROUNDS):
        if await store.writing(catch_up, since=now - LONGEST_WINDOW, now=now) < BATCH:
            break
    if await store.reading(unfinished):
        return  # a replay compares entries of long ago, and goes on from where it is
    for _ in range(_ROUNDS):
        if await store.writing(prune, now=now) < BATCH:
            break


def unfinished(connection: Connection) -> bool:
    """Whether a topic is being tried on the archive."""
    query = select(topic.c.id).join(topic_version, is_in_force).where(topic.c.listed)
    return connection.execute(query.where(topic_version.c.replay_after.is_not(None)).limit(1)).first() is not None


def _place(connection: Connection, arriving: Sequence[Item], left: Collection[int], now: datetime) -> None:
    """Find a story for each entry and write what came of it. Those that `left` one were counted when they came."""
    shelf = Shelf()
    load_counts(connection, shelf, arriving)
    seen = Counter(shelf.sentences)
    bare = [shelf.bare(item) for item in arriving]
    near = {item.id: shared(connection, shelf, item) for item in bare}
    load(connection, shelf, bare, {one for found in near.values() for one in found})
    placed: list[Placement] = []
    said: Counter[Key] = Counter()
    for item in bare:
        one = shelf.place(item, shelf.near(item, near[item.id]))
        placed.append(one)
        # A story that begins here has no number yet: until it is written, it goes by its first member's, negative.
        shelf.put(item, -item.id if one.story is None else one.story)
        if item.id not in left:
            said.update(count(shelf.vocabulary, item))
    _write(connection, placed, now)
    _count_words(connection, said)
    _count_sentences(connection, shelf.sentences - seen, now)


def _write(connection: Connection, placed: Sequence[Placement], now: datetime) -> None:
    begun = [one for one in placed if one.story is None]
    numbers: dict[int, int] = {}
    if begun:
        fresh = story.insert().returning(story.c.id, sort_by_parameter_order=True)
        made = connection.execute(fresh, [{"first_seen": one.item.at} for one in begun]).scalars().all()
        numbers = {-one.item.id: number for one, number in zip(begun, made, strict=True)}
    connection.execute(story_member.insert(), [_member(one, numbers, now) for one in placed])
    _keep(connection, [one.item for one in placed])
    links = [link for one in placed for link in _links(one, numbers, now)]
    if links:
        connection.execute(dialect.insert(connection, story_link).on_conflict_do_nothing(), links)


def _member(one: Placement, numbers: Numbered, now: datetime) -> dict[str, object]:
    number = -one.item.id if one.story is None else one.story
    row = {"entry_id": one.item.id, "story_id": numbers.get(number, number), "at": now}
    if one.relation is None:
        return {**row, "relation": FIRST, "reasons": []}
    return {
        **row,
        "relation": one.relation.kind.value,
        "reasons": [*one.relation.reasons, f"compared with entry {one.to}"],
    }


def _links(one: Placement, numbers: Numbered, now: datetime) -> list[dict[str, object]]:
    """The stories beside this one's, each pair under its lower number."""
    own = -one.item.id if one.story is None else one.story
    found = []
    for link in one.links:
        sides = sorted([(numbers.get(own, own), one.item.id), (numbers.get(link.story, link.story), link.entry)])
        (low, low_entry), (high, high_entry) = sides
        row = {"story_id": low, "other_id": high, "entry_id": low_entry, "other_entry_id": high_entry}
        found.append({**row, "reasons": list(link.relation.reasons), "strength": link.relation.strength, "at": now})
    return found


def _keep(connection: Connection, items: Sequence[Item]) -> None:
    """Keep what later entries are compared with, and the words by which they find it."""
    kept = [{"entry_id": item.id, "at": item.at, "data": packed(item.signed)} for item in items]
    connection.execute(story_signature.insert(), kept)
    posted = [
        {"token": token, "first_seen": item.at, "entry_id": item.id}
        for item in items
        for token in dict.fromkeys(postings(item))
    ]
    connection.execute(story_posting.insert(), posted)


def _count_words(connection: Connection, said: Mapping[Key, int]) -> None:
    rows = [
        {"word": word, "topic_id": topic, "day": day, "items": items}
        for (topic, word, day), items in sorted(said.items())
    ]
    if rows:
        row = dialect.insert(connection, story_word)
        more = {"items": story_word.c["items"] + row.excluded["items"]}
        connection.execute(row.on_conflict_do_update(index_elements=["word", "topic_id", "day"], set_=more), rows)


def _count_sentences(connection: Connection, seen: Mapping[tuple[str, int], int], now: datetime) -> None:
    rows = [
        {"feed_id": feed_id, "hash": hash_, "items": items, "seen_at": now}
        for (feed_id, hash_), items in sorted(seen.items())
    ]
    if rows:
        row = dialect.insert(connection, story_sentence)
        more = {"items": story_sentence.c["items"] + row.excluded["items"], "seen_at": now}
        connection.execute(row.on_conflict_do_update(index_elements=["feed_id", "hash"], set_=more), rows)


def _renew(connection: Connection, items: Sequence[Item], known: Numbered) -> frozenset[int]:
    """Compare stored entries by their new words from now on; which of them have left their stories."""
    if not items:
        return frozenset()
    shelf = Shelf()
    load_counts(connection, shelf, items)
    stories = {known[item.id] for item in items}
    everyone = select(story_member.c.entry_id).where(story_member.c.story_id.in_(stories))
    load_stories(connection, shelf, stories, connection.execute(everyone).scalars().all())
    bare = [shelf.bare(item) for item in items]
    changed = [one for one in bare if one.id not in shelf.items or shelf.items[one.id].signed != one.signed]
    left = frozenset(one.id for one in changed if _has_left(connection, shelf, one, known[one.id]))
    gone = [one.id for one in changed]
    for part in chunks(gone):
        connection.execute(delete(story_posting).where(story_posting.c.entry_id.in_(part)))
        connection.execute(delete(story_signature).where(story_signature.c.entry_id.in_(part)))
    for part in chunks(sorted(left)):
        connection.execute(delete(story_member).where(story_member.c.entry_id.in_(part)))
    staying = [one for one in changed if one.id not in left]
    if staying:
        _keep(connection, staying)
    return left


def _has_left(connection: Connection, shelf: Shelf, item: Item, number: int) -> bool:
    """Whether an entry has nothing in common any more with the story it is in."""
    if number not in shelf.stories or item.id in shelf.stories[number].began:
        return False
    others = [shelf.items[one] for one in shelf.stories[number].feeds if one in shelf.items and one != item.id]
    if not others or any(judge(item, other, lambda _: 1.0).kind is not Kind.DIFFERENT for other in others):
        return False
    either = (story_wish.c.entry_id == item.id) | (story_wish.c.other_id == item.id)
    wished = select(func.count()).select_from(story_wish).where(either, story_wish.c.together)
    return connection.execute(wished).scalar_one() == 0
