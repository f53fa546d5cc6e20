"""What people say of stories, which wins over every rule: entries that are split off stay apart, stories that are joined stay one."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, or_, select, update

from aggregator.core.errors import UsageError
from aggregator.store import dialect
from aggregator.store.schema import entry, story, story_link, story_member, story_wish
from aggregator.store.story_shelf import BEGAN, FIRST, JOINED, when


def split(connection: Connection, entry_ids: Collection[int], *, now: datetime) -> int:
    """Take entries of one story out of it, to be a story of their own, and keep them apart for ever; its number.

    Raises UsageError for entries without a story, of several stories, or for all of one.
    """
    dialect.lock_stories(connection)
    wanted = set(entry_ids)
    found = connection.execute(select(story_member).where(story_member.c.entry_id.in_(wanted))).all()
    if missing := wanted - {row.entry_id for row in found}:
        raise UsageError(f"no story has entry {_listed(missing)}", hint="`aggregator stories list` shows what there is")
    numbers = {row.story_id for row in found}
    if len(numbers) > 1:
        raise UsageError(f"these entries are in several stories: {_listed(numbers)}", hint="split one story at a time")
    (number,) = numbers
    members = _members(connection, number)
    staying = [row for row in members if row.entry_id not in wanted]
    moving = [row for row in members if row.entry_id in wanted]
    if not staying:
        raise UsageError(f"story {number} has no other entry", hint="leave one of them out")
    began = {"first_seen": min(when(row) for row in moving)}
    fresh: int = connection.execute(story.insert().values(began).returning(story.c.id)).scalar_one()
    said = [f"split from story {number} by a person"]
    for row in moving:
        _move(connection, row, fresh, reasons=said)
    _begin(connection, fresh, [row for row in moving if row.relation in BEGAN] or moving[:1])
    if not any(row.relation in BEGAN for row in staying):
        _begin(connection, number, staying[:1])
    connection.execute(update(story).where(story.c.id == number).values(first_seen=min(when(row) for row in staying)))
    _wish(connection, [row.entry_id for row in moving], [row.entry_id for row in staying], together=False, now=now)
    return fresh


def join(connection: Connection, numbers: Sequence[int], *, now: datetime) -> int:
    """Make several stories one, for ever; the number it has, which is the lowest of theirs.

    Later entries join it for a member that any of them began with. Raises UsageError for a story that is not there.
    """
    dialect.lock_stories(connection)
    wanted = sorted(set(numbers))
    there = set(connection.execute(select(story.c.id).where(story.c.id.in_(wanted))).scalars())
    if missing := set(wanted) - there:
        raise UsageError(f"no such story: {_listed(missing)}", hint="`aggregator stories list` shows their numbers")
    if len(wanted) == 1:
        raise UsageError("a story cannot be joined to itself", hint="give two numbers or more")
    target, others = wanted[0], wanted[1:]
    for other in others:
        known, moving = _members(connection, target), _members(connection, other)
        for row in moving:
            relation = JOINED if row.relation == FIRST else row.relation
            reasons = [*row.reasons, f"story {other} was joined to this one by a person"]
            _move(connection, row, target, relation=relation, reasons=reasons)
        _wish(connection, [row.entry_id for row in known], [row.entry_id for row in moving], together=True, now=now)
        _hand_links_over(connection, other, target)
        connection.execute(delete(story).where(story.c.id == other))
    first = min(when(row) for row in _members(connection, target))
    connection.execute(update(story).where(story.c.id == target).values(first_seen=first))
    return target


def _members(connection: Connection, number: int) -> Sequence[Row[Any]]:
    """The members of a story as they came, each with what says when it became news."""
    columns = (entry.c.published, entry.c.date_suspect, entry.c.first_seen)
    query = select(story_member, *columns).join(entry, entry.c.id == story_member.c.entry_id)
    return connection.execute(query.where(story_member.c.story_id == number).order_by(story_member.c.entry_id)).all()


def _move(connection: Connection, row: Row[Any], number: int, **values: Any) -> None:
    one = update(story_member).where(story_member.c.entry_id == row.entry_id)
    connection.execute(one.values(story_id=number, **values))


def _begin(connection: Connection, number: int, members: Sequence[Row[Any]]) -> None:
    """Have a story begin with `members`, the first of them as its first."""
    for relation, row in zip([FIRST, *[JOINED] * len(members)], members, strict=False):
        _move(connection, row, number, relation=relation)


def _wish(connection: Connection, ones: Sequence[int], others: Sequence[int], *, together: bool, now: datetime) -> None:
    """Keep what a person wants of each pair; what was wanted before is forgotten."""
    rows = [
        {"entry_id": min(one, other), "other_id": max(one, other), "together": together, "at": now}
        for one in ones
        for other in others
    ]
    row = dialect.insert(connection, story_wish)
    latest = {"together": together, "at": now}
    connection.execute(row.on_conflict_do_update(index_elements=["entry_id", "other_id"], set_=latest), rows)


def _hand_links_over(connection: Connection, former: int, number: int) -> None:
    """Have what was shown beside one story shown beside another."""
    either = or_(story_link.c.story_id == former, story_link.c.other_id == former)
    for row in connection.execute(select(story_link).where(either)).all():
        sides = [(row.story_id, row.entry_id), (row.other_id, row.other_entry_id)]
        (low, low_entry), (high, high_entry) = sorted((number if side == former else side, one) for side, one in sides)
        if low != high:
            kept = {"reasons": row.reasons, "strength": row.strength, "at": row.at}
            values = {"story_id": low, "other_id": high, "entry_id": low_entry, "other_entry_id": high_entry, **kept}
            connection.execute(dialect.insert(connection, story_link).values(values).on_conflict_do_nothing())
    connection.execute(delete(story_link).where(either))


def _listed(numbers: Collection[int]) -> str:
    return ", ".join(map(str, sorted(numbers)))
